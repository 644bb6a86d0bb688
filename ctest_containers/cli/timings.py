"""`timings`: takes the durations of past runs out of their file, and puts them in."""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ctest_containers.cli.parsing import Parser
from ctest_containers.config import resolve
from ctest_containers.config.model import project_of
from ctest_containers.errors import UsageError
from ctest_containers.exit_codes import ExitCode
from ctest_containers.text import plural
from ctest_containers.timings import Timing, Timings, TimingsFile
from ctest_containers.timings.model import KINDS, from_json
from ctest_containers.timings.store import default_path

COLUMNS = ("kind", "name", "seconds", "runs", "bytes", "seen", "queries", "recent")


def timings(arguments: Sequence[str]) -> int:
    """Export or import timings, as JSON or CSV."""
    options = parser().parse_args(arguments)
    config = resolve(
        settings={},
        environment=os.environ,
        options={"project": options.project, "timings_file": options.timings_file},
    )
    kept = TimingsFile(Path(config.timings_file or default_path(project_of(config))))
    kind = options.format or ("csv" if options.file.endswith(".csv") else "json")
    if options.action == "export":
        found, trouble = kept.read()
        if trouble:
            print(trouble, file=sys.stderr)
        text = _as_csv(found) if kind == "csv" else json.dumps(found.as_json(), indent=1) + "\n"
        _write(options.file, text)
        return ExitCode.PASSED
    try:
        text = sys.stdin.read() if options.file == "-" else Path(options.file).read_text("utf-8")
        brought = _from_csv(text) if kind == "csv" else from_json(json.loads(text))
    except (OSError, ValueError) as error:
        raise UsageError(f"The timings in {options.file} cannot be read: {error}.") from error
    kept.path.parent.mkdir(parents=True, exist_ok=True)
    kept.write(brought)
    print(f"{plural(len(brought.tests), 'test')} in {kept.path}.")
    return ExitCode.PASSED


def parser() -> argparse.ArgumentParser:
    """What the command line may have."""
    made = Parser(
        prog="python -m ctest_containers timings",
        description="Exports or imports the durations of tests that past runs have measured.",
        examples=[
            (
                "timings export timings.json",
                "Take what was measured elsewhere, as into a cache of CI.",
            ),
            ("timings import timings.json", "Take it in, in place of what there is."),
            ("timings export --format csv", "Print it for a spreadsheet."),
        ],
    )
    made.add_argument("action", choices=["export", "import"])
    made.add_argument("file", nargs="?", default="-", help="- for standard output or input")
    made.add_argument("--format", choices=["json", "csv"], help="by default as the file is named")
    made.add_argument("--project", help="whose; by default the current folder's name")
    made.add_argument("--timings-file", help="the file they are kept in, if it is not the usual")
    return made


def _write(file: str, text: str) -> None:
    if file == "-":
        sys.stdout.write(text)
    else:
        Path(file).write_text(text, encoding="utf-8")


def _as_csv(found: Timings) -> str:
    output = io.StringIO()
    rows = csv.writer(output, lineterminator="\n")
    rows.writerow(COLUMNS)
    for kind in KINDS:
        timing: Timing
        for name, timing in sorted(getattr(found, kind).items()):
            recent = " ".join(map(str, timing.recent))
            rows.writerow(
                [kind, name, timing.seconds, timing.runs, "", timing.seen, timing.queries, recent]
            )
    for name, peak in sorted(found.memory.items()):
        rows.writerow(["memory", name, "", "", peak.count, peak.seen, "", ""])
    return output.getvalue()


def _from_csv(text: str) -> Timings:
    rows = csv.DictReader(io.StringIO(text))
    if tuple(rows.fieldnames or ()) != COLUMNS:
        raise ValueError(f"the first line is not {','.join(COLUMNS)}")
    found: dict[str, Any] = {**Timings().as_json(), **{kind: {} for kind in KINDS}}
    for row in rows:
        if row["kind"] not in {*KINDS, "memory"}:
            raise ValueError(f"{row['kind']!r} is none of {', '.join(KINDS)}, memory")
        found[row["kind"]][row["name"]] = {**row, "recent": (row["recent"] or "").split()}
    return from_json(found)
