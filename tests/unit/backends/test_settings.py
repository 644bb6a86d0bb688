"""Servers start with the settings that the user wants, except those that the toolkit decides."""

from __future__ import annotations

import pytest

from ctest_containers.backends import BACKENDS
from ctest_containers.backends.settings import check_settings, setting_in
from ctest_containers.errors import UsageError
from ctest_containers.model import DatabaseGroup, DatabasePlan, Transport, Vendor


def group(vendor: Vendor, *settings: tuple[str, str]) -> DatabaseGroup:
    plan = DatabasePlan(name="test_shop", aliases=("default",))
    return DatabaseGroup(vendor=vendor, number=1, databases=(plan,), settings=settings)


@pytest.mark.parametrize("own_image", [True, False])
@pytest.mark.parametrize("transport", list(Transport))
@pytest.mark.parametrize(
    ("vendor", "setting", "words"),
    [
        (Vendor("postgresql"), ("wal_level", "replica"), ["-c", "wal_level=replica"]),
        (Vendor("mysql"), ("log_bin", "binlog"), ["--log_bin=binlog"]),
    ],
)
def test_settings_of_the_user_come_last_and_take_precedence(
    vendor: Vendor,
    setting: tuple[str, str],
    words: list[str],
    transport: Transport,
    *,
    own_image: bool,
) -> None:
    backend = BACKENDS[vendor]

    without = backend.launch(transport=transport, own_image=own_image)
    launch = backend.launch(transport=transport, own_image=own_image, settings=[setting])

    assert list(launch.command) == [*without.command, *words]


@pytest.mark.parametrize(
    ("vendor", "name"),
    [
        (Vendor("postgresql"), "listen_addresses"),
        (Vendor("postgresql"), "Data_Directory"),
        (Vendor("mysql"), "socket"),
        (Vendor("mysql"), "skip-networking"),
        (Vendor("mysql"), "loose-datadir"),
        (Vendor("mysql"), "innodb_data_home_dir"),
    ],
)
def test_reserved_settings_are_refused(vendor: Vendor, name: str) -> None:
    with pytest.raises(UsageError, match=f"--server-settings must not contain {name}: the toolkit"):
        check_settings(group(vendor, ("max_connections", "7"), (name, "x")))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('replication slots can only be used if "wal_level" >= "replica"', "wal_level=minimal"),
        ("max_worker_processes is too low", "max_worker_processes=2"),
        ('relation "wal_levels" does not exist', ""),
        ("null value", ""),
    ],
)
def test_a_setting_of_the_toolkit_is_found_in_an_error_that_names_it(text: str, named: str) -> None:
    assert setting_in(group(Vendor("postgresql")), text) == named


def test_a_setting_that_the_user_overrides_is_not_reported() -> None:
    own = group(Vendor("postgresql"), ("WAL_level", "minimal"))

    assert not setting_in(own, "wal_level is insufficient")


def test_options_of_mysql_are_found_by_the_names_of_their_variables() -> None:
    text = "The MySQL server is running with the --skip-log-bin option"

    assert setting_in(group(Vendor("mysql")), text) == "skip_log_bin=1"
