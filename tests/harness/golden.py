"""The recorded run that the tests of reports are made from, and what each format makes of it.

`python -m harness.golden record` runs it again, on real servers: it ends in every way that a test
can end in. What differs from machine to machine is replaced in the log, and nothing else.
`python -m harness.golden record-reruns` runs another one, in which failed tests run again.
`python -m harness.golden render` writes the files that the formats are compared with.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from ctest_containers.history.store import read
from ctest_containers.report import github, junit, metrics, summary
from ctest_containers.report.job_summary import job_summary
from ctest_containers.report.log import run_line, worker_line
from ctest_containers.report.record import RunRecord
from ctest_containers.report.recording import record_of
from ctest_containers.text import without_controls
from harness.projects import copy_of, environment, run

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
LOG = GOLDEN / "run.jsonl"
RERUNS = GOLDEN / "reruns"
"""The folder of another recorded run, in which failed tests run again."""

BODY = '''
"""Ends in every way that a test can end in."""

import os
import signal
import sys
import time
import unittest
from pathlib import Path

from django.db import connection
from django.test import SimpleTestCase, TestCase, TransactionTestCase

from library.models import Author

SLOW = os.environ.get("SLOW") == "1"


class Catalogue(TestCase):
    @classmethod
    def setUpTestData(cls):
        time.sleep(0.4)
        Author.objects.create(name="Ursula")

    def test_lists_authors(self):
        self.assertEqual(Author.objects.filter(name="Ursula").count(), 1)

    def test_sorts_authors(self):
        time.sleep(0.3)
        print("sorted by name")
        print("and said so", file=sys.stderr)
        self.assertEqual(list(Author.objects.values_list("name"))[-1], ("Ursula",))

    def test_finds_nobody(self):
        """A failure of the plain kind."""
        print("looking for \\x1b[1mnobody\\x1b[0m \\x00 <&> ]]> \\ud800")
        self.assertEqual(Author.objects.filter(name="Nobody").count(), 1)

    def test_counts_pages(self):
        for pages in (10, 0, -1):
            with self.subTest(pages=pages):
                self.assertGreater(pages, 0)

    def test_sends_many_queries(self):
        for _ in range(40):
            Author.objects.count()


class Orders(TransactionTestCase):
    def test_is_an_error(self):
        raise ValueError("no such order: \\N{BOOKS}")

    @unittest.expectedFailure
    def test_is_known_to_fail(self):
        self.fail("as expected")

    @unittest.expectedFailure
    def test_is_said_to_fail(self):
        pass

    @unittest.skip("not on a Sunday")
    def test_is_skipped(self):
        pass

    def test_commits(self):
        Author.objects.create(name="Octavia")


class Closed(SimpleTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        raise RuntimeError("the shop is closed")

    def test_never_runs(self):
        pass


class Moody(TestCase):
    def test_is_slower_than_ever_and_then_not(self):
        file = Path(os.environ["MOOD"])
        if SLOW and not file.exists():
            file.touch()
            time.sleep(30)

    def test_hangs(self):
        if SLOW:
            time.sleep(30)

    def test_ends_its_worker(self):
        if SLOW:
            os.kill(os.getpid(), signal.SIGKILL)

    def test_comes_after(self):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")


class Reading(SimpleTestCase):
    pass


def _reads(number):
    def test(self):
        time.sleep(0.02 * (number % 7))

    return test


for number in range(40):
    setattr(Reading, f"test_page_{number:02}", _reads(number))
'''


RERUN_BODY = '''
"""Fails once, twice, or always."""

import os
from pathlib import Path

from django.test import SimpleTestCase, TestCase

from library.models import Author


def attempt(name):
    """The number of this attempt, which no process forgets."""
    file = Path(os.environ["ATTEMPTS"]) / name
    file.write_text(f"{file.read_text() if file.exists() else ''}x")
    return len(file.read_text())


class Cart(TestCase):
    def test_fails_once(self):
        Author.objects.create(name="Ursula")
        print("in the cart")
        self.assertGreater(attempt("once"), 1)

    def test_fails_twice(self):
        for item in (1, 2):
            with self.subTest(item=item):
                self.assertGreater(attempt(f"twice-{item}"), 2 * (item == 1))

    def test_always_fails(self):
        raise ValueError(f"attempt {attempt('always')}")

    def test_passes(self):
        pass


class Stock(SimpleTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if attempt("fixture") == 1:
            raise RuntimeError("the stock is being counted")

    def test_is_in_stock(self):
        pass


class Till(SimpleTestCase):
    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        raise RuntimeError("the till is stuck")

    def test_opens(self):
        pass


class Power(SimpleTestCase):
    def test_goes_off_once(self):
        if attempt("power") == 1:
            os._exit(3)
'''


def recorded(folder: Path = GOLDEN) -> RunRecord:
    """The record of a recorded run."""
    return record_of(read(folder / LOG.name))


def _report(found: RunRecord) -> str:
    lines = [*summary.failures(found), summary.verdict(found), summary.render(found)]
    return without_controls("\n".join(lines))


def _log(found: RunRecord) -> str:
    workers = [str(worker_line(found, found.workers[number])) for number in sorted(found.workers)]
    return "\n".join([*workers, str(run_line(found)), ""])


FORMATS: Mapping[str, Callable[[RunRecord], str]] = {
    "junit.xml": junit.render,
    "metrics.prom": metrics.render,
    "annotations.txt": lambda found: "\n".join([*github.error_commands(found, "/home/ada"), ""]),
    "summary.md": job_summary,
    "report.txt": _report,
    "log.txt": _log,
}
"""What makes each of the golden files from a record."""


def render() -> None:
    """Update every golden file."""
    for folder in (GOLDEN, RERUNS):
        found = recorded(folder)
        for name, make in FORMATS.items():
            (folder / name).write_text(make(found))


def record() -> None:
    """Run the tests of `BODY` four times, and keep the log of the last."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = copy_of("outcomes", folder)
        for file in (project / "library").glob("test_*.py"):
            file.unlink()
        (project / "library" / "test_shop.py").write_text(BODY)
        (project / "library" / "test_unwritten.py").write_text("import library.unwritten\n")
        database = {f"OUTCOMES_DB{key}": value for key, value in SETTINGS.items()}
        env = environment(folder / "cache", {**database, "MOOD": str(folder / "mood")})
        options = ("--parallel", "3", "--buffer", "--project", "bookshop")
        for _ in range(3):
            run(project, *options, env=env)
        limits = ("--adaptive-timeouts", "--timeout-per-test", "4")
        done = run(project, *options, *limits, env={**env, "SLOW": "1"})
        sys.stdout.write(done.output)
        logs = sorted((folder / "cache").glob("ctest_containers/runs/bookshop/*.jsonl"))
        GOLDEN.mkdir(exist_ok=True)
        LOG.write_text(_portable(logs[-1].read_text(), project))


def record_reruns() -> None:
    """Run the tests of `RERUN_BODY` on SQLite, and keep the log."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = copy_of("outcomes", folder)
        for file in (project / "library").glob("test_*.py"):
            file.unlink()
        (project / "library" / "test_shop.py").write_text(RERUN_BODY)
        (folder / "attempts").mkdir()
        env = environment(folder / "cache", {"ATTEMPTS": str(folder / "attempts")})
        options = ("--parallel", "2", "--buffer", "--project", "bookshop", "--rerun", "2")
        done = run(project, *options, "--flaky", "pass", env=env)
        sys.stdout.write(done.output)
        (log,) = (folder / "cache").glob("ctest_containers/runs/bookshop/*.jsonl")
        RERUNS.mkdir(exist_ok=True)
        (RERUNS / LOG.name).write_text(_portable(log.read_text(), project))


def _portable(text: str, project: Path) -> str:
    """A log without what differs from machine to machine."""
    for found, instead in (
        (str(project), "/home/ada/bookshop"),
        (str(project.parent), "/home/ada"),
        (str(Path(sys.base_prefix)), "/usr"),
        (str(Path(sys.prefix)), "/home/ada/.venv"),
        (str(GOLDEN.parents[1]), "/home/ada/ctest_containers"),
    ):
        text = text.replace(found, instead)
    text = re.sub(r'"platform":"[^"]*"', '"platform":"Linux"', text)
    return re.sub(r'"branch":"[^"]*"', '"branch":"main"', text)


SETTINGS = {"": "postgresql", "_PORT": "1"}
"""No server is at that port; nothing of the machine's is reached."""

if __name__ == "__main__":
    {"record": record, "record-reruns": record_reruns, "render": render}[sys.argv[1]]()
