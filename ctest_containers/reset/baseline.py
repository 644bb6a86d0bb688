"""Learns and repeats what Django's receivers of post_migrate put into an empty database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ctest_containers.backends import reset_of
from ctest_containers.backends.support import LeftToDjango
from ctest_containers.reset.receivers import OF_CONTENT_TYPES, Receiver


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The rows that `post_migrate` leaves in a database that was empty.

    Their primary keys are new each time, as Django's flush does not restart sequences.

    Attributes:
        content_types: App and model of each, in the order in which they were made.
        permissions: The name, the index of the content type among these, and the code name of each.
        site: The default site's primary key, domain and name.
        forgets: Whether Django clears its cache of content types.
        cached: The indices of the content types that it caches afterwards.
        tables: The tables that have these rows.
    """

    content_types: tuple[tuple[str, str], ...] = ()
    permissions: tuple[tuple[str, int, str], ...] = ()
    site: tuple[int, str, str] | None = None
    forgets: bool = False
    cached: tuple[int, ...] = ()
    tables: frozenset[str] = frozenset()


def learn(alias: str, filled: frozenset[str], receivers: Iterable[Receiver]) -> Baseline:
    """Read the rows that the receivers have just made in a database that was empty before.

    Args:
        filled: The tables that have rows.
        receivers: The receivers that have made them.

    Raises:
        LeftToDjango: It is not what Django's own receivers make.
    """
    from django.db import router

    content_type, permission, site = (_model(*name) for name in _MODELS)
    for model, names in ((content_type, _OF_TYPE), (permission, _OF_PERMISSION)):
        if model is not None and {field.attname for field in model._meta.concrete_fields} != {
            "id",
            *names,
        }:
            raise LeftToDjango(f"{model._meta.label} has fields of the project's own")
    known = {
        model._meta.db_table for model in (content_type, permission, site) if model is not None
    }
    if strange := sorted(filled - known):
        raise LeftToDjango(f"post_migrate fills the table {strange[0]}")
    types = _rows(content_type, alias, "pk", *_OF_TYPE)
    permissions = _rows(permission, alias, "pk", *_OF_PERMISSION)
    sites = _rows(site, alias, "pk", "domain", "name")
    for rows in (types, permissions):
        if any(row[0] != rows[0][0] + number for number, row in enumerate(rows)):
            raise LeftToDjango("the rows of post_migrate are not numbered consecutively")
    index = {row[0]: number for number, row in enumerate(types)}
    if len(sites) > 1 or any(row[2] not in index for row in permissions):
        raise LeftToDjango("post_migrate finds rows that it did not create")
    in_memory = content_type.objects._cache.get(alias, {}) if content_type is not None else {}
    return Baseline(
        content_types=tuple((app, model) for _, app, model in types),
        permissions=tuple((name, index[owner], code) for _, name, owner, code in permissions),
        site=sites[0] if sites else None,
        forgets=content_type is not None
        and router.allow_migrate_model(alias, content_type)
        and any(name in OF_CONTENT_TYPES for _, name in receivers),
        # Each is cached by its primary key and by its name.
        cached=tuple(index[key] for key in in_memory if key in index),
        tables=filled,
    )


def repeat(connection: Any, baseline: Baseline) -> None:
    """Insert the same rows with the next primary keys, and leave the cache as Django does."""
    from django.core.management.color import no_style
    from django.db import transaction

    alias = connection.alias
    content_type, permission, site = (_model(*name) for name in _MODELS)
    numbers: list[int] = []
    with transaction.atomic(using=alias), reset_of(connection).without_triggers(connection):
        if baseline.content_types:
            _insert(connection, content_type, _OF_TYPE, baseline.content_types)
            # They are assigned in the order of the rows, but need not be consecutive.
            numbers = [number for (number,) in _rows(content_type, alias, "pk")]
        if baseline.permissions:
            rows = [(text, numbers[owner], code) for text, owner, code in baseline.permissions]
            _insert(connection, permission, _OF_PERMISSION, rows)
        if baseline.site is not None:
            number, domain, name = baseline.site
            site.objects.using(alias).bulk_create([site(pk=number, domain=domain, name=name)])
            with connection.cursor() as cursor:
                for statement in connection.ops.sequence_reset_sql(no_style(), [site]):
                    cursor.execute(statement)
    if baseline.forgets:
        content_type.objects.clear_cache()
        for index in baseline.cached:
            app, model = baseline.content_types[index]
            cached = content_type(pk=numbers[index], app_label=app, model=model)
            cached._state.adding, cached._state.db = False, alias
            content_type.objects._add_to_cache(alias, cached)
    if baseline.site is not None:
        from django.contrib.sites.models import SITE_CACHE

        SITE_CACHE.pop(baseline.site[0], None)


_OF_TYPE: Final = ("app_label", "model")
_OF_PERMISSION: Final = ("name", "content_type_id", "codename")

_MODELS: Final = (("contenttypes", "ContentType"), ("auth", "Permission"), ("sites", "Site"))


def _model(app: str, name: str) -> Any:
    from django.apps import apps

    return apps.get_model(app, name) if apps.is_installed(f"django.contrib.{app}") else None


def _rows(model: Any, alias: str, *names: str) -> list[Any]:
    """All rows of a model, if it has a table in this database."""
    from django.db import router

    if model is None or not router.allow_migrate_model(alias, model):
        return []
    return list(model.objects.using(alias).order_by("pk").values_list(*names))


def _insert(connection: Any, model: Any, names: Sequence[str], rows: Sequence[Any]) -> None:
    columns = {field.attname: field.column for field in model._meta.concrete_fields}
    kinds = [int if name.endswith("_id") else str for name in names]
    named = [(columns[name], kind) for name, kind in zip(names, kinds, strict=True)]
    reset_of(connection).insert(connection, model._meta.db_table, named, rows)
