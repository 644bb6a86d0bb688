"""The file with the SQL of a run, beside the run's event log."""

from __future__ import annotations

import gzip
import json
import os
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from ctest_containers.errors import UsageError
from ctest_containers.report.sql.record import SqlRecord

FORMAT: Final = "ctest-containers-sql"
VERSION: Final = 1


def write(record: SqlRecord, file: Path) -> None:
    """Write a record; nobody else may read it, as with event logs.

    Raises:
        OSError: It cannot be written.
    """
    header = {
        "format": FORMAT,
        "version": VERSION,
        "run": record.run,
        "started_at": record.started_at,
        "branch": record.branch,
        "revision": record.revision,
    }
    content = {
        "vendors": dict(record.vendors),
        "texts": record.texts,
        "units": {unit: rows.tolist() for unit, rows in record.rows.items()},
    }
    text = "\n".join(json.dumps(line, separators=(",", ":")) for line in (header, content))
    data = gzip.compress(text.encode(), 6, mtime=0)
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary.unlink(missing_ok=True)
    try:
        temporary.touch(mode=0o600, exist_ok=False)
        temporary.write_bytes(data)
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


def read(file: Path) -> SqlRecord:
    """The record in a file.

    Raises:
        UsageError: It is no such file, or one of another version.
    """
    with _reading(file) as lines:
        header = _header(lines.readline())
        content: Any = json.loads(lines.read())
        return SqlRecord(
            **header,
            vendors=content["vendors"],
            texts=content["texts"],
            rows={unit: array("I", rows) for unit, rows in content["units"].items()},
        )


def read_header(file: Path) -> dict[str, str]:
    """The ID of the run in a file, when it started, and its branch and revision.

    Raises:
        UsageError: It is no such file, or one of another version.
    """
    with _reading(file) as lines:
        return _header(lines.readline())


@contextmanager
def _reading(file: Path) -> Iterator[gzip.GzipFile]:
    try:
        with gzip.open(file) as lines:
            yield lines
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"The SQL of a run cannot be read from {file}: {error}.") from error


def _header(line: bytes) -> dict[str, str]:
    header: Any = json.loads(line)
    if (header["format"], header["version"]) != (FORMAT, VERSION):
        raise ValueError(f"it has version {header['version']} of {header['format']}")
    return {name: header[name] for name in ("run", "started_at", "branch", "revision")}
