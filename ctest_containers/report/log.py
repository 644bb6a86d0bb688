"""Logs what happens to the logger `ctest_containers`: a line for each event, worker and run.

The message of a record is a dictionary that shows itself as `key=value`, so that any formatter of
Django's LOGGING prints it well, and one for JSON keeps its fields apart.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ctest_containers.codec import fields_of
from ctest_containers.errors import ReportError, UsageError
from ctest_containers.events import Event, RunFinished, StressFinished, TestsFound
from ctest_containers.history.lines import UNLOGGED
from ctest_containers.options.option import option
from ctest_containers.options.values import parse_choice, parse_text
from ctest_containers.report.api import Report
from ctest_containers.report.format import SECTION, ReportContext, ReportFormat
from ctest_containers.report.messages import SILENT, lines_of
from ctest_containers.report.record import FixtureRecord, RunRecord, TestRecord, WorkerRecord

LOGGER: Final = "ctest_containers"

PLAIN: Final = re.compile(r'[^\s"=]+')
"""What needs no quotes in `key=value`."""


@dataclass(frozen=True, kw_only=True)
class LogFormat(ReportFormat):
    """Lines to a logger."""

    log_format: str = option(
        "off",
        parse_choice("off", "text", "json"),
        "HOW",
        "How to write the log of ctest_containers. text: lines of key=value. json: lines of JSON; "
        "needs ctest-containers[json]. off: as configured in Django's LOGGING.",
        section=SECTION,
    )
    log_level: str = option(
        "info",
        parse_choice("debug", "info", "warning"),
        "LEVEL",
        "What to write to the log. debug: every event. info: a line for each worker and the run. "
        "warning: only what needs attention.",
        section=SECTION,
    )
    log_file: str = option(
        "",
        parse_text,
        "FILE",
        "The file to write the log to. By default, standard error.",
        section=SECTION,
    )

    def reports(self, context: ReportContext) -> Iterator[Report]:
        """See `ReportFormat`."""
        logger = logger_for(self.log_format, self.log_level, self.log_file)
        if logger.isEnabledFor(logging.INFO):
            yield LogReport(context.run, logger)
        elif logger.isEnabledFor(logging.WARNING):
            # Warnings need nothing of the record, so none is made.
            yield LogReport(RunRecord(), logger)


class Fields(dict[str, Any]):
    """The fields of one line."""

    def __str__(self) -> str:
        return " ".join(f"{key}={_value(value)}" for key, value in self.items())


class LogReport:
    """Logs every event, those that need attention as warnings, the others for debugging.

    When the run has ended, each worker has a line of its own, and the run has one.

    Args:
        run: The record of the run, which is up to date when this handles an event.
        logger: Takes the lines.
    """

    def __init__(self, run: RunRecord, logger: logging.Logger) -> None:
        self._run = run
        self._logger = logger

    def handle(self, event: Event, at: float) -> None:
        """See `Report`."""
        logger = self._logger
        if type(event) in UNLOGGED:
            return
        if type(event) in SILENT and not logger.isEnabledFor(logging.DEBUG):
            return
        level = max((level for level, _ in lines_of(event)), default=logging.DEBUG)
        level = level if level >= logging.WARNING else logging.DEBUG
        if logger.isEnabledFor(level):
            logger.log(level, _line(event, at))
        if isinstance(event, RunFinished) and logger.isEnabledFor(logging.INFO):
            for number in sorted(self._run.workers):
                logger.info(worker_line(self._run, self._run.workers[number]))
            logger.info(run_line(self._run))


def worker_line(run: RunRecord, worker: WorkerRecord) -> Fields:
    """What one worker has done."""
    tests = [test for test in run.tests.values() if test.worker == worker.number and test.outcomes]
    ran: list[TestRecord | FixtureRecord] = [*tests, *worker.fixtures]
    servers = dict.fromkeys(ready.container for _, ready in worker.servers)
    line = Fields(
        event="worker",
        worker=worker.number,
        database=",".join(servers) or "sqlite",
        tests=len(tests),
        duration=round(sum(test.seconds for test in ran), 3),
        queries=sum(test.query_count for test in ran),
    )
    if worker.process_bytes:
        line["memory_peak"] = _megabytes(max(count for _, count in worker.process_bytes))
    sizes = [count for samples in worker.server_bytes.values() for _, count in samples]
    if sizes:
        line["database_memory_peak"] = _megabytes(max(sizes))
    return line


def run_line(run: RunRecord) -> Fields:
    """What the whole run has come to."""
    counts = {status.value.replace(" ", "_"): count for status, count in run.counts.items()}
    return Fields(
        event="run",
        run=run.started.run if run.started else "",
        passed="no" if run.has_failed else "yes",
        duration=round(run.ended, 3),
        workers=len(run.workers),
        tests=len(run.tests),
        **{f"tests_{status}": count for status, count in counts.items() if count},
        **({} if run.stress is None else _stress_fields(run.stress)),
    )


def _stress_fields(stress: StressFinished) -> dict[str, int]:
    return {
        "seed": stress.seed,
        "rounds": stress.rounds,
        "attempts": stress.attempts,
        "attempts_failed": stress.failed,
    }


def logger_for(form: str, level: str, file: str) -> logging.Logger:
    """The logger, with a handler of its own where a format is asked for.

    Args:
        form: `text`, `json`, or `off` to leave everything to Django's LOGGING.
        level: The name of the least level that is to be seen.
        file: Where lines are added; empty for the standard error.

    Raises:
        ReportError: The file cannot be opened.
        UsageError: What writes the format is not installed.
    """
    logger = logging.getLogger(LOGGER)
    if not logger.handlers:
        # Python would print warnings of its own accord, which the console says already.
        logger.addHandler(logging.NullHandler())
    if form == "off":
        return logger
    handler = _handler(file)
    handler.setFormatter(_formatter(form))
    logger.addHandler(handler)
    logger.setLevel(level.upper())
    logger.propagate = False
    return logger


def _handler(file: str) -> logging.Handler:
    if not file:
        return logging.StreamHandler(sys.stderr)
    try:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        return logging.FileHandler(file, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise ReportError(f"The log {file} cannot be written: {error}.") from error


def _formatter(form: str) -> logging.Formatter:
    if form == "json":
        try:
            from pythonjsonlogger.json import JsonFormatter
        except ImportError:
            raise UsageError(
                "A log in JSON needs the package python-json-logger.",
                "Run pip install 'ctest-containers[json]'.",
            ) from None
        return JsonFormatter("{asctime}{levelname}{name}", style="{", rename_fields=RENAMED)
    return logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s")


RENAMED: Final = {"asctime": "time", "levelname": "level", "name": "logger"}


def _line(event: Event, at: float) -> Fields:
    fields: Mapping[str, Any] = fields_of(event)
    if isinstance(event, TestsFound):
        fields = {"tests": len(event.tests)}
    known = {key: value for key, value in fields.items() if value not in (None, "", ())}
    return Fields(event=type(event).__name__, at=round(at, 3), **known)


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.1f}MB"


def _value(value: object) -> str:
    if isinstance(value, str):
        text = str.__str__(value)
    elif isinstance(value, (int, float)):
        text = str(value)
    else:
        text = json.dumps(value, default=fields_of, ensure_ascii=False)
    return text if PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
