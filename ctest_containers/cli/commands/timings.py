"""`timings`: exports and imports what past runs have measured and recorded of tests."""

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
from ctest_containers.storage import replace_bytes
from ctest_containers.text import plural
from ctest_containers.timings import Timing, Timings, TimingsFile
from ctest_containers.timings.model import KINDS, from_json
from ctest_containers.timings.store import default_path
from ctest_containers.usage.encoding import from_bytes, to_bytes
from ctest_containers.usage.model import TEST
from ctest_containers.usage.recording import Recording
from ctest_containers.usage.store import RecordingFile

COLUMNS = ("kind", "name", "seconds", "runs", "bytes", "seen", "queries", "recent")


def timings(arguments: Sequence[str]) -> int:
    """Export or import timings, as JSON or CSV, with the recording of tests beside them."""
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
    # Standard output has no place for the recording of tests, and neither has a spreadsheet.
    beside = None if options.file == "-" or kind == "csv" else Path(options.file)
    if options.action == "export":
        _export(timings_file, options.file, kind)
        if beside is not None:
            _export_recording(timings_file.path, beside)
    else:
        recording = None if beside is None else _recording_beside(beside)
        _import(timings_file, options.file, kind)
        if recording is not None:
            _import_recording(timings_file.path, recording)
    return ExitCode.PASSED


def _export(timings_file: TimingsFile, file: str, kind: str) -> None:
    exported, trouble = timings_file.read()
    if trouble:
        print(trouble, file=sys.stderr)
    text = _as_csv(exported) if kind == "csv" else json.dumps(exported.as_json(), indent=1) + "\n"
    _write(file, text)


def _import(timings_file: TimingsFile, file: str, kind: str) -> None:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
        imported = _from_csv(text) if kind == "csv" else from_json(json.loads(text))
    except (OSError, ValueError) as error:
        raise UsageError(f"The timings in {file} cannot be read: {error}.") from error
    timings_file.path.parent.mkdir(parents=True, exist_ok=True)
    timings_file.write(imported)
    tests = plural(len(imported.tests), "test")
    print(f"Imported the durations of {tests} into {timings_file.path}.")


def _export_recording(timings: Path, file: Path) -> None:
    """Copy the recording of tests; if there is none, remove that of an earlier export."""
    source, target = RecordingFile.beside(timings), RecordingFile.beside(file)
    recording, problem = source.read()
    if problem:
        print(problem, file=sys.stderr)
    if recording.units:
        replace_bytes(target.path, to_bytes(recording))
    else:
        target.path.unlink(missing_ok=True)


def _recording_beside(file: Path) -> Recording | None:
    """Return the recording that was exported with timings; None if there was none.

    Raises:
        UsageError: It cannot be read.
    """
    path = RecordingFile.beside(file).path
    try:
        return from_bytes(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UsageError(
            f"The recording of the tests in {path} cannot be read: {error}."
        ) from error


def _import_recording(timings: Path, recording: Recording) -> None:
    target = RecordingFile.beside(timings)
    if problem := target.update(lambda _: recording):
        raise UsageError(problem)
    tests = plural(sum(unit.startswith(TEST) for unit in recording.units), "test")
    print(f"Imported the recording of {tests} into {target.path}.")


def make_parser() -> argparse.ArgumentParser:
    """The parser of its flags."""
    parser = Parser(
        prog=f"{PROGRAM} timings",
        description=(
            "Exports or imports the durations of tests that past runs have measured.\n"
            "\n"
            "What past runs have recorded for --affected goes with them, in a second file:\n"
            "timings.json.usage beside timings.json."
        ),
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
