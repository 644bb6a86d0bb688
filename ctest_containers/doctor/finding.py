"""A finding of the doctor: how bad something is, where, what is wrong, and how to fix it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Severity(str, Enum):
    """How bad a finding is; the worst comes last."""

    OK = "ok"
    """As it should be."""

    NOTE = "note"
    """Nothing to fix, but good to know."""

    WARNING = "warning"
    """Tests run, but slower, less isolated or with less output than they could."""

    ERROR = "error"
    """Tests could not run."""


class Area(str, Enum):
    """What a finding is about, in the order in which findings are shown."""

    PROJECT = "project"
    ENGINE = "engine"
    TRANSPORT = "transport"
    MACHINE = "machine"
    DATABASES = "databases"
    ISOLATION = "isolation"
    OPTIONS = "options"
    LEFTOVERS = "leftovers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The result of a check.

    Attributes:
        what: The facts, in a sentence or two.
        fix: What to do, with the exact command or setting; empty only where nothing has to be done.
    """

    severity: Severity
    area: Area
    what: str
    fix: str = ""


def ok(area: Area, what: str) -> Finding:
    """Something is as it should be."""
    return Finding(severity=Severity.OK, area=area, what=what)


def note(area: Area, what: str, fix: str = "") -> Finding:
    """Something is good to know."""
    return Finding(severity=Severity.NOTE, area=area, what=what, fix=fix)


def warning(area: Area, what: str, fix: str) -> Finding:
    """Something is not as good as it could be."""
    return Finding(severity=Severity.WARNING, area=area, what=what, fix=fix)


def error(area: Area, what: str, fix: str) -> Finding:
    """Something keeps tests from running."""
    return Finding(severity=Severity.ERROR, area=area, what=what, fix=fix)
