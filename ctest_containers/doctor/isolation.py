"""What workers share although each has databases of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ctest_containers.doctor.context import DoctorContext
from ctest_containers.doctor.finding import Area, Finding, note, ok, warning
from ctest_containers.project.shared_resource import SharedResource
from ctest_containers.project.shared_resources import shared_resources
from ctest_containers.text import listing


def check_isolation(context: DoctorContext) -> Iterator[Finding]:
    """Check caches, folders and brokers in the settings, and the ports of live servers."""
    if context.project is None:
        return
    yield from judged(shared_resources(), separate=context.config.separate)
    yield from fixed_ports(live_servers(context.project.tests))


def judged(shared: Sequence[SharedResource], *, separate: bool) -> Iterator[Finding]:
    """A finding for each thing that workers would share by the settings.

    Args:
        separate: Whether workers get their own where that is possible.
    """
    for resource in shared:
        what = f"{resource.setting}: {resource.what}"
        if resource.separated and separate:
            yield ok(Area.ISOLATION, f"{what} Each worker has its own.")
        elif resource.separated:
            yield warning(Area.ISOLATION, what, "Remove `--no-separate` to separate it.")
        else:
            yield warning(
                Area.ISOLATION, what, resource.advice or "Separate it with `--worker-setup`."
            )


@dataclass(frozen=True, slots=True)
class FixedPort:
    """A class whose live server always listens on the same port."""

    test_class: str
    port: int


def live_servers(tests: Sequence[Any]) -> list[FixedPort]:
    """The classes among those of the tests that name a port themselves, each once."""
    from django.test import LiveServerTestCase

    kinds = dict.fromkeys(type(test) for test in tests)
    return [
        FixedPort(f"{kind.__module__}.{kind.__qualname__}", kind.port)
        for kind in kinds
        if issubclass(kind, LiveServerTestCase) and kind.port
    ]


def fixed_ports(ports: Sequence[FixedPort]) -> Iterator[Finding]:
    """Two servers on one port do not start; one class alone can still meet another program."""
    by_port: dict[int, list[str]] = {}
    for fixed in ports:
        by_port.setdefault(fixed.port, []).append(fixed.test_class)
    for port, classes in by_port.items():
        what = f"The live server of {listing(classes)} uses port {port}"
        if len(classes) > 1:
            yield warning(
                Area.ISOLATION,
                f"{what}; two workers cannot listen on it at once.",
                "Remove the attribute `port`, or set it to 0, and use self.live_server_url.",
            )
        else:
            yield note(
                Area.ISOLATION,
                f"{what}; a second run on this machine cannot listen on it at the same time.",
                "Remove the attribute `port`, or set it to 0, and use self.live_server_url.",
            )
