"""A supply has a lifecycle, and its methods refuse to be called when their turn is over."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ctest_containers.config import Config
from ctest_containers.events import Event
from ctest_containers.model import Address, ServiceLease
from ctest_containers.project.process import ProjectSetup
from ctest_containers.servers.requests import ServerLimits
from ctest_containers.supply.parent import PARENT
from ctest_containers.supply.resource import Offer, Resource, Snapshot
from ctest_containers.supply.supply import Supply

pytestmark = pytest.mark.usefixtures("configured_django")


@dataclass(frozen=True)
class Mailbox:
    """A service without a server: each worker gets a folder for its mails."""

    label: str = "mail"
    identity: str = "mail"

    def serves(self, needs: Collection[str]) -> bool:
        return "mail" in needs

    def request(self, server: str, limits: ServerLimits) -> None:
        del server, limits

    def check(self, version: str) -> Sequence[Event]:
        del version
        return ()

    def leases(self, folder: Path, address: Address | None) -> Sequence[ServiceLease]:
        assert address is None
        return [ServiceLease(name="mail", settings={"EMAIL_FILE_PATH": str(folder)})]


@dataclass
class Mail:
    """The resource that is prepared as a `Mailbox`."""

    prepared: list[Collection[str]] = field(default_factory=list)

    def expected(self, needs: Collection[str]) -> Sequence[Snapshot]:
        del needs
        return ()

    def prepare(self, needs: Collection[str], offer: Offer) -> None:
        if "mail" in needs and not self.prepared:
            self.prepared.append(needs)
            offer(Mailbox(), False)  # noqa: FBT003


_: type[Resource] = Mail


@contextmanager
def _open(*resources: Resource) -> Iterator[Supply]:
    supply = Supply(
        config=Config(),
        setup=ProjectSetup(spawned=False),
        create=lambda *_: None,
        report=lambda _: None,
        resources=resources,
    )
    try:
        yield supply
    finally:
        supply.close()


CALLS: dict[str, Callable[[Supply], object]] = {
    "warm": lambda supply: supply.warm([]),
    "prepare": lambda supply: supply.prepare([]),
    "start": lambda supply: supply.start([], 1),
    "acquire": lambda supply: supply.acquire(1, []),
    "await_leases": lambda supply: supply.await_leases(1, []),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_closed_supply_gives_nothing_more(name: str) -> None:
    with _open() as supply:
        pass

    with pytest.raises(RuntimeError, match="The supply is closed"):
        CALLS[name](supply)


@pytest.mark.parametrize("name", ["warm", "start"])
def test_what_depends_on_a_forecast_comes_before_the_start(name: str) -> None:
    with _open() as supply:
        supply.start([], 1)

        with pytest.raises(RuntimeError, match="The supply is started"):
            CALLS[name](supply)


@pytest.mark.parametrize("name", ["warm", "start", "acquire"])
def test_workers_get_nothing_after_all_of_them_have_ended(name: str) -> None:
    with _open() as supply:
        supply.release_all()

        with pytest.raises(RuntimeError, match="The supply is released"):
            CALLS[name](supply)


def test_the_parent_may_use_databases_until_the_supply_is_closed() -> None:
    with _open() as supply:
        supply.release_all()

        assert supply.await_leases(PARENT, []) == []


def test_a_service_is_prepared_once_and_each_worker_gets_its_own() -> None:
    mail = Mail()
    with _open(mail) as supply:
        supply.prepare(["mail"])
        supply.prepare(["mail"])

        first, second = supply.acquire(1, ["mail"]), supply.acquire(2, ["mail"])

        assert len(mail.prepared) == 1
        assert first is not None
        assert second is not None
        assert [lease.name for lease in (*first, *second)] == ["mail", "mail"]
        assert first != second


def test_what_was_not_prepared_or_is_not_needed_is_left_out() -> None:
    with _open(Mail()) as supply:
        before = supply.acquire(1, ["mail"])
        supply.prepare(["mail"])

        assert before == supply.acquire(1, ["search"]) == []
