"""Collects the inputs that shape a project's databases, without connecting to them.

Nothing here may differ between two checkouts of the same commit: no absolute path, host, port,
user, password or address of an object.
"""

from __future__ import annotations

import glob
import importlib.metadata
import os
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final

from ctest_containers.backends import VENDORS
from ctest_containers.errors import UsageError
from ctest_containers.fingerprint import Input
from ctest_containers.fingerprint.values import describe
from ctest_containers.model import SQLITE, DatabaseGroup, Vendor
from ctest_containers.project.hooks import hooks
from ctest_containers.project.migrations import find_migrations

GLOBAL_SETTINGS: Final = (
    "AUTH_USER_MODEL",
    "DATABASE_ROUTERS",
    "DEFAULT_AUTO_FIELD",
    "DEFAULT_INDEX_TABLESPACE",
    "DEFAULT_TABLESPACE",
    "LANGUAGE_CODE",
    "SITE_ID",
    "TIME_ZONE",
    "USE_I18N",
    "USE_TZ",
)

ALIAS_SETTINGS: Final = ("ENGINE", "TIME_ZONE")

ALIAS_OPTIONS: Final = ("options", "assume_role", "init_command")
"""Entries of OPTIONS that decide where and how tables are created, such as a search_path."""

TEST_SETTINGS: Final = ("CHARSET", "COLLATION", "TEMPLATE", "MIGRATE", "MIRROR", "DEPENDENCIES")

MODEL_OPTIONS: Final = (
    *("db_table", "db_tablespace", "db_table_comment", "indexes", "constraints", "swappable"),
    *("unique_together", "index_together", "order_with_respect_to", "managed", "proxy"),
)

NOT_IN_COLUMNS: Final = frozenset(
    {
        # Django's own list without `db_column`, and attributes with paths of this machine.
        # See `non_db_attrs` in https://github.com/django/django/blob/5.2/django/db/models/fields
        *("blank", "choices", "editable", "error_messages", "help_text", "limit_choices_to"),
        *("on_delete", "related_name", "related_query_name", "validators", "verbose_name"),
        *("default", "storage", "upload_to", "path", "match", "recursive"),
    }
)


def schema_inputs(group: DatabaseGroup, *, extra_files: Iterable[str]) -> Iterator[Input]:
    """The inputs of the project that decide the contents of a group's databases.

    Raises:
        UsageError: A file that the user named does not exist.
    """
    from django.apps import apps
    from django.conf import settings
    from django.db import connections

    yield Input.of("installed apps", describe(list(settings.INSTALLED_APPS)))
    for name in GLOBAL_SETTINGS:
        yield Input.of(f"setting {name}", describe(getattr(settings, name, None)))
    yield Input.of("tables of caches", describe(_cache_tables()))
    for database in group.databases:
        # The name of an SQLite file is a path, which differs between checkouts.
        name = "" if group.vendor == SQLITE else database.name
        first = database.aliases[0]
        yield Input.of(f"database of {first}", describe([name, *database.aliases]))
        for alias in database.aliases:
            configured = connections.settings[alias]
            for name in ALIAS_SETTINGS:
                yield Input.of(f"database {alias} {name}", describe(configured.get(name)))
            for name in ALIAS_OPTIONS:
                value = configured["OPTIONS"].get(name)
                yield Input.of(f"database {alias} OPTIONS {name}", describe(value))
            for name in TEST_SETTINGS:
                value = configured["TEST"].get(name)
                yield Input.of(f"database {alias} TEST {name}", describe(value))
    for name, value in group.settings:
        yield Input.of(f"server setting {name}", value)
    if group.privileges:
        yield Input.of("database role", group.privileges)
    yield from _versions(group.vendor)
    tests = [connections.settings[alias]["TEST"] for alias in group.aliases]
    kinds = {test["MIGRATE"] is not False for test in tests}
    for config in apps.get_app_configs():
        migrations = find_migrations(config.label, config.name, settings.MIGRATION_MODULES)
        if migrations is None or False in kinds:
            for model in config.get_models(include_auto_created=True):
                yield Input.of(f"model {model._meta.label}", _describe_model(model))
        if migrations is not None and True in kinds:
            for path, text in migrations.files():
                yield Input.of(f"migration {config.label}.{path.removesuffix('.py')}", text)
        for model in config.get_models(include_swapped=True):
            if swappable := model._meta.swappable:
                value = getattr(settings, swappable, None)
                yield Input.of(f"setting {swappable} for {model._meta.label}", describe(value))
        for model in config.get_models():
            yield Input.of(f"permissions {model._meta.label}", _describe_permissions(model))
    for hook in hooks():
        yield Input.of(hook.name, describe(hook.called_for))
    yield from _files(extra_files)


def _cache_tables() -> list[list[str]]:
    """The tables that `createcachetable` creates."""
    from django.conf import settings
    from django.core.cache import caches
    from django.core.cache.backends.db import BaseDatabaseCache

    in_database = [(alias, caches[alias]) for alias in settings.CACHES]
    tables: list[tuple[str, Any]] = [
        (alias, cache) for alias, cache in in_database if isinstance(cache, BaseDatabaseCache)
    ]
    return [[alias, str(cache._table)] for alias, cache in tables]


def _versions(vendor: Vendor) -> Iterator[Input]:
    import django

    # Patch releases may change what is executed, too.
    yield Input.of("Django", django.get_version())
    for driver in chain(*VENDORS[vendor].drivers.values()):
        try:
            version = importlib.metadata.version(driver)
        except importlib.metadata.PackageNotFoundError:
            continue
        yield Input.of(f"driver {driver}", version)


def _files(patterns: Iterable[str]) -> Iterator[Input]:
    for pattern in patterns:
        files = sorted(file for file in glob.glob(pattern, recursive=True) if Path(file).is_file())
        if not files:
            raise UsageError(
                f"No file matches {pattern!r}, which fingerprint_files names.",
                f"Paths are relative to {Path.cwd()}.",
            )
        for file in files:
            yield Input.of(
                f"file {Path(os.path.relpath(file)).as_posix()}", Path(file).read_bytes()
            )


def _describe_model(model: Any) -> str:
    """The attributes of a model from which `migrate --run-syncdb` creates a table."""
    from django.db.migrations.state import ModelState

    state = ModelState.from_model(model)
    options = {name: state.options[name] for name in MODEL_OPTIONS if name in state.options}
    fields = [[name, _describe_field(field)] for name, field in state.fields.items()]
    return describe([options, fields, model._meta.db_table])


def _describe_field(field: Any) -> str:
    """The attributes of a field that decide its column, index or constraint."""
    _, path, args, kwargs = field.deconstruct()
    shaping = {name: value for name, value in kwargs.items() if name not in NOT_IN_COLUMNS}
    return describe([path, args, shaping])


def _describe_permissions(model: Any) -> str:
    """The content type and permissions that `post_migrate` creates for a model."""
    meta = model._meta
    names = (meta.label, meta.proxy, meta.managed, str(meta.verbose_name_raw))
    return describe([*names, list(meta.default_permissions), list(meta.permissions)])
