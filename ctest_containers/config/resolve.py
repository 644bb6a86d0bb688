"""Merges the sources of configuration; an error names the source of a bad value."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any

from ctest_containers.config.model import Config, project_of
from ctest_containers.errors import UsageError
from ctest_containers.options.option import flag, setting, variable
from ctest_containers.text import without_credentials

VARIABLE_PREFIX = "CTEST_CONTAINERS_"


def resolve(
    *, settings: Mapping[str, Any], environment: Mapping[str, str], options: Mapping[str, Any]
) -> Config:
    """Merge the sources: defaults < settings < environment < command line.

    Args:
        settings: The Django setting `CTEST_CONTAINERS`.
        environment: The process's environment; only names with `CTEST_CONTAINERS_` count.
        options: Parsed command-line options by field name; None for those that were not given.

    Raises:
        UsageError: A key is unknown, or a value is invalid.
    """
    rows = {row.name: row for row in fields(Config)}
    _refuse_unknown(
        settings, {setting(row) for row in rows.values()}, "the setting CTEST_CONTAINERS"
    )
    _refuse_unknown(
        [name for name in environment if name.startswith(VARIABLE_PREFIX)],
        {variable(row) for row in rows.values()},
        "the environment",
    )
    values: dict[str, Any] = {}
    for name, row in rows.items():
        sources = (
            (f"option {flag(row)}", options.get(name)),
            # CI systems set variables to nothing where others leave them out.
            (f"environment variable {variable(row)}", environment.get(variable(row)) or None),
            (f"setting CTEST_CONTAINERS[{setting(row)!r}]", settings.get(setting(row))),
        )
        for origin, raw in sources:
            if raw is not None:
                values[name] = _parse(row, raw, origin)
                break
    return Config(**values)


def project_meant(option: str | None) -> str:
    """The name of the project, for a command that does not load it.

    Args:
        option: The option --project; None to use the environment or the current folder.

    Raises:
        UsageError: A variable in the environment is wrong.
    """
    return project_of(resolve(settings={}, environment=os.environ, options={"project": option}))


def _parse(row: Field[Any], raw: object, origin: str) -> Any:
    try:
        return row.metadata["parse"](raw)
    except ValueError as error:
        shown = without_credentials(repr(raw))
        bare, hint = row.metadata["bare"], ""
        if bare is not None and origin == f"option {flag(row)}":
            # A label that follows the option is taken for its value.
            hint = f"If {shown} is a label, write it first, or {flag(row)}={bare}."
        raise UsageError(f"Invalid value {shown} for {origin}: {error}.", hint) from None


def _refuse_unknown(given: Any, known: set[str], origin: str) -> None:
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(str(key).upper(), known, n=1, cutoff=0.8)
            hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(sorted(known))}."
            raise UsageError(f"Unknown option {key!r} in {origin}.", hint)
