"""What `watch` takes from a save to the first result, beside pytest-watcher.

    scripts/bench-watch [SAVES]

Each tool watches its own copy of the example project on PostgreSQL, and gets the same saves, one
after the other. pytest-watcher runs `pytest --reuse-db` as its users do: once with the whole
project, and once with only the file of the tests that are saved. pytest loads no plugins besides
pytest-django. A test notes the time when it has ended, so all tools are measured in the same way:
from the moment before a file is written to the end of the first test.
"""

from __future__ import annotations

import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import docker
import psutil

from harness.projects import copy_of, environment, interrupt, wait_for
from harness.servers import plain_server

SAVES: Final = 30

SAVED: Final = "accounts/tests/test_admin.py"
"""The test module that pytest runs first."""

CODE: Final = "accounts/services.py"
"""A module of the project itself."""

NOTING: Final = '''

import os
import time
import unittest

FILE = os.open(os.environ["WATCH_TIMES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def noting(run):
    """Note when a test has ended."""

    def run_and_note(self, result=None):
        try:
            return run(self, result)
        finally:
            os.write(FILE, f"{time.time()}\\n".encode())

    return run_and_note


unittest.TestCase.run = noting(unittest.TestCase.run)
'''
"""What is added to the settings of the project."""

PYTEST_INI: Final = """\
[pytest]
DJANGO_SETTINGS_MODULE = shop.settings
python_files = test_*.py
addopts = -p pytest_django.plugin --reuse-db
"""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that watches a project.

    Attributes:
        command: Its command line.
        ended: What it prints when a round of tests has ended.
        is_stopped: Whether its tests are stopped after the first result, to save time.
    """

    name: str
    command: Sequence[str]
    ended: re.Pattern[str]
    is_stopped: bool = False


WATCH: Final = Tool(
    "ctest_containers watch",
    (sys.executable, "-m", "ctest_containers", "watch"),
    re.compile(r"\d+ tests? (run|passed) \(|nothing to run"),
)


def pytest_watcher(name: str, *arguments: str) -> Tool:
    """Return pytest-watcher with arguments of pytest's."""
    program = str(Path(sys.executable).parent / "ptw")
    # With some versions of watchdog, its own pattern matches no file in a folder.
    command = (program, ".", "--now", "--patterns", "**/*.py", *arguments)
    return Tool(name, command, re.compile(r"=+ .* in [\d.]+s"), is_stopped=True)


TOOLS: Final = (
    WATCH,
    pytest_watcher("pytest-watcher, whole project"),
    pytest_watcher("pytest-watcher, one file", SAVED),
)


def edited(text: str, number: int) -> str:
    """Return a module with another statement in its first function or class."""
    statement = f"\n    _ = {number}\n"
    changed = re.sub(r"\n    _ = \d+\n", statement, text)
    if changed == text:
        first = r'^((?:def|class) [^\n]*:\n(?:    """[^"]*"""\n)?)'
        changed = re.sub(first, rf"\1{statement[1:]}", text, count=1, flags=re.MULTILINE)
    return changed


class Watching:
    """A tool that watches a copy of the example project.

    Args:
        project: The copy.
        times: The file into which tests note when they have ended.
    """

    def __init__(self, tool: Tool, project: Path, times: Path, env: Mapping[str, str]) -> None:
        self._tool, self._project, self._times = tool, project, times
        self._lines: list[str] = []
        self.process = subprocess.Popen(
            tool.command,
            cwd=project,
            env={**env, "WATCH_TIMES": str(times)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self._lines.extend(self.process.stdout)

    def wait(self, rounds: int) -> None:
        """Wait until so many rounds of tests have ended."""

        def have_ended() -> bool:
            ended = sum(bool(self._tool.ended.search(line)) for line in self._lines)
            if self.process.poll() is not None:
                raise RuntimeError("".join(self._lines))
            return ended >= rounds

        wait_for(have_ended, 300, f"round {rounds} of {self._tool.name}")
        if self._tool.is_stopped:
            # pytest-watcher forgets what is saved before pytest has exited.
            wait_for(lambda: not self._children(), 60, "the end of pytest")

    def _children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def save(self, name: str, number: int) -> tuple[float, int]:
        """Save a file, and return the seconds to the first result and the number of tests."""
        file = self._project / name
        noted = self._times.stat().st_size
        changed = edited(file.read_text(), number)
        began = time.time()
        file.write_text(changed)
        if self._tool.is_stopped:
            wait_for(lambda: self._times.stat().st_size > noted, 300, "the first result")
            for child in self._children():
                with suppress(psutil.NoSuchProcess):
                    child.send_signal(signal.SIGINT)
        self.wait(number + 1)
        times = self._times.read_bytes()[noted:].split()
        return float(times[0]) - began, len(times)


@contextmanager
def watching(folder: Path, tool: Tool, env: Mapping[str, str]) -> Iterator[Watching]:
    """Have a tool watch a copy of the example project, and wait for its first round."""
    project = copy_of("shop", folder)
    settings = project / "shop" / "settings.py"
    settings.write_text(settings.read_text() + NOTING)
    (project / "pytest.ini").write_text(PYTEST_INI)
    times = folder / "times"
    times.touch()
    watched = Watching(tool, project, times, env)
    try:
        watched.wait(1)
        yield watched
    finally:
        interrupt(watched.process)
        watched.process.wait(60)


def main(saves: int) -> None:
    """Print the median of each tool, for both kinds of saves."""
    with ExitStack() as undo:
        folder = Path(undo.enter_context(tempfile.TemporaryDirectory()))
        host = undo.enter_context(plain_server(docker.from_env(), "postgresql", ["shop"]))
        env = environment(folder / "cache", {"SHOP_DB": "postgresql", "SHOP_DB_PORT": ""})
        # With bytecode, as people have it.
        del env["PYTHONDONTWRITEBYTECODE"]
        env |= {"SHOP_DB_HOST": host, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        # pytest-watcher starts the pytest that it finds there.
        env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
        env["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
        started: list[Watching] = []
        for place, tool in enumerate(TOOLS):
            (own := folder / str(place)).mkdir()
            started.append(undo.enter_context(watching(own, tool, env)))
        number = 0
        for name in (SAVED, CODE):
            measured: list[list[tuple[float, int]]] = [[] for _ in TOOLS]
            for _ in range(saves):
                number += 1
                for results, watched in zip(measured, started, strict=True):
                    # Nobody saves at once after a result: a server is started meanwhile.
                    time.sleep(1.0)
                    results.append(watched.save(name, number))
            for tool, results in zip(TOOLS, measured, strict=True):
                seconds = sorted(seconds for seconds, _ in results)
                print(
                    f"{name}, {tool.name}: {statistics.median(seconds):.2f} s "
                    f"({seconds[0]:.2f} to {seconds[-1]:.2f} s, {results[-1][1]} tests)",
                    flush=True,
                )


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else SAVES)
