"""A row of the table of options, and the names that follow from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import Field, field
from typing import Any, TypeVar

T = TypeVar("T")


def option(
    default: T,
    parse: Callable[[object], Any],
    metavar: str,
    meaning: str,
    *,
    section: str,
    variable: str = "",
    shown: object = None,
    written: str = "",
    bare: object = None,
) -> T:
    """A row of the table; the field's name gives the names of option, variable and setting.

    Args:
        section: Under which heading help shows it.
        variable: The environment variable, where it has a name of its own.
        shown: What applies by default, where it matters that nothing was given.
        written: What the command `report` writes into the file that the option names.
        bare: The value if the option is given without one; None if it needs one.
    """
    metadata = {
        "parse": parse,
        "metavar": metavar,
        "meaning": meaning,
        "section": section,
        "variable": variable,
        "shown": shown,
        "written": written,
        "bare": bare,
    }
    row: T = field(default=default, metadata=metadata)
    return row


def flag(row: Field[Any]) -> str:
    """The command-line option of a row."""
    return "--" + row.name.replace("_", "-")


def variable(row: Field[Any]) -> str:
    """The environment variable of a row."""
    return str(row.metadata["variable"]) or "CTEST_CONTAINERS_" + row.name.upper()


def setting(row: Field[Any]) -> str:
    """The key of a row in the Django setting `CTEST_CONTAINERS`."""
    return row.name.upper()
