"""What every registered vendor does as the protocols of `ctest_containers.backends` say.

Each own image of each vendor has one server for the module; SQLite is in this process.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

import docker
import pytest
from harness.contract_database import (
    ALIAS,
    ENGINES,
    NAME,
    TRIGGERS,
    USER,
    Served,
    connected,
    shelf_model,
    with_tables,
)
from harness.servers import VENDORS as FLAVOURS
from harness.servers import running_server

from ctest_containers.backends import BACKENDS, VENDORS, Backend
from ctest_containers.backends.clients import client_variables, database_url
from ctest_containers.backends.clocks import clocks_in_defaults
from ctest_containers.backends.leases import server_leases
from ctest_containers.backends.session_state import keeps_something, session_state
from ctest_containers.backends.support import LeftToDjango
from ctest_containers.model import Address, DatabaseGroup, DatabasePlan, Lease

pytestmark = pytest.mark.usefixtures("configured_django")

ON_SERVERS = pytest.mark.parametrize("served", [*FLAVOURS], indirect=True, scope="module")


@pytest.fixture(scope="module", autouse=True)
def beside_a_browser() -> Iterator[None]:
    """Let Django connect in a process in which tests of pages have left an event loop."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


@pytest.fixture(scope="module", params=[*FLAVOURS, "sqlite"])
def served(request: pytest.FixtureRequest, engine: docker.DockerClient) -> Iterator[Served]:
    """A database with the tables `shelf` and `clocked`."""
    request.getfixturevalue("beside_a_browser")
    if request.param == "sqlite":
        lease = Lease(alias=ALIAS, settings={"NAME": ":memory:"})
        with connected(lease) as connection:
            yield with_tables(Served(VENDORS["sqlite"], connection, lease, None))
        return
    with running_server(engine, request.param) as (backend, address):
        backend.prepare(address, [USER])
        plan = DatabasePlan(name=NAME, aliases=(ALIAS,), users=(USER,))
        group = DatabaseGroup(vendor=backend.vendor, number=1, databases=(plan,))
        (lease,) = server_leases(group, address)
        with connected(lease) as connection:
            with connection._nodb_cursor() as cursor:
                cursor.execute(f"CREATE DATABASE {NAME}")
            support = VENDORS[backend.vendor]
            yield with_tables(Served(support, connection, lease, (backend, address)))


@pytest.fixture
def shelf(served: Served) -> Iterator[Any]:
    """The manager of a table that is empty before and after."""
    del served
    manager = shelf_model()._base_manager.using(ALIAS)
    yield manager
    manager.all().delete()


@pytest.fixture
def backend(served: Served) -> Backend:
    """The backend of a vendor with a server."""
    assert served.server is not None
    return served.server[0]


@pytest.fixture
def address(served: Served, backend: Backend) -> Address:
    """The address of its server."""
    del backend
    assert served.server is not None
    return served.server[1]


@ON_SERVERS
def test_a_server_has_the_version_that_its_own_image_promises(
    backend: Backend, address: Address, request: pytest.FixtureRequest
) -> None:
    promised = backend.own_images[request.node.callspec.params["served"]]

    version = backend.probe(address).version

    assert version.startswith(promised.removesuffix("-MariaDB"))
    assert backend.product(version) in VENDORS[backend.vendor].title


@ON_SERVERS
def test_a_driver_tells_which_server_it_has_reached(
    served: Served, backend: Backend, address: Address
) -> None:
    served.connection.ensure_connection()
    opened = served.connection.connection

    assert backend.identity_of(opened) == backend.probe(address).identity
    assert backend.reached_by(opened)
    assert not backend.is_mid_query(opened)


@ON_SERVERS
def test_sessions_are_ended_but_for_those_to_keep(
    served: Served, backend: Backend, address: Address
) -> None:
    from django.db import Error

    served.execute("SELECT 1")
    session = backend.session_of(served.connection.connection)
    assert session is not None

    assert backend.is_active(address, 60)
    assert backend.end_sessions(address, keep=[session]) == 0
    served.execute("SELECT 1")
    assert backend.end_sessions(address, keep=()) == 1
    with pytest.raises(Error):
        served.execute("SELECT 1")
    served.connection.close()


@ON_SERVERS
def test_roles_that_exist_are_left_as_they_are(
    served: Served, backend: Backend, address: Address
) -> None:
    backend.prepare(address, [USER, USER])

    assert served.execute("SELECT 1") == [(1,)]
    assert not backend.is_restricted(address, [USER])


@ON_SERVERS
def test_a_database_carries_its_fingerprint(backend: Backend, address: Address) -> None:
    assert backend.marks(address, [NAME]) == {}

    backend.mark(address, [NAME], "abc")

    assert backend.marks(address, [NAME, "missing"]) == {NAME: "abc"}
    backend.mark(address, [NAME], "")


@ON_SERVERS
def test_a_catalog_tells_of_columns_and_counts_tell_of_rows(
    served: Served, backend: Backend, address: Address, shelf: Any
) -> None:
    before, empty = backend.catalog(address, NAME), backend.counts(address, NAME)
    shelf.create(name="x")
    served.execute("ALTER TABLE shelf ADD COLUMN extra int")

    after, filled = backend.catalog(address, NAME), backend.counts(address, NAME)

    served.execute("ALTER TABLE shelf DROP COLUMN extra")
    assert [name.partition(" ")[0] for name in after.keys() - before.keys()] == ["column"]
    assert empty.keys() == filled.keys()
    assert empty != filled


@ON_SERVERS
def test_changed_variables_are_told_before_a_stop(backend: Backend, address: Address) -> None:
    initial = backend.variables(address)

    backend.checkpoint(address, initial)

    assert backend.variables(address) == initial


def test_a_url_and_variables_lead_to_the_database(served: Served) -> None:
    found = urlsplit(database_url(served.lease))
    variables = client_variables(served.lease)

    assert found.scheme == served.support.clients.scheme
    assert unquote(found.path).endswith(str(served.lease.settings["NAME"]))
    if served.server is not None:
        backend, address = served.server
        assert found.username == USER
        assert address.host in database_url(served.lease).replace("%2F", "/")
        assert {USER, NAME} < set(variables.values())
        assert not set(variables) & set(backend.overriding_variables)


def test_a_clock_in_a_default_counts_where_rows_have_it(served: Served) -> None:
    def clocks() -> list[str]:
        with served.connection.cursor() as cursor:
            own = list(clocks_in_defaults(cursor, served.support.session.defaults))
        if served.server is not None:
            backend, address = served.server
            assert list(backend.clocks_in_defaults(address, NAME)) == own
        return own

    assert clocks() == []
    served.execute("INSERT INTO clocked (id) VALUES (1)")
    (clock,) = clocks()
    served.execute("DELETE FROM clocked")

    assert clock.endswith("the default of clocked.made")


def test_a_session_that_keeps_something_is_not_as_before(served: Served) -> None:
    statement = "CREATE TEMPORARY TABLE kept (id int)"
    session = served.support.session
    with served.connection.cursor() as cursor:
        before = session_state(cursor, session)
        assert session_state(cursor, session) == before

        cursor.execute(statement)

        is_told = session_state(cursor, session) != before
        cursor.execute("DROP TABLE kept")
    assert is_told or keeps_something(statement, session)
    assert not keeps_something("SELECT 1", session)


# In memory, a connection that cannot write is of no use afterwards.
@ON_SERVERS
def test_a_session_can_be_kept_from_writing(served: Served, shelf: Any) -> None:
    from django.db import Error

    served.execute(served.support.session.read_only)

    with pytest.raises(Error):
        shelf.create(name="x")
    served.connection.close()


def test_rows_go_and_numbers_go_on(served: Served, shelf: Any) -> None:
    reset, connection = served.support.reset, served.connection
    reset.insert(connection, "shelf", [("name", str), ("id", int)], [["b", 7], ["a", 8]])
    assert list(shelf.order_by("pk").values_list("pk", "name")) == [(7, "b"), (8, "a")]
    shelf.create(name="c")
    assert reset.filled(connection, ["shelf", "clocked"]) == {"shelf"}
    before = reset.positions(connection)

    triggered = reset.clear(connection, ["shelf", "clocked"], cascade=False)

    assert triggered == frozenset()
    assert reset.filled(connection, ["shelf", "clocked"]) == frozenset()
    assert reset.positions(connection) == before


def test_sequences_are_brought_back(served: Served, shelf: Any) -> None:
    from django.db import transaction

    reset, connection = served.support.reset, served.connection
    shelf.create(name="first")
    before = reset.positions(connection)
    with transaction.atomic(using=ALIAS):
        with reset.without_triggers(connection):
            shelf.create(name="second")
        transaction.set_rollback(True, using=ALIAS)

    reset.bring_back(connection, before)

    assert reset.positions(connection) == before
    assert shelf.count() == 1


def test_triggers_are_refused(served: Served) -> None:
    reset, vendor = served.support.reset, served.support.vendor
    reset.refuse_triggers(served.connection)
    served.execute(TRIGGERS[vendor][0])
    try:
        with pytest.raises(LeftToDjango, match="the table shelf has a trigger"):
            reset.refuse_triggers(served.connection)
    finally:
        served.execute(TRIGGERS[vendor][1])


@ON_SERVERS
def test_what_a_stop_takes_is_put_away_and_passwords_with_it(
    backend: Backend, address: Address
) -> None:
    backend.settle(address, [USER], backend.variables(address))

    backend.prepare(address, [USER])
    assert backend.probe(address).version


def test_every_vendor_with_an_image_is_tested_here() -> None:
    assert {*FLAVOURS.values()} == {*BACKENDS}
    assert {*ENGINES} == {*TRIGGERS} == {*VENDORS}
