"""Sends random queries of Django's to SQLite, and compares what it touches with what is known.

    python -m harness.queried_models EXAMPLES

It prints, as JSON, how many statements were compared, and how often each kind occurred.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import django
from django.apps import AppConfig
from django.conf import settings

from ctest_containers.statements.normalized import normalized
from ctest_containers.statements.touched import touched
from harness.sqlite_access import access_of, assert_covers

LABEL = "queried"


class QueriedConfig(AppConfig):
    """An app without a module of models."""

    name = "harness.queried_models"
    label = LABEL
    path = "."


def main(examples: int) -> None:
    """Compare the statements of so many random queries."""
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    settings.configure(
        INSTALLED_APPS=["harness.queried_models.QueriedConfig"],
        DATABASES={"default": database},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
    )
    django.setup()
    from django.db import connection

    models = _models()
    tables = frozenset(
        table
        for model in models
        for table in (
            model._meta.db_table,
            *(field.remote_field.through._meta.db_table for field in model._meta.many_to_many),
        )
    )
    statements: list[tuple[str, Any]] = []

    def listen(execute: Callable[..., Any], sql: str, params: Any, many: Any, context: Any) -> Any:
        statements.append((sql, params[0] if many else params))
        return execute(sql, params, many, context)

    with connection.schema_editor() as editor:
        for model in models:
            editor.create_model(model)
    with connection.execute_wrapper(listen):
        for seed in range(examples):
            _query(random.Random(seed), models)
    kinds: Counter[str] = Counter()
    # What foreign keys touch is a matter of the schema, not of the statement.
    connection.disable_constraint_checking()
    for sql, params in statements:
        values = tuple(str(value) for value in params or ())
        access = access_of(connection.connection, re.sub("%s", "?", sql), values)
        for text in (sql, normalized(sql, "sqlite")):
            assert_covers(touched(text, "sqlite"), access, text, tables=tables)
        kinds[touched(sql, "sqlite").kind.value] += 1
    print(json.dumps({"statements": len(statements), **kinds}))


def _models() -> list[Any]:
    from django.db import models

    def model(name: str, /, **fields: Any) -> Any:
        meta = type("Meta", (), {"app_label": LABEL})
        return type(name, (models.Model,), {"__module__": __name__, "Meta": meta, **fields})

    author = model(
        "Author",
        name=models.CharField(max_length=40),
        born=models.DateField(null=True),
        mentor=models.ForeignKey("self", models.CASCADE, null=True),
    )
    book = model(
        "Book",
        title=models.CharField(max_length=40, unique=True),
        author=models.ForeignKey(author, models.CASCADE),
        price=models.IntegerField(default=1, db_column="Net Price"),
        seen=models.DateTimeField(null=True),
    )
    shelf = model("Shelf", books=models.ManyToManyField(book), order=models.IntegerField(default=0))
    return [author, book, shelf]


def _query(chance: random.Random, models: Sequence[Any]) -> None:
    """Send one query, which may be any that Django's documentation names."""
    from django.db.models import (
        Avg,
        Case,
        Count,
        Exists,
        F,
        OuterRef,
        Q,
        Subquery,
        Value,
        When,
        Window,
    )
    from django.db.models.functions import Coalesce, ExtractYear, RowNumber, Upper

    author, book, shelf = models
    conditions = [
        Q(title__contains="a"),
        Q(author__name__in=["a", "b", "c"]),
        Q(author__mentor__name="x") | Q(price__gt=3),
        ~Q(shelf__order=1),
        Q(author__born__year=2000),
        Q(pk__in=book.objects.filter(author__name="a").values("pk")),
        Exists(shelf.objects.filter(books=OuterRef("pk"), order__gt=F("pk"))),
    ]
    annotations: dict[str, Any] = {
        "shelves": Count("shelf", distinct=True),
        "mean": Avg("author__book__price"),
        "upper": Upper("author__name"),
        "case": Case(When(price__gt=2, then=Value("a")), default=F("title")),
        "rank": Window(RowNumber(), partition_by=F("author"), order_by=F("price").desc()),
        "first": Subquery(author.objects.filter(book=OuterRef("pk")).values("name")[:1]),
        "year": ExtractYear("seen"),
        "or_zero": Coalesce("author__mentor__id", 0),
    }
    query = book.objects.all()
    for _ in range(chance.randint(0, 3)):
        query = query.filter(chance.choice(conditions))
    for name in chance.sample(sorted(annotations), chance.randint(0, 3)):
        query = query.annotate(**{name: annotations[name]})
    if chance.random() < 0.4:
        query = query.order_by(chance.choice(["title", "-author__name", "?", "price"]))
    match chance.randint(0, 13):
        case 0:
            query.count()
        case 1:
            query.exists()
        case 2:
            list(query.values("author__name").annotate(n=Count("pk")).filter(n__gt=1))
        case 3:
            list(query.only("title", "author").select_related("author__mentor")[:5])
        case 4:
            list(query.prefetch_related("shelf_set", "author__book_set"))
        case 5:
            book.objects.filter(conditions[chance.randint(0, 6)]).update(price=F("price") + 1)
        case 6:
            book.objects.filter(conditions[chance.randint(0, 6)]).delete()
        case 7:
            writer = author.objects.create(name="a")
            new = [book(title=str(chance.random()), author=writer) for _ in range(3)]
            book.objects.bulk_create(new)
            shelf.objects.create().books.add(*book.objects.all()[:2])
        case 8:
            writer, _ = author.objects.get_or_create(name="b", mentor=None)
            book.objects.bulk_create(
                [book(title="t", author=writer)],
                update_conflicts=True,
                unique_fields=["title"],
                update_fields=["price"],
            )
        case 9:
            plain = book.objects.order_by().values("title")
            list(plain.union(author.objects.values("name"), all=True))
        case 10:
            list(book.objects.order_by().dates("seen", "year"))
        case 11:
            query.aggregate(Avg("price"))
        case 12:
            list(book.objects.raw('SELECT b.*, a.name FROM "queried_book" b, queried_author a'))
        case _:
            list(query.distinct().values_list("title", "author__mentor__name"))


if __name__ == "__main__":
    main(int(sys.argv[1]))
