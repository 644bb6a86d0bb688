"""`timings`: exports and imports the durations of tests that past runs have measured."""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from ctest_containers.cli.command import Command
from ctest_containers.cli.parsing import PROGRAM, Parser
from ctest_containers.errors import UsageError
from ctest_containers.exit_codes import ExitCode
from ctest_containers.text import plural
from ctest_containers.timings import Timing, Timings, TimingsFile
from ctest_containers.timings.model import KINDS, from_json
from ctest_containers.timings.store import default_path

COLUMNS = ("kind", "name", "seconds", "runs", "bytes", "seen", "queries", "recent")


def timings(arguments: Sequence[str]) -> int:
    """Export or import timings, as JSON or CSV."""
    options = make_parser().parse_args(arguments)
    from ctest_containers.config import resolve
    from ctest_containers.config.model import project_of

    config = resolve(
        settings={},
        environment=os.environ,
        options={"project": options.project, "timings_file": options.timings_file},
    )
    timings_file = TimingsFile(Path(config.timings_file or default_path(project_of(config))))
    kind = options.format or ("csv" if options.file.endswith(".csv") else "json")
    if options.action == "export":
        exported, trouble = timings_file.read()
        if trouble:
            print(trouble, file=sys.stderr)
        text = (
            _as_csv(exported) if kind == "csv" else json.dumps(exported.as_json(), indent=1) + "\n"
        )
        _write(options.file, text)
        return ExitCode.PASSED
    try:
        text = sys.stdin.read() if options.file == "-" else Path(options.file).read_text("utf-8")
        imported = _from_csv(text) if kind == "csv" else from_json(json.loads(text))
    except (OSError, ValueError) as error:
        raise UsageError(f"The timings in {options.file} cannot be read: {error}.") from error
    timings_file.path.parent.mkdir(parents=True, exist_ok=True)
    timings_file.write(imported)
    tests = plural(len(imported.tests), "test")
    print(f"Imported the durations of {tests} into {timings_file.path}.")
    return ExitCode.PASSED


def make_parser() -> argparse.ArgumentParser:
    """The parser of its flags."""
    parser = Parser(
        prog=f"{PROGRAM} timings",
        description="Exports or imports the durations of tests that past runs have measured.",
        examples=[
            (
                "timings export timings.json",
                "Write the durations to a file, for example one that CI caches.",
            ),
            ("timings import timings.json", "Replace the durations on this machine."),
            ("timings export --format csv", "Print the durations for a spreadsheet."),
        ],
    )
    parser.add_argument("action", choices=["export", "import"])
    parser.add_argument(
        "file",
        nargs="?",
        default="-",
        help="the file to write or read; - for standard output or input (default: -)",
    )
    parser.add_argument(
        "--format",
        choices=["json", "csv"],
        help="the format of the file (default: csv if its name ends with .csv, otherwise json)",
    )
    parser.add_argument("--project", help="the project's name (default: the current folder's)")
    parser.add_argument(
        "--timings-file", help="the file in which runs store durations, if not the default one"
    )
    return parser


def _write(file: str, text: str) -> None:
    if file == "-":
        sys.stdout.write(text)
    else:
        Path(file).write_text(text, encoding="utf-8")


def _as_csv(exported: Timings) -> str:
    output = io.StringIO()
    rows = csv.writer(output, lineterminator="\n")
    rows.writerow(COLUMNS)
    for kind in KINDS:
        timing: Timing
        for name, timing in sorted(getattr(exported, kind).items()):
            recent = " ".join(map(str, timing.recent))
            rows.writerow(
                [kind, name, timing.seconds, timing.runs, "", timing.seen, timing.queries, recent]
            )
    for name, peak in sorted(exported.memory.items()):
        rows.writerow(["memory", name, "", "", peak.count, peak.seen, "", ""])
    return output.getvalue()


def _from_csv(text: str) -> Timings:
    rows = csv.DictReader(io.StringIO(text))
    if tuple(rows.fieldnames or ()) != COLUMNS:
        raise ValueError(f"the first line is not {','.join(COLUMNS)}")
    document: dict[str, Any] = {**Timings().as_json(), **{kind: {} for kind in KINDS}}
    for row in rows:
        if row["kind"] not in {*KINDS, "memory"}:
            raise ValueError(f"{row['kind']!r} is not one of {', '.join(KINDS)}, memory")
        document[row["kind"]][row["name"]] = {**row, "recent": (row["recent"] or "").split()}
    return from_json(document)


COMMAND: Final = Command(handle=timings, make_parser=make_parser)
