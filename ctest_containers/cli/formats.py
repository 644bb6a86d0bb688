"""Writes a run's record in the formats that a command's options name."""

from __future__ import annotations

import argparse
import sys
from dataclasses import Field, fields
from typing import Any

from ctest_containers.options.option import flag
from ctest_containers.report.files import write_all
from ctest_containers.report.formats import ReportOptions, outputs_of
from ctest_containers.report.record import RunRecord
from ctest_containers.text import without_controls


def add_format_options(parser: argparse.ArgumentParser) -> None:
    """Add an option for each format that can be made from a record."""
    for row in _rows():
        what = row.metadata["written"]
        parser.add_argument(
            flag(row), dest=row.name, metavar="FILE", default="", help=f"write {what}"
        )
    parser.add_argument(
        "--github",
        action="store_true",
        help="print annotations for GitHub, and write a job summary",
    )


def write_formats(options: argparse.Namespace, run: RunRecord) -> bool:
    """Write the files that the options name, and return whether they name any.

    Raises:
        UsageError: A format needs a package that is missing.
        ReportError: A file cannot be written.
    """
    files = {row.name: getattr(options, row.name) for row in _rows()}
    outputs = list(outputs_of(ReportOptions(**files)))
    write_all(outputs, run)
    return bool(outputs)


def has_formats(options: argparse.Namespace) -> bool:
    """Whether the options name a file to write."""
    return any(getattr(options, row.name) for row in _rows())


def say(text: str) -> None:
    """Print text of a run, which may hold any character."""
    sys.stdout.write(without_controls(f"{text}\n"))


def _rows() -> list[Field[Any]]:
    return [row for row in fields(ReportOptions) if row.metadata["written"]]
