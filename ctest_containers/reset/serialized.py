"""Puts the rows back that migrations had made, for tests with `serialized_rollback`.

Django reads them from JSON each time, and saves them one by one, as an UPDATE and then an INSERT.
Here they are read once, and inserted a table at a time, with the same values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

from ctest_containers.backends.clearing import LeftToDjango, filled
from ctest_containers.reset.receivers import foreign_to_save


@dataclass(frozen=True, slots=True)
class Rows:
    """What a database held after its migrations.

    Attributes:
        data: Where it was read from.
        objects: For each model with a table of its own its objects, in their order.
        related: Those with many-to-many relations, as Django's deserializer has them.
    """

    data: str
    objects: Sequence[tuple[Any, Sequence[Any]]]
    related: Sequence[Any]


def read(alias: str, data: str) -> Rows:
    """Read the rows from what Django's own creation of the database has kept.

    Raises:
        LeftToDjango: Saving them one by one may do more than to insert them.
    """
    from django.core import serializers

    objects: dict[Any, dict[Any, Any]] = {}
    related = []
    for one in serializers.deserialize("json", StringIO(data), using=alias):
        found: Any = one
        model = found.object._meta.concrete_model
        if stranger := next(foreign_to_save(type(found.object)), None):
            raise LeftToDjango(f"{stranger} is told of rows that are saved")
        if len(getattr(model._meta, "pk_fields", ())) > 1 or found.object.pk is None:
            raise LeftToDjango(f"{model._meta.label} has no simple primary key")
        # A proxy's rows are there twice.
        if objects.setdefault(model, {}).setdefault(found.object.pk, found.object) is found.object:
            found.object._state.adding, found.object._state.db = False, alias
            if any((found.m2m_data or {}).values()):
                related.append(found)
    return Rows(data, [(model, list(own.values())) for model, own in objects.items()], related)


def restore(connection: Any, rows: Rows) -> None:
    """Insert the rows, and check what they refer to.

    Raises:
        LeftToDjango: Some tables have rows, which saving would change instead. It is so before a
            worker's first test with `serialized_rollback`.
    """
    from django.apps import apps
    from django.db import transaction

    tables = [model._meta.db_table for model, _ in rows.objects]
    quoted = [connection.ops.quote_name(table) for table in tables]
    if next(filled(connection, quoted), None) is not None:
        raise LeftToDjango("")
    alias = connection.alias
    with transaction.atomic(using=alias):
        with connection.constraint_checks_disabled():
            for model, objects in rows.objects:
                fields = [
                    one
                    for one in model._meta.local_concrete_fields
                    if not getattr(one, "generated", False)
                ]
                size = connection.ops.bulk_batch_size(fields, objects) or len(objects)
                for start in range(0, len(objects), size):
                    some = objects[start : start + size]
                    model._base_manager._insert(some, fields=fields, using=alias, raw=True)
            for one in rows.related:
                for name, others in one.m2m_data.items():
                    getattr(one.object, name).set(others)
        connection.check_constraints(table_names=tables)
    if apps.is_installed("django.contrib.sites"):
        from django.contrib.sites.models import SITE_CACHE

        for model, objects in rows.objects:
            if model._meta.label == "sites.Site":
                for site in objects:
                    SITE_CACHE.pop(site.pk, None)
