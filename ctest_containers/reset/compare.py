"""Resets a database both ways, and compares the results table by table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ctest_containers.backends import reset_of


class ResetDifferenceError(AssertionError):
    """A database differs from the result of Django's flush."""


def rehearsed(connection: Any, do: Callable[[], None]) -> Mapping[str, Any]:
    """The state of a database after a step, which is then rolled back."""
    from django.db import transaction

    reset = reset_of(connection)
    before = reset.positions(connection)
    in_memory = [(memory, _copied(memory)) for memory in _in_memory()]
    try:
        with transaction.atomic(using=connection.alias):
            do()
            expected = state_of(connection)
            transaction.set_rollback(True, using=connection.alias)
    finally:
        reset.bring_back(connection, before)
        for memory, held in in_memory:
            memory.clear()
            memory.update(held)
    return expected


def compare(connection: Any, own: Mapping[str, Any]) -> None:
    """Compare the state that Django's flush has left with the expected one.

    Raises:
        ResetDifferenceError: Rows, sequences, or what Django keeps in memory differ.
    """
    theirs = state_of(connection)
    different = [name for name in sorted({*own, *theirs}) if own.get(name) != theirs.get(name)]
    if different:
        name = different[0]
        raise ResetDifferenceError(
            f"The database {connection.alias!r} differs from what Django leaves, in "
            f"{', '.join(different)}.\n{name} here: {own.get(name)!r:.500}\n"
            f"{name} with Django: {theirs.get(name)!r:.500}\n"
            "Please report this. Until it is fixed, use --reset django."
        )


def state_of(connection: Any) -> Mapping[str, Any]:
    """Everything that tests can observe: rows, sequences, and Django's caches."""
    state: dict[str, Any] = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor, include_views=False):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            state[f"table {table}"] = sorted(map(_shown, cursor.fetchall()))
    for name, position in reset_of(connection).positions(connection).items():
        state[f"sequence {name}"] = position
    for number, memory in enumerate(_in_memory()):
        state[f"in memory {number}"] = sorted(
            (str(key_of_memory), str(key), getattr(instance, "pk", None))
            for key_of_memory, held in memory.items()
            for key, instance in (held.items() if isinstance(held, dict) else [("", held)])
        )
    return state


def _in_memory() -> list[dict[Any, Any]]:
    """Django's caches of content types, by database, and of sites."""
    from django.apps import apps

    memories = []
    if apps.is_installed("django.contrib.contenttypes"):
        memories.append(apps.get_model("contenttypes", "ContentType").objects._cache)
    if apps.is_installed("django.contrib.sites"):
        from django.contrib.sites import models

        memories.append(models.SITE_CACHE)
    return memories


def _copied(memory: dict[Any, Any]) -> dict[Any, Any]:
    return {name: dict(held) if isinstance(held, dict) else held for name, held in memory.items()}


def _shown(row: tuple[Any, ...]) -> str:
    """A row as text; psycopg2's binary values have no useful `repr`."""
    return repr([_plain(value) for value in row])


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return bytes(value) if isinstance(value, memoryview) else value
