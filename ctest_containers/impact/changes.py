"""Finds what has changed since a recording, or differs from a revision."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from ctest_containers.impact.imports import dropped_imports
from ctest_containers.impact.inputs import Inputs
from ctest_containers.impact.nodes import IMPORT, MIGRATIONS, SETTING, SUBCLASSES, VARIABLE
from ctest_containers.impact.relations import label_of, table_of
from ctest_containers.impact.today import Today
from ctest_containers.recording.sources import Definition

READ_EACH_TIME: Final = frozenset(
    {
        *(
            "ADMINS",
            "ALLOWED_HOSTS",
            "APPEND_SLASH",
            "DATA_UPLOAD_MAX_MEMORY_SIZE",
            "DEFAULT_FROM_EMAIL",
        ),
        *("CSRF_COOKIE_AGE", "CSRF_COOKIE_DOMAIN", "CSRF_COOKIE_HTTPONLY", "CSRF_COOKIE_NAME"),
        *("CSRF_COOKIE_PATH", "CSRF_COOKIE_SAMESITE", "CSRF_COOKIE_SECURE", "CSRF_HEADER_NAME"),
        *("CSRF_USE_SESSIONS", "DISALLOWED_USER_AGENTS", "EMAIL_FILE_PATH", "EMAIL_HOST"),
        *("EMAIL_HOST_PASSWORD", "EMAIL_HOST_USER", "EMAIL_PORT", "EMAIL_SUBJECT_PREFIX"),
        *("EMAIL_TIMEOUT", "EMAIL_USE_LOCALTIME", "EMAIL_USE_SSL", "EMAIL_USE_TLS"),
        *("FIXTURE_DIRS", "INTERNAL_IPS", "LOGIN_REDIRECT_URL", "LOGIN_URL"),
        *("LOGOUT_REDIRECT_URL", "MANAGERS", "MESSAGE_LEVEL", "PASSWORD_RESET_TIMEOUT"),
        *("PREPEND_WWW", "SECRET_KEY", "SECRET_KEY_FALLBACKS", "SECURE_SSL_HOST"),
        *("SECURE_SSL_REDIRECT", "SERVER_EMAIL", "SESSION_COOKIE_AGE", "SESSION_COOKIE_DOMAIN"),
        *("SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_NAME", "SESSION_COOKIE_PATH"),
        *("SESSION_COOKIE_SAMESITE", "SESSION_COOKIE_SECURE", "SESSION_EXPIRE_AT_BROWSER_CLOSE"),
        *("SESSION_SAVE_EVERY_REQUEST", "SITE_ID"),
    }
)
"""Django's settings that it reads whenever it needs them, rather than once in a process."""

OF_ALL: Final = {
    "python": "the version of Python changed",
    "packages": "the installed package {} changed",
    "compiled": "the compiled module {} changed",
    "data": "{} changed, which may be read when modules are imported",
    "pytest": "{} changed",
}
"""Kinds of inputs that count for all tests, and how their changes are explained."""


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What has changed.

    Attributes:
        everything: Why all tests may be affected; empty if they need not be.
        definitions: Nodes that have changed.
        tables: Tables to which other models belong or refer now.
        labels: Labels of models that were added or removed.
        named: Full names that stand for something else now.
        others: Names of other inputs, by kind.
        conftests: Names of files of pytest, which count for all tests in their folders.
        reaches: What changed in the database of an alias that a normalized statement touches, as a
            part of a sentence; empty if it touches nothing that did.
    """

    everything: tuple[str, ...] = ()
    definitions: frozenset[Definition] = frozenset()
    tables: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()
    others: Mapping[str, frozenset[str]] = field(default_factory=dict)
    conftests: frozenset[str] = frozenset()
    reaches: Callable[[str, str], str] | None = None

    def __bool__(self) -> bool:
        return bool(
            self.everything
            or self.definitions
            or self.tables
            or self.labels
            or self.named
            or any(self.others.values())
            or self.conftests
            or self.reaches
        )

    def __or__(self, other: Changes) -> Changes:
        """Both; only one of them has changes of databases."""
        kinds = {*self.others, *other.others}
        none: frozenset[str] = frozenset()
        return Changes(
            everything=tuple(dict.fromkeys((*self.everything, *other.everything))),
            definitions=self.definitions | other.definitions,
            tables=self.tables | other.tables,
            labels=self.labels | other.labels,
            named=self.named | other.named,
            others={
                kind: self.others.get(kind, none) | other.others.get(kind, none) for kind in kinds
            },
            conftests=self.conftests | other.conftests,
            reaches=self.reaches or other.reaches,
        )


def changes_since(recorded: Inputs, today: Inputs, *, is_named: Callable[[str], bool]) -> Changes:
    """Return what differs today.

    Args:
        today: Inputs with the same names.
        is_named: Whether the project's code contains the name of a setting, so that tests that use
            its value are known to.
    """
    differing = {
        kind: frozenset(_differing(digests, today.others.get(kind, {})))
        for kind, digests in recorded.others.items()
    }
    definitions = {
        definition
        for definition, node in recorded.nodes.items()
        if (definition[0] or definition[1].startswith(SUBCLASSES))
        and (now := today.nodes.get(definition)) is not None
        and now.digest != node.digest
    }
    differing["settings"] = _with_new(recorded, today, "settings")
    labels = recorded.models.keys() ^ today.models.keys()
    related = {
        key
        for key in {*recorded.relations, *today.relations}
        if recorded.relations.get(key) != today.relations.get(key)
    }
    if labels or _with_new(recorded, today, "migrations"):
        definitions.add(MIGRATIONS)
    definitions |= {("", SETTING + name) for name in differing["settings"]}
    definitions |= {("", VARIABLE + name) for name in differing.get("variables", ())}
    everything = [
        *(
            words.format(name)
            for kind, words in OF_ALL.items()
            for name in sorted(_with_new(recorded, today, kind))
        ),
        *unattributed(differing["settings"], is_named),
        *_new_effects(recorded, today),
        *dropped_imports(
            recorded.nodes,
            today.nodes,
            lambda name: (name, IMPORT) in recorded.base and (name, IMPORT) not in today.base,
        ),
    ]
    return Changes(
        everything=tuple(everything),
        definitions=frozenset(definitions),
        tables=frozenset(
            table for table, kinds in recorded.tables.items() if today.tables.get(table) != kinds
        )
        | {table_of(key) for key in related},
        labels=frozenset(labels) | {label_of(key) for key in related},
        named=frozenset(
            name for name, kinds in recorded.named.items() if today.named.get(name) != kinds
        ),
        others={
            kind: names
            for kind, names in differing.items()
            if kind not in {*OF_ALL, "conftests", "migrations"}
        },
        conftests=differing.get("conftests", frozenset()),
    )


def unattributed(settings: Iterable[str], is_named: Callable[[str], bool]) -> Iterator[str]:
    """Yield which of the settings that changed count for all tests.

    Args:
        is_named: See `changes_since`.
    """
    for name in sorted(settings):
        if not (name in READ_EACH_TIME or (is_named(name) and not _is_django_s(name))):
            yield f"the setting {name} changed"


def changed_migrations(recorded: Inputs, today: Today) -> frozenset[str]:
    """Return the modules of migrations that differ, were added or were removed."""
    before, now = recorded.others.get("migrations", {}), today.migrations()
    return frozenset(name for name in {*before, *now} if before.get(name) != now.get(name))


def named_in(today: Today) -> Callable[[str], bool]:
    """Return whether the source of a module contains a name, apart from those with settings."""
    modules = today.loaded.modules - today.loaded.hints.settings

    def is_named(name: str) -> bool:
        return any(
            name.encode() in module.text
            for module in map(today.sources.find, modules)
            if module is not None
        )

    return is_named


def _differing(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    return (name for name, digest in before.items() if now.get(name, digest) != digest)


def _with_new(recorded: Inputs, today: Inputs, kind: str) -> frozenset[str]:
    """Return the names with other digests, and those that only one of both has."""
    before, now = recorded.others.get(kind, {}), today.others.get(kind, {})
    return frozenset(name for name in {*before, *now} if before.get(name) != now.get(name))


def _is_django_s(name: str) -> bool:
    from django.conf import global_settings

    return hasattr(global_settings, name)


def _new_effects(recorded: Inputs, today: Inputs) -> Iterator[str]:
    """Yield that modules with effects are imported which were not."""
    for definition in sorted(today.base - recorded.base):
        if definition[1] == IMPORT:
            yield f"{definition[0]} is imported now"
