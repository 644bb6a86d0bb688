"""Runs sample projects through Django's own command and through the toolkit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

from harness.programs import run_program, start_program

PROJECTS = Path(__file__).resolve().parents[1] / "projects"
TESTS = Path(__file__).resolve().parents[1]
RECORDING_RUNNER = "harness.recording.RecordingRunner"


@dataclass(frozen=True, slots=True)
class Finished:
    """A run of a project's tests that has ended.

    Attributes:
        ran: The number of tests that the result counted; None where nothing was recorded.
        outcomes: What was reported, as (test, kind, words), sorted.
    """

    code: int
    output: str
    ran: int | None = None
    outcomes: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def kinds(self) -> list[tuple[str, str]]:
        """What was reported, without the words."""
        return [(test, kind) for test, kind, _ in self.outcomes]


def copy_of(name: str, target: Path) -> Path:
    """A copy of a sample project that a test may change."""
    import shutil

    ignored = shutil.ignore_patterns("__pycache__", "db.sqlite3")
    shutil.copytree(PROJECTS / name, target / name, ignore=ignored)
    return target / name


def write_tests(project: Path, body: str) -> None:
    """Replace a project's tests."""
    for file in (project / "library").glob("test_*.py"):
        file.unlink()
    header = """
        import os, time, threading
        from pathlib import Path
        from django.db import connection
        from django.test import SimpleTestCase, TestCase, TransactionTestCase
        import unittest
        from library.models import Author
    """
    (project / "library" / "test_it.py").write_text(dedent(header) + dedent(body))


def environment(cache: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a child process: this one's, with a cache of its own."""
    # A migration's bytecode must not outlive the second in which a test edits the migration.
    # What is different under CI is tested where a test asks for it.
    fixed = {"XDG_CACHE_HOME": str(cache), "PYTHONDONTWRITEBYTECODE": "1", "CI": ""}
    return {**os.environ, **fixed, **(extra or {})}


def django(project: Path, *arguments: str, env: Mapping[str, str], record: Path) -> Finished:
    """Run the tests as Django does, serially unless asked otherwise."""
    command = [sys.executable, "manage.py", "test", "--noinput"]
    return run_recorded([*command, *arguments], project, env, record)


def toolkit(
    project: Path, *arguments: str, env: Mapping[str, str], record: Path, forked: bool = True
) -> Finished:
    """Run the tests with the toolkit, and record every outcome that it reports; see `run`."""
    command = [sys.executable, "-m", "ctest_containers", *arguments]
    return run_recorded(command, project, env, record, forked=forked)


def run(
    project: Path,
    *arguments: str,
    env: Mapping[str, str],
    seconds: float = 240,
    module: str = "ctest_containers",
    forked: bool = True,
) -> Finished:
    """Run the toolkit's command line as it is, or that of another module.

    Args:
        seconds: How long it may take.
        forked: Whether it may begin as a fork of a process that has loaded what it imports.
    """
    command = [sys.executable, "-m", module, *arguments]
    return finish(command, project, env, seconds=seconds, forked=forked)


def finish(
    command: Sequence[str],
    folder: Path,
    env: Mapping[str, str],
    *,
    seconds: float = 240,
    typed: str | None = None,
    forked: bool = True,
) -> Finished:
    """Run a command to its end.

    Args:
        seconds: How long it may take.
        typed: Its standard input; None for that of the tests.
        forked: Whether it may begin as a fork of a process that has loaded what it imports.
    """
    done = run_program(
        command,
        folder,
        env,
        stderr=subprocess.STDOUT,
        seconds=seconds,
        typed=typed,
        forked=forked,
        errors="replace",
    )
    return Finished(done.returncode, done.stdout)


def start(
    project: Path,
    *arguments: str,
    env: Mapping[str, str],
    forked: bool = True,
    prefix: Sequence[str] = (),
) -> subprocess.Popen[str]:
    """Start the toolkit's command line in a process group of its own, as a shell does.

    Args:
        forked: Whether it may begin as a fork; then its server host is no child of it.
        prefix: A command that starts the command that follows it.
    """
    return start_program(
        [*prefix, sys.executable, "-u", "-m", "ctest_containers", *arguments],
        project,
        env,
        own_session=True,
        forked=forked,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )


def interrupt(process: subprocess.Popen[Any]) -> None:
    """What a terminal does on Ctrl-C: SIGINT to the whole group."""
    os.killpg(process.pid, signal.SIGINT)


def wait_for(condition: Any, seconds: float, what: str) -> Any:
    """Poll until a condition gives something true, and give that."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what} did not happen within {seconds:g} seconds")


def start_recorded(
    project: Path, *arguments: str, env: Mapping[str, str], record: Path, forked: bool = True
) -> subprocess.Popen[str]:
    """Start the toolkit, and record every outcome; see `start` and `finish_recorded`."""
    return start(project, *arguments, *_RECORDING, env=_recording(env, record), forked=forked)


def finish_recorded(process: subprocess.Popen[str], record: Path) -> Finished:
    """Wait for what `start_recorded` started."""
    output, _ = process.communicate(timeout=240)
    return _recorded(process.returncode, output, record)


_RECORDING = (f"--testrunner={RECORDING_RUNNER}",)


def assert_agree(expected: Finished, actual: Finished) -> None:
    """The same outcomes test by test, in the same words, and the same end."""
    assert actual.kinds == expected.kinds
    assert [words for *_, words in actual.outcomes] == [words for *_, words in expected.outcomes]
    assert (actual.ran, actual.code) == (expected.ran, expected.code)


def run_recorded(
    command: Sequence[str],
    project: Path,
    env: Mapping[str, str],
    record: Path,
    *,
    forked: bool = True,
) -> Finished:
    """Run any command that hands options on to a run, recording what its result is told."""
    recording = _recording(env, record)
    done = finish([*command, *_RECORDING], project, recording, seconds=280, forked=forked)
    return _recorded(done.code, done.output, record)


def _recording(env: Mapping[str, str], record: Path) -> dict[str, str]:
    search = os.pathsep.join(filter(None, [str(TESTS), env.get("PYTHONPATH")]))
    return {**env, "RECORDED_OUTCOMES": str(record), "PYTHONPATH": search}


def _recorded(code: int, output: str, record: Path) -> Finished:
    if not record.exists():
        raise AssertionError(f"no outcomes were recorded:\n{output[-5000:]}")
    found = json.loads(record.read_text())
    record.unlink()
    outcomes = [(test, kind, words) for test, kind, words in found["outcomes"]]
    return Finished(code, output, found["run"], outcomes)
