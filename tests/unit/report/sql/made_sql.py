"""Made-up SQL of two runs: a branch has added a query for each product of an order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ctest_containers.events import UsageRecorded
from ctest_containers.report.sql.collector import SqlCollector
from ctest_containers.report.sql.record import SqlRecord
from ctest_containers.usage.model import StatementUsage

COUNT = 'SELECT COUNT(*) AS "__count" FROM "orders_order"'
ORDERS = (
    'SELECT "orders_order"."id", "orders_order"."customer_id", "orders_order"."created" '
    'FROM "orders_order" WHERE "orders_order"."customer_id" = ? LIMIT ?'
)
PRODUCT = (
    'SELECT "catalog_product"."id", "catalog_product"."name", "catalog_product"."price" '
    'FROM "catalog_product" WHERE "catalog_product"."id" = ?'
)
INSERT = 'INSERT INTO "orders_order"("customer_id") VALUES (?) RETURNING "orders_order"."id"'


def sent(text: str, places: Mapping[str, int], *, count: int = 0) -> StatementUsage:
    count = count or sum(places.values())
    return StatementUsage(
        text=text, alias="default", count=count, seconds=count / 1000, places=places
    )


def usage(unit: str, statements: Iterable[StatementUsage], *, worker: int = 1) -> UsageRecorded:
    """The event that a process of a worker sends about its first unit."""
    names: dict[str, int] = {}

    def number(name: str) -> int:
        return names.setdefault(name, len(names))

    rows = [
        (
            number(statement.alias),
            number(statement.text),
            statement.count,
            round(statement.seconds * 1_000_000),
            *(n for place, count in statement.places.items() for n in (number(place), count)),
        )
        for statement in statements
    ]
    return UsageRecorded(
        worker=worker, unit=unit, first=0, names=tuple(names), statements=tuple(rows)
    )


def recorded(events: Iterable[UsageRecorded], **about: str) -> SqlRecord:
    collector = SqlCollector()
    for event in events:
        collector.add(event)
    known = {"run": "a", "started_at": "", "branch": "", "revision": "", **about}
    return collector.record(**known, vendors={"default": "postgresql"})


def made_sql(
    run: str = "5e6f7a8b", *, has_products: bool = True, branch: str = "orders"
) -> SqlRecord:
    events = [usage("class orders.tests.ListTests", [sent(INSERT, {"orders/tests.py:14": 20})])]
    for name in ("test_all", "test_own"):
        statements = [
            sent("SAVEPOINT ?", {"orders/tests.py:30": 9}),
            sent(COUNT, {"orders/views.py:74": 1}),
            sent(ORDERS, {"orders/views.py:77": 2}),
        ]
        if has_products:
            statements.append(sent(PRODUCT, {"orders/views.py:81": 15, "orders/views.py:90": 1}))
        events.append(usage(f"test orders.tests.ListTests.{name}", statements))
    events.append(usage("test orders.tests.PlainTests.test_name", []))
    last = "test_new" if has_products else "test_old"
    events.append(
        usage(f"test orders.tests.LastTests.{last}", [sent(COUNT, {"orders/views.py:74": 3})])
    )
    return recorded(
        events,
        run=run,
        started_at="2026-11-30T21:14:05.123456+00:00",
        branch=branch,
        revision=f"{run}0123456789",
    )
