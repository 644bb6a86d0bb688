"""What Django's own receivers of post_migrate put into an empty database, learned and repeated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ctest_containers.backends.clearing import LeftToDjango


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The rows that `post_migrate` leaves in a database that was empty.

    Their numbers are new each time, for Django's flush lets sequences go on.

    Attributes:
        content_types: App and model of each, in the order in which they were made.
        permissions: The place of the content type among these, code name and name of each.
        site: The default site's number, domain and name.
        cached: The places of content types that Django keeps in memory then.
        tables: Where these rows are.
    """

    content_types: tuple[tuple[str, str], ...] = ()
    permissions: tuple[tuple[int, str, str], ...] = ()
    site: tuple[int, str, str] | None = None
    cached: tuple[int, ...] = ()
    tables: frozenset[str] = frozenset()


def learn(alias: str, filled: frozenset[str]) -> Baseline:
    """Read what the receivers have just made in a database that was empty before.

    Args:
        filled: The tables that have rows.

    Raises:
        LeftToDjango: It is not what Django's own receivers make.
    """
    content_type, permission, site = (_model(*name) for name in _MODELS)
    known = {
        model._meta.db_table for model in (content_type, permission, site) if model is not None
    }
    if strange := sorted(filled - known):
        raise LeftToDjango(f"post_migrate fills the table {strange[0]}")
    types = _rows(content_type, alias, "pk", "app_label", "model")
    permissions = _rows(permission, alias, "pk", "content_type_id", "codename", "name")
    sites = _rows(site, alias, "pk", "domain", "name")
    for rows in (types, permissions):
        if any(row[0] != rows[0][0] + number for number, row in enumerate(rows)):
            raise LeftToDjango("the rows of post_migrate have no consecutive numbers")
    place = {row[0]: number for number, row in enumerate(types)}
    if len(sites) > 1 or any(row[1] not in place for row in permissions):
        raise LeftToDjango("post_migrate finds rows that it did not make")
    in_memory = content_type.objects._cache.get(alias, {}) if content_type is not None else {}
    return Baseline(
        content_types=tuple((app, model) for _, app, model in types),
        permissions=tuple((place[owner], code, name) for _, owner, code, name in permissions),
        site=sites[0] if sites else None,
        # Each is there by its number and by its name.
        cached=tuple(place[key] for key in in_memory if key in place),
        tables=filled,
    )


def repeat(connection: Any, baseline: Baseline) -> None:
    """Make the same rows again, with the next numbers, and leave memory as Django leaves it."""
    from django.core.management.color import no_style
    from django.db import router, transaction

    alias = connection.alias
    content_type, permission, site = (_model(*name) for name in _MODELS)
    types: list[Any] = []
    with transaction.atomic(using=alias):
        if baseline.content_types:
            made = [content_type(app_label=app, model=name) for app, name in baseline.content_types]
            types = _create(content_type, alias, made)
        if baseline.permissions:
            made = [
                permission(content_type_id=types[place].pk, codename=code, name=name)
                for place, code, name in baseline.permissions
            ]
            permission.objects.using(alias).bulk_create(made)
        if baseline.site is not None:
            number, domain, name = baseline.site
            site.objects.using(alias).bulk_create([site(pk=number, domain=domain, name=name)])
            with connection.cursor() as cursor:
                for statement in connection.ops.sequence_reset_sql(no_style(), [site]):
                    cursor.execute(statement)
    if content_type is not None and router.allow_migrate_model(alias, content_type):
        content_type.objects.clear_cache()
        for place in baseline.cached:
            content_type.objects._add_to_cache(alias, types[place])
    if baseline.site is not None:
        from django.contrib.sites.models import SITE_CACHE

        SITE_CACHE.pop(baseline.site[0], None)


_MODELS: Final = (("contenttypes", "ContentType"), ("auth", "Permission"), ("sites", "Site"))


def _model(app: str, name: str) -> Any:
    from django.apps import apps

    return apps.get_model(app, name) if apps.is_installed(f"django.contrib.{app}") else None


def _rows(model: Any, alias: str, *names: str) -> list[Any]:
    """All rows, if the model has a table in this database."""
    from django.db import router

    if model is None or not router.allow_migrate_model(alias, model):
        return []
    return list(model.objects.using(alias).order_by("pk").values_list(*names))


def _create(model: Any, alias: str, made: list[Any]) -> list[Any]:
    """Insert content types in this order; those that come back know their numbers."""
    made = model.objects.using(alias).bulk_create(made)
    if made[0].pk is None:
        # MySQL does not tell them.
        numbers = model.objects.using(alias).order_by("pk").values_list("pk", flat=True)
        for one, number in zip(made, numbers, strict=True):
            one.pk = number
            one._state.adding, one._state.db = False, alias
    return made
