"""The value objects."""

from __future__ import annotations

from ctest_containers.model import SQLITE, Address, DatabaseGroup, DatabasePlan, Secret, Vendor


def test_a_secret_is_a_text_that_does_not_show_itself() -> None:
    secret = Secret("hunter2")

    shown = repr(secret)

    assert shown == "'***'"
    assert secret == "hunter2"


def test_an_address_does_not_show_its_password() -> None:
    address = Address(host="db", port=5432, user="admin", password=Secret("hunter2"))

    shown = f"{address} {address!r}"

    assert "hunter2" not in shown


def test_an_address_needs_no_password() -> None:
    assert Address(host="/run", port=5432, user="admin").password == ""


def test_the_first_group_of_a_vendor_is_labelled_with_its_name() -> None:
    group = DatabaseGroup(vendor=Vendor("postgresql"), number=1, databases=())

    assert group.label == "postgresql"


def test_a_further_group_of_a_vendor_is_labelled_with_its_number() -> None:
    group = DatabaseGroup(vendor=SQLITE, number=3, databases=())

    assert group.label == "sqlite-3"


def test_the_aliases_of_a_group_keep_the_order_of_its_databases() -> None:
    databases = (
        DatabasePlan(name="test_b", aliases=("b", "mirror")),
        DatabasePlan(name="test_a", aliases=("a",)),
    )

    group = DatabaseGroup(vendor=Vendor("postgresql"), number=1, databases=databases)

    assert group.aliases == ("b", "mirror", "a")
