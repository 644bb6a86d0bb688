"""Which variables lead to which database, in the words of each vendor's clients."""

from __future__ import annotations

from dataclasses import replace

import pytest
from unit.service.made_services import sqlite_recipe, up

from ctest_containers.backends.leases import server_leases
from ctest_containers.errors import UsageError
from ctest_containers.model import Address, DatabaseGroup, DatabasePlan, Lease, Secret, Vendor
from ctest_containers.service import Recipe, ServiceFile
from ctest_containers.service.addresses import as_table
from ctest_containers.service.state import KeptServer
from ctest_containers.service.variables import environment, of_service, variables
from ctest_containers.supply.snapshot import DatabaseSnapshot


def leases(vendor: Vendor, *aliases: str, socket: str = "") -> dict[str, Lease]:
    """A server's databases, reached by a port with the password p/w, or by a socket."""
    plans = tuple(
        DatabasePlan(name=f"n {alias}", aliases=(alias,), users=("me",)) for alias in aliases
    )
    group = DatabaseGroup(vendor=vendor, number=1, databases=plans)
    address = Address(
        host="/run/dir" if socket else "127.0.0.1",
        port=4000,
        user="root",
        password=Secret("" if socket else "p/w"),
        socket=socket,
    )
    return {lease.alias: lease for lease in server_leases(group, address)}


def test_clients_of_postgresql_are_led_to_default_and_every_alias_has_an_address() -> None:
    assert variables(leases(Vendor("postgresql"), "replica-2", "default")) == {
        "REPLICA_2_DATABASE_URL": "postgresql://me:p%2Fw@127.0.0.1:4000/n%20replica-2",
        "DATABASE_URL": "postgresql://me:p%2Fw@127.0.0.1:4000/n%20default",
        "PGHOST": "127.0.0.1",
        "PGPORT": "4000",
        "PGUSER": "me",
        "PGPASSWORD": "p/w",
        "PGDATABASE": "n default",
    }


def test_clients_of_mysql_find_a_port_or_a_socket() -> None:
    by_port = variables(leases(Vendor("mysql"), "default"))
    by_socket = variables(leases(Vendor("mysql"), "default", socket="/run/dir/mysqld.sock"))

    del by_port["DATABASE_URL"], by_socket["DATABASE_URL"]
    assert by_port == {
        "MYSQL_USER": "me",
        "MYSQL_PWD": "p/w",
        "MYSQL_DATABASE": "n default",
        "MYSQL_HOST": "127.0.0.1",
        "MYSQL_TCP_PORT": "4000",
    }
    assert by_socket == {
        "MYSQL_USER": "me",
        "MYSQL_DATABASE": "n default",
        "MYSQL_HOST": "localhost",
        "MYSQL_UNIX_PORT": "/run/dir/mysqld.sock",
    }


def test_where_default_is_anothers_the_first_of_the_vendor_is_meant() -> None:
    found = variables(
        {**leases(Vendor("mysql"), "default"), **leases(Vendor("postgresql"), "one", "two")}
    )

    assert found["PGDATABASE"] == "n one"
    assert found["MYSQL_DATABASE"] == "n default"


def test_aliases_that_would_share_a_variable_are_refused() -> None:
    with pytest.raises(
        UsageError, match="'a-b' and 'a_b' would both use the variable A_B_DATABASE_URL"
    ):
        variables(leases(Vendor("postgresql"), "a-b", "a_b"))


def test_an_alias_that_begins_with_a_digit_has_a_variable_that_shells_take() -> None:
    assert "_2ND_DATABASE_URL" in variables(leases(Vendor("postgresql"), "2nd"))


def test_nothing_in_an_environment_leads_clients_elsewhere() -> None:
    before = {
        "PGHOSTADDR": "192.0.2.1",
        "PGSERVICE": "production",
        "PGSSLMODE": "require",
        "MYSQL_UNIX_PORT": "/other",
        "PGTZ": "UTC",
    }

    found = environment(before, leases(Vendor("postgresql"), "default"))

    assert set(before) & set(found) == {"MYSQL_UNIX_PORT", "PGTZ"}
    assert found["PGHOST"] == "127.0.0.1"


def test_no_address_of_a_database_that_was_left_out_stays() -> None:
    before = {
        "DATABASE_URL": "postgres://production",
        "OTHER_DATABASE_URL": "postgres://production",
        "NO_DATABASE_URLS": "kept",
    }

    found = environment(before, leases(Vendor("postgresql"), "one"))

    assert [name for name in before if name in found] == ["NO_DATABASE_URLS"]
    assert found["ONE_DATABASE_URL"].startswith("postgresql://")


def test_several_slots_have_their_own_and_the_first_has_them_without_a_prefix(
    file: ServiceFile, recipe: Recipe
) -> None:
    one, two = up(file, recipe, 2).slots

    found = of_service("default", [one, two])

    assert found == {
        "CTEST_SERVICE": "default",
        "CTEST_SLOT": "1",
        "DATABASE_URL": found["CTEST_1_DATABASE_URL"],
        "CTEST_1_DATABASE_URL": f"sqlite:///{one.leases()['default'].settings['NAME']}",
        "CTEST_2_DATABASE_URL": f"sqlite:///{two.leases()['default'].settings['NAME']}",
    }


def test_a_table_can_keep_passwords_to_itself(file: ServiceFile, recipe: Recipe) -> None:
    (slot,) = up(file, recipe).slots
    plan = DatabasePlan(name="shop", aliases=("default",), users=("me",))
    group = DatabaseGroup(vendor=Vendor("postgresql"), number=1, databases=(plan,))
    address = Address(host="127.0.0.1", port=4000, user="postgres", password=Secret("p/w"))
    kept = replace(
        slot,
        recipe=replace(recipe, sources=(DatabaseSnapshot(group=group, fingerprint="f"),)),
        servers=(KeptServer(group="postgresql", container="c", address=address),),
    )

    _, hidden = as_table([kept], passwords=False)
    _, shown = as_table([kept], passwords=True)

    assert hidden.endswith("postgresql://me:***@127.0.0.1:4000/shop")
    assert shown.endswith("postgresql://me:p%2Fw@127.0.0.1:4000/shop")


def test_a_recipe_is_another_one_when_the_template_is_and_not_when_a_time_limit_is(
    recipe: Recipe, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = sqlite_recipe(tmp_path_factory.mktemp("other"), "e" * 64)

    assert replace(recipe, server_timeout_seconds=1.0) == recipe
    assert other != recipe
