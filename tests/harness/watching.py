"""Watch mode as a process whose lines a test reads while it saves files."""

from __future__ import annotations

import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

from ctest_containers.engine.folders import PREFIX, remove_folder, run_folder
from harness.projects import interrupt, start, write_tests

HEADER: Final = """\
import os, time
from pathlib import Path
from django.test import SimpleTestCase, TestCase
from library.models import Author
"""

PASSING: Final = """
class Passing(TestCase):
    def test_name(self):
        self.assertEqual(Author.objects.create(name="a").name, "a")
"""


def one_test(body: str, *, kind: str = "TestCase") -> str:
    """Return a test module with one test."""
    return f"{HEADER}\nclass Passing({kind}):\n    def test_name(self):\n        {body}\n"


def with_two_tests(project: Path) -> Path:
    """Give the project `outcomes` two test modules of one test each."""
    write_tests(project, PASSING)
    (project / "library" / "test_more.py").write_text(HEADER + PASSING.replace("Passing", "More"))
    return project


class Watching:
    """`ctest_containers watch` in a project, without a terminal.

    Args:
        prefix: A command that starts the command that follows it.
    """

    def __init__(
        self,
        project: Path,
        *arguments: str,
        env: Mapping[str, str],
        prefix: Sequence[str] = (),
    ) -> None:
        self._project = project
        # With bytecode, as people have it: a test of its own saves twice within a second.
        env = {name: value for name, value in env.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self.process: subprocess.Popen[str] = start(
            project, "watch", *arguments, env=env, forked=False, prefix=prefix
        )
        self._lines: list[str] = []
        self._seen = 0
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def __enter__(self) -> Watching:  # noqa: PYI034  # `Self` is not in Python 3.10.
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            interrupt(self.process)
        self.process.wait(60)
        self._thread.join()
        if error is not None:
            error.args = (f"{error.args[0] if error.args else ''}\n{self.output}",)

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stdout:
            for line in stdout:
                with self._news:
                    self._lines.append(line)
                    self._news.notify_all()

    @property
    def output(self) -> str:
        """Everything that it has printed."""
        return "".join(self._lines)

    def see(self, text: str, seconds: float = 30) -> str:
        """Wait for a line with a text after the last one, and return all lines up to it."""
        deadline = time.monotonic() + seconds
        first = self._seen
        with self._news:
            while True:
                while self._seen < len(self._lines):
                    self._seen += 1
                    if text in self._lines[self._seen - 1]:
                        return "".join(self._lines[first : self._seen])
                if not self._news.wait(deadline - time.monotonic()):
                    raise AssertionError(f"{text!r} was not printed.")

    def save(self, name: str, text: str) -> None:
        """Save a file as many editors do: write another one, and rename it."""
        file = self._project / name
        beside = file.with_name(f".{file.name}.swp")
        beside.write_text(text)
        beside.replace(file)


def descendants(pid: int) -> set[int]:
    """The processes that a process has started, and those that they have."""
    import psutil

    return {child.pid for child in psutil.Process(pid).children(recursive=True)}


def alive(pids: set[int]) -> set[int]:
    """Those of some processes that have not ended."""
    return {pid for pid in pids if Path(f"/proc/{pid}").exists() and not _is_zombie(pid)}


def _is_zombie(pid: int) -> bool:
    try:
        return ") Z" in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True


def folders_of_runs() -> set[str]:
    """The names of the folders of runs."""
    return {folder.name for folder in Path(tempfile.gettempdir()).glob("ctest-*")}


def check_folders(before: set[str], number: signal.Signals) -> None:
    """Check that a process which got a signal has left no folder of a run.

    What remains after SIGKILL is removed, as the next run would do.
    """
    left = folders_of_runs() - before
    if number == signal.SIGKILL:
        for name in left:
            remove_folder(run_folder(name.removeprefix(PREFIX)))
    else:
        assert not left
