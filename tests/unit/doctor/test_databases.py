"""Databases, their images, servers and drivers are judged before any of them is started."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from unit.doctor.made_contexts import context, group, project, worst
from unit.fakes import FakeEngine

from ctest_containers.backends import BACKENDS
from ctest_containers.config import Config
from ctest_containers.doctor import drivers, images
from ctest_containers.doctor.databases import check_databases
from ctest_containers.doctor.finding import Severity
from ctest_containers.doctor.isolation import FixedPort, fixed_ports, judged
from ctest_containers.doctor.options import check_options
from ctest_containers.doctor.transport import check_transport
from ctest_containers.engine.transports import EVERYWHERE, ServerTransport
from ctest_containers.errors import EngineError
from ctest_containers.model import SQLITE, Transport, Vendor
from ctest_containers.project.databases import DatabasePlans
from ctest_containers.project.shared_resource import SharedResource

pytestmark = pytest.mark.usefixtures("configured_django")


@pytest.mark.parametrize(
    ("vendor", "image", "version"),
    [
        (Vendor("postgresql"), "", "17"),
        (Vendor("mysql"), "mariadb", "11.8-MariaDB"),
        (Vendor("postgresql"), "postgres:16", "16"),
        (Vendor("postgresql"), "postgres:12.4-alpine", "12.4"),
        (Vendor("postgresql"), "postgis/postgis:17-3.5", "17"),
        (Vendor("postgresql"), "registry.example.org:5000/my-postgres:15", "15"),
        (Vendor("mysql"), "mysql:8.4", "8.4"),
        (Vendor("mysql"), "mariadb:10.4", "10.4-MariaDB"),
        (Vendor("postgresql"), "postgres:latest", None),
        (Vendor("postgresql"), "postgres", None),
        (Vendor("postgresql"), "company/database:3", None),
    ],
)
def test_the_version_of_a_server_is_read_from_its_image_where_that_tells(
    vendor: Vendor, image: str, version: str | None
) -> None:
    assert drivers.version_of(group(vendor, image)) == version


def test_djangos_least_version_is_known_without_a_connection() -> None:
    from django.db.backends.mysql.base import DatabaseWrapper as Mysql
    from django.db.backends.postgresql.base import DatabaseWrapper as Postgresql

    settings: dict[str, Any] = {"OPTIONS": {}, "TIME_ZONE": None}

    assert (
        drivers._least(Postgresql(settings), {})
        == Postgresql(settings).features.minimum_database_version
    )
    facts = BACKENDS["mysql"].facts_for_django
    of_mysql = drivers._least(Mysql(settings), facts("9"))
    of_mariadb = drivers._least(Mysql(settings), facts("11.8-MariaDB"))
    assert of_mysql is not None
    assert of_mariadb is not None
    assert of_mysql[0] == 8
    assert of_mariadb[0] == 10


def test_the_driver_that_django_uses_is_named(tmp_path: Path) -> None:
    (one,) = drivers.check_drivers(context(tmp_path, project=project(group(SQLITE))))

    assert one.severity is Severity.OK
    assert "'default' uses the driver sqlite3 3." in one.what


def test_an_unsupported_vendor_is_an_error_where_tests_use_it(tmp_path: Path) -> None:
    plans = DatabasePlans((), {"default": "oracle"})

    (used,) = check_databases(
        context(tmp_path, project=project(plans=plans, aliases=frozenset({"default"})))
    )
    (unused,) = check_databases(context(tmp_path, project=project(plans=plans)))

    assert used.severity is Severity.ERROR
    assert "'oracle'" in used.what
    assert unused.severity is Severity.NOTE


def test_a_named_image_that_is_not_there_is_pulled_by_the_next_run(tmp_path: Path) -> None:
    made = project(group(image="postgres:16"))

    (one,) = images.check_images(context(tmp_path, project=made, engine=FakeEngine()))

    assert one.severity is Severity.NOTE
    assert "`docker pull postgres:16`" in one.fix


def test_a_local_image_that_is_not_there_cannot_be_had(tmp_path: Path) -> None:
    made = project(group(image="localhost/mine:1"))

    (one,) = images.check_images(context(tmp_path, project=made, engine=FakeEngine()))

    assert one.severity is Severity.ERROR


def test_an_image_of_our_own_that_is_not_there_is_built_with_what_it_begins_with(
    tmp_path: Path,
) -> None:
    found = list(
        images.check_images(context(tmp_path, project=project(group()), engine=FakeEngine()))
    )

    assert [one.severity for one in found] == [Severity.NOTE] * 3
    assert "is missing: there is no earlier template" in found[0].what
    assert "Debian's archive" in found[1].what
    assert found[2].what.startswith("debian:trixie-slim")
    assert all(one.fix for one in found)


@pytest.mark.parametrize(
    ("shared", "separate", "severity", "fix"),
    [
        (
            SharedResource(setting="CACHES", what="It is one.", separated=True),
            True,
            Severity.OK,
            "",
        ),
        (
            SharedResource(setting="CACHES", what="It is one.", separated=True),
            False,
            Severity.WARNING,
            "--no-separate",
        ),
        (
            SharedResource(
                setting="BROKER", what="It is one.", separated=False, advice="Change it."
            ),
            True,
            Severity.WARNING,
            "Change it.",
        ),
        (
            SharedResource(setting="BROKER", what="It is one.", separated=False),
            True,
            Severity.WARNING,
            "--worker-setup",
        ),
    ],
)
def test_what_is_shared_is_judged_by_whether_it_is_separated(
    shared: SharedResource,
    separate: bool,  # noqa: FBT001
    severity: Severity,
    fix: str,
) -> None:
    (one,) = judged([shared], separate=separate)

    assert one.severity is severity
    assert one.what.startswith(f"{shared.setting}: {shared.what}")
    assert fix in one.fix


def test_a_port_of_two_classes_is_worse_than_one_of_one() -> None:
    two, one = fixed_ports([FixedPort("a.One", 80), FixedPort("a.Two", 80), FixedPort("b.X", 81)])

    assert two.severity is Severity.WARNING
    assert one.severity is Severity.NOTE


def test_an_extra_that_an_option_needs_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    config = Config(prometheus="metrics.prom", log_format="json")

    found = list(check_options(context(tmp_path, config=config)))

    assert [one.fix for one in found] == [
        'Run `pip install "ctest-containers[prometheus]"`.',
        'Run `pip install "ctest-containers[json]"`.',
    ]
    assert {one.severity for one in found} == {Severity.ERROR}


def test_options_that_contradict_one_another_are_told_of(tmp_path: Path) -> None:
    config = Config(
        push=True,
        timeout=300.0,
        timeout_per_test=600.0,
        worker_setup="no_such_module.function",
    )

    found = list(check_options(context(tmp_path, config=config, project=project())))

    assert "the option registry is not" in found[0].what
    assert "The time limit per test (600 s)" in found[1].what
    assert "no_such_module" in found[2].what


class ElsewhereEngine(FakeEngine):
    """An engine that only some transports reach."""

    def __init__(self, transports: dict[str, ServerTransport]) -> None:
        super().__init__()
        self._transports = transports

    def choose_transport(self, folder: Path, wanted: str) -> ServerTransport:
        del folder
        if wanted not in self._transports:
            raise EngineError(f"Servers cannot be reached by {wanted}.", "Use another transport.")
        return self._transports[wanted]


SOCKET = ServerTransport(transport=Transport.SOCKET, reason="it is near")
PORT = ServerTransport(transport=Transport.PORT, reason="it has ports")


def test_the_transport_to_servers_is_reported_with_its_reason(tmp_path: Path) -> None:
    engine = ElsewhereEngine({"auto": SOCKET})

    (one,) = check_transport(context(tmp_path, engine=engine))

    assert one.severity is Severity.OK
    assert one.what.endswith("containers without network: it is near.")


def test_no_transport_to_servers_is_an_error(tmp_path: Path) -> None:
    (one,) = check_transport(context(tmp_path, engine=ElsewhereEngine({})))

    assert one.severity is Severity.ERROR
    assert one.fix == "Use another transport."


def test_a_slower_transport_than_necessary_is_reported(tmp_path: Path) -> None:
    engine = ElsewhereEngine({"auto": SOCKET, "port": PORT})

    (one,) = worst(
        check_transport(context(tmp_path, engine=engine, config=Config(transport="port")))
    )

    assert "Sockets would work as well (it is near)" in one.what


def test_ports_on_every_address_are_reported(tmp_path: Path) -> None:
    transport = ServerTransport(
        transport=Transport.PORT, reason="it is far", publish=EVERYWHERE, host="there"
    )

    (one,) = worst(check_transport(context(tmp_path, engine=ElsewhereEngine({"auto": transport}))))

    assert "every address of there" in one.what
