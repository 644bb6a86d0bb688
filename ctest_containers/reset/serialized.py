"""Restores the rows that migrations have made, for tests with `serialized_rollback`.

Django reads them from JSON each time, and saves them one by one, as an UPDATE and then an INSERT.
Here they are read once, and inserted a table at a time, with the same values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

from ctest_containers.backends import reset_of
from ctest_containers.backends.support import LeftToDjango
from ctest_containers.reset.receivers import foreign_to_save


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a database after its migrations.

    Attributes:
        data: The JSON that they were read from.
        objects: The objects of each model with a table of its own, in their order.
        related: Objects with many-to-many relations, as Django deserializes them.
        saved: The models that Django would save.
    """

    data: str
    objects: Sequence[tuple[Any, Sequence[Any]]]
    related: Sequence[Any]
    saved: frozenset[type]


def read(alias: str, data: str) -> Rows:
    """Read the rows from the JSON that Django kept when it created the database.

    Raises:
        LeftToDjango: Saving them one by one may do more than to insert them.
    """
    from django.core import serializers
    from django.db import router

    objects: dict[Any, dict[Any, Any]] = {}
    related, saved = [], set()
    for deserialized in serializers.deserialize("json", StringIO(data), using=alias):
        entry: Any = deserialized
        model = entry.object._meta.concrete_model
        saved.add(type(entry.object))
        if router.db_for_write(type(entry.object), instance=entry.object) != alias:
            raise LeftToDjango(f"rows of {model._meta.label} are written to another database")
        if model._meta.order_with_respect_to or not _saves_as_django(model):
            raise LeftToDjango(f"{model._meta.label} has values that are set on saving")
        if len(getattr(model._meta, "pk_fields", ())) > 1 or entry.object.pk is None:
            raise LeftToDjango(f"{model._meta.label} has no simple primary key")
        # An object that occurs twice is saved twice, with the same values.
        if objects.setdefault(model, {}).setdefault(entry.object.pk, entry.object) is entry.object:
            entry.object._state.adding, entry.object._state.db = False, alias
            if any((entry.m2m_data or {}).values()):
                related.append(entry)
    by_model = [(model, list(own.values())) for model, own in objects.items()]
    return Rows(data, by_model, related, frozenset(saved))


def _saves_as_django(model: Any) -> bool:
    return all(
        getattr(model, name).__module__ == "django.db.models.base"
        for name in ("save_base", "_save_table", "_do_insert", "_do_update")
    )


def restore(connection: Any, rows: Rows) -> None:
    """Insert the rows, and check their foreign keys.

    Raises:
        LeftToDjango: A receiver of the project's runs when rows are saved. Or some tables have
            rows, which saving would update, as before a worker's first test of this kind.
    """
    from django.apps import apps
    from django.db import transaction

    for saved in rows.saved:
        if stranger := next(foreign_to_save(saved), None):
            raise LeftToDjango(f"{stranger} is called when rows are saved")
    reset = reset_of(connection)
    reset.refuse_triggers(connection)
    tables = [model._meta.db_table for model, _ in rows.objects]
    if reset.filled(connection, tables):
        raise LeftToDjango("")
    alias = connection.alias
    with transaction.atomic(using=alias):
        with connection.constraint_checks_disabled():
            for model, objects in rows.objects:
                fields = [
                    field
                    for field in model._meta.local_concrete_fields
                    if not getattr(field, "generated", False)
                ]
                size = connection.ops.bulk_batch_size(fields, objects) or len(objects)
                for start in range(0, len(objects), size):
                    some = objects[start : start + size]
                    model._base_manager._insert(some, fields=fields, using=alias, raw=True)
            for entry in rows.related:
                for name, others in entry.m2m_data.items():
                    getattr(entry.object, name).set(others)
        connection.check_constraints(table_names=tables)
    if apps.is_installed("django.contrib.sites"):
        from django.contrib.sites.models import SITE_CACHE

        for model, objects in rows.objects:
            if model._meta.label == "sites.Site":
                for site in objects:
                    SITE_CACHE.pop(site.pk, None)
