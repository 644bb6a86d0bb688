"""`hunt`: finds the tests that make another test fail, and what they leave behind."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Final

from ctest_containers.cli.formats import say
from ctest_containers.cli.parsing import near
from ctest_containers.cli.project_command import ProjectCommand
from ctest_containers.errors import InterruptedRunError, UsageError
from ctest_containers.exit_codes import ExitCode
from ctest_containers.options.values import parse_seconds
from ctest_containers.text import listing, plural

if TYPE_CHECKING:
    from ctest_containers.hunt.finding import Finding
    from ctest_containers.hunt.laboratory import Laboratory
    from ctest_containers.hunt.order import Recorded
    from ctest_containers.report.hunt import HuntProgress
    from ctest_containers.runner import ContainerRunnerMixin


def hunt(
    runner: ContainerRunnerMixin,
    test_labels: list[str],
    *,
    after: Sequence[str] | None,
    run: str,
    time_limit: str | None,
    as_json: bool,
) -> int:
    """Hunt the named test, or each failure of the last run, and print what is found.

    Raises:
        UsageError: There is no such test, or no run to take failures from.
        InterruptedRunError: The hunt was interrupted.
    """
    from ctest_containers.config.model import project_of
    from ctest_containers.history import History
    from ctest_containers.hunt.order import runs_of

    if len(test_labels) > 1:
        raise UsageError(
            "hunt takes one test, or none for the failures of the last run.",
            "To run a test after others, use --after.",
        )
    if after is not None and not test_labels:
        raise UsageError("--after needs a test to run after these tests.")
    runs = runs_of(History.of(project_of(runner.resolve())), run)
    last = next(runs, {})
    if not test_labels and not any(past.failure for past in last.values()):
        say("No test failed in the last run, so there is nothing to hunt.")
        return ExitCode.PASSED
    limit = None if time_limit is None else _seconds(time_limit)
    if as_json:
        # Standard output is for a program.
        runner.verbosity = 0
    first_trials = None if after is None else 1
    with _laboratory(runner, first_trials, limit) as (laboratory, progress):
        if not test_labels:
            return _hunt_failures(laboratory, last, progress, as_json=as_json)
        target = _test(test_labels[0], laboratory.tests, last)
        if after is not None:
            names = [_test(name, laboratory.tests, {}) for name in after]
            return _replay(laboratory, target, names, progress, as_json=as_json)
        past = next((each[target] for each in chain([last], runs) if _says(each, target)), None)
        return _hunt_test(laboratory, target, past, progress, as_json=as_json)


@contextmanager
def _laboratory(
    runner: ContainerRunnerMixin, first_trials: int | None, limit: float | None
) -> Iterator[tuple[Laboratory, HuntProgress]]:
    """Prepare the project's tests for trials, and remove everything afterwards."""
    from ctest_containers.cli.discovered import prepared
    from ctest_containers.hunt.laboratory import Laboratory
    from ctest_containers.project.interrupts import Terminated
    from ctest_containers.report.hunt import HuntProgress

    moves = sys.stderr.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"
    progress = HuntProgress(sys.stderr if runner.verbosity else None, moves=moves)
    try:
        with prepared(runner) as (session, tests, aliases):
            laboratory = Laboratory(
                session,
                tests,
                aliases,
                first_trials=first_trials,
                limit_seconds=limit,
                tick=progress.tick,
            )
            yield laboratory, progress
    except Terminated:
        raise InterruptedRunError("Terminated.", ExitCode.TERMINATED) from None
    except KeyboardInterrupt:
        raise InterruptedRunError("Interrupted.") from None
    finally:
        progress.end()


def _hunt_test(
    laboratory: Laboratory,
    target: str,
    past: Recorded | None,
    progress: HuntProgress,
    *,
    as_json: bool,
) -> int:
    from ctest_containers.hunt.hunting import Hunt

    hunted = Hunt(laboratory, target, past, progress)
    try:
        finding = hunted.find()
    except KeyboardInterrupt:
        progress.end()
        _show([hunted.so_far()], as_json=as_json)
        raise
    progress.end()
    _show([finding], as_json=as_json)
    return _code([finding])


def _hunt_failures(
    laboratory: Laboratory, last: Mapping[str, Recorded], progress: HuntProgress, *, as_json: bool
) -> int:
    """Hunt the failures of a run that pass alone, and list the others."""
    from ctest_containers.hunt.hunting import hunt_failures

    findings: list[Finding] = []
    try:
        for finding in hunt_failures(laboratory, last, progress):
            progress.end()
            findings.append(finding)
            if not as_json:
                _show([finding], as_json=False)
    finally:
        progress.end()
        if as_json:
            _show(findings, as_json=True)
    return _code(findings)


def _replay(
    laboratory: Laboratory,
    target: str,
    names: Sequence[str],
    progress: HuntProgress,
    *,
    as_json: bool,
) -> int:
    """Run a test after others, in their order and in one process, and show its outcome."""
    progress.begin(target)
    ((_, result),) = laboratory.run([names], [target])
    changes = laboratory.observe(names) if names else []
    progress.end()
    if as_json:
        from dataclasses import asdict

        content = {"test": target, "after": list(names), **asdict(result)}
        say(json.dumps({**content, "changes": [asdict(change) for change in changes]}, indent=1))
    else:
        say(result.text or result.cause)
        count = plural(len(names), "test")
        say(f"{target} {result.ending.value} after {names[0] if len(names) == 1 else count}.")
        for change in changes:
            say(f"  {change.kind}  {change}")
    return ExitCode.PASSED if result.ending.value == "passed" else ExitCode.FAILED


def _show(findings: Sequence[Finding], *, as_json: bool) -> None:
    if as_json:
        say(json.dumps([finding.as_json() for finding in findings], indent=1))
        return
    for finding in findings:
        say("")
        for sentence in finding.sentences():
            say(sentence)


def _code(findings: Sequence[Finding]) -> int:
    is_complete = all(finding.verdict.is_found and finding.is_minimal for finding in findings)
    return ExitCode.PASSED if is_complete else ExitCode.FAILED


def _says(run: Mapping[str, Recorded], target: str) -> bool:
    """Return whether a run says something about a test that did not run alone."""
    return target in run and len(run) > 1


def _seconds(value: str) -> float:
    try:
        return parse_seconds(value)
    except ValueError as error:
        raise UsageError(f"Invalid value {value!r} for --time-limit: {error}.") from error


def _test(name: str, tests: Mapping[str, object], last: Mapping[str, Recorded]) -> str:
    """Return the id of the only test that a name stands for.

    Args:
        last: The last run; of several tests, its only failure is meant.

    Raises:
        UsageError: There is none, or there are several.
    """
    if name in tests:
        return name
    matches = [test for test in tests if f".{name}." in f".{test}."]
    failed = [test for test in matches if test in last and last[test].failure is not None]
    for candidates in (matches, failed):
        if len(candidates) == 1:
            return candidates[0]
    if not tests:
        raise UsageError(
            "Django's test runner finds no tests in this folder.",
            "hunt cannot run tests that only pytest collects.",
        )
    if matches:
        names = listing(failed or matches)
        raise UsageError(f"{name!r} names {plural(len(matches), 'test')}.", f"Name one: {names}.")
    raise UsageError(f"Unknown test {name!r}.", near(name, tests))


COMMAND: Final = ProjectCommand(
    name="hunt",
    action=hunt,
    needs_of_any=True,
    description=(
        "Finds out why a test fails in a full run but passes alone, or the reverse: runs it\n"
        "after smaller and smaller sets of the tests that its worker had run before it, and\n"
        "shows what the smallest set leaves behind. Without a test, hunts the failures of\n"
        "the last run. Exits with 0 if such a set was found for each test, and with 1 if not."
    ),
    examples=(
        ("shop.tests.CartTests.test_total", "Find the tests that make this one fail."),
        ("", "Find them for each failure of the last run that passes alone."),
        ("CartTests.test_total --time-limit 300", "Stop after five minutes."),
        (
            "CartTests.test_total --after RateTests.test_vat",
            "Run a test after others, in one process.",
        ),
    ),
    flags={
        "--after": {
            "dest": "after",
            "nargs": "+",
            "metavar": "TEST",
            "help": "run the test once after these tests, in this order, instead of hunting",
        },
        "--run": {
            "dest": "run",
            "metavar": "RUN",
            "default": "",
            "help": "the ID of the run whose order is replayed, or its event log (default: the "
            "last run of several tests)",
        },
        "--time-limit": {
            "dest": "time_limit",
            "metavar": "SECONDS",
            "help": "stop after this time, and print what is known by then",
        },
        "--json": {
            "dest": "as_json",
            "action": "store_true",
            "help": "print the result as JSON",
        },
    },
).register()
