"""A session that cannot begin leaves nothing behind."""

from __future__ import annotations

import pytest

from ctest_containers.config import Config
from ctest_containers.errors import UsageError
from ctest_containers.events import Event
from ctest_containers.session import Session
from ctest_containers.session.reporting import Reporting
from ctest_containers.session.request import RunRequest


class Events:
    """A report that keeps what it is sent."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def handle(self, event: Event, at: float) -> None:
        del at
        self.events.append(event)


@pytest.mark.usefixtures("configured_django")
def test_a_wrong_configuration_is_refused_before_anything_is_reported() -> None:
    report = Events()
    request = RunRequest(
        config=Config(push=True),
        selection=(),
        asked=None,
        debug_mode=False,
        prepare_spawned=(print, ()),
        runner_inputs=(),
        create=lambda *_: None,
        spawn_create=lambda *_: None,
    )

    with (
        pytest.raises(UsageError, match="the option registry is not"),
        Session(request, Reporting((report,))),
    ):
        pass

    assert report.events == []
