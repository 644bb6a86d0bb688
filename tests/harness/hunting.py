"""How long a hunt takes to find the test that makes another one fail, beside a serial bisect.

The bisect does what detect-test-pollution does: it finds the tests, runs the victim alone and after
all of them, halves them until one is left, and runs that one again; each time in a new process of
Django's own runner, which creates and migrates a database.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import docker

from harness.servers import plain_server

MOST_OF_BISECT = 0.1
"""The goal: a hunt takes at most this share of a serial bisect's time."""

CLASSES, TESTS_EACH = 100, 20
APPS, MIGRATIONS_EACH = 20, 12

VICTIM = "app0.test_z_victim.VictimTests.test_nothing_is_left"

MANAGE = """\
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""

SETTINGS = f"""\
import os
SECRET_KEY = "of a benchmark"
INSTALLED_APPS = [f"app{{number}}" for number in range({APPS})]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
if os.environ["BENCH_ON"] == "sqlite":
    DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}}}
else:
    DATABASES = {{
        "default": {{
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "bench",
            "USER": "bench",
            "HOST": os.environ.get("BENCH_HOST", "127.0.0.1"),
            "PORT": os.environ.get("BENCH_PORT", ""),
        }}
    }}
"""

RUNNER = '''\
"""Django's runner, for the tests that a file names."""

import os
import unittest
from pathlib import Path

from django.test.runner import DiscoverRunner
from django.test.utils import iter_test_cases


class ChosenTests(DiscoverRunner):
    def build_suite(self, *args, **kwargs):
        suite = super().build_suite(*args, **kwargs)
        tests = {test.id(): test for test in iter_test_cases(suite)}
        file = os.environ.get("BENCH_CHOSEN")
        if file is None:
            print("\\n".join(tests))
            return unittest.TestSuite()
        return unittest.TestSuite(tests[name] for name in Path(file).read_text().split())
'''

STATE = "left = False\n"

TEST_MODULE = """\
import os
from pathlib import Path

from django.test import TestCase

import state
from app{app}.models import Model0


class Tests{number:03}(TestCase):
    def tearDown(self):
        if Path("polluter").read_text() == self.id():
            state.left = True

{methods}
"""

METHOD = """\
    def test_{number:02}(self):
        Model0.objects.create(name="first")
        Model0.objects.create(name="second")
        self.assertEqual(Model0.objects.filter(name="first").count(), 1)
"""

VICTIM_MODULE = """\
from django.test import TestCase

import state


class VictimTests(TestCase):
    def test_nothing_is_left(self):
        self.assertFalse(state.left)
"""

MIGRATION = """\
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = {dependencies}
    operations = [
        migrations.CreateModel(
            name="Model{number}",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True)),
                ("name", models.CharField(max_length=100, db_index=True)),
            ],
        ),
    ]
"""

MODEL = """\
class Model{number}(models.Model):
    name = models.CharField(max_length=100, db_index=True)
"""


def write(folder: Path) -> None:
    """Make a project with many tests and migrations."""
    for name, text in (
        ("manage.py", MANAGE),
        ("settings.py", SETTINGS),
        ("chosen.py", RUNNER),
        ("state.py", STATE),
        ("polluter", ""),
    ):
        (folder / name).write_text(text)
    for app in range(APPS):
        package = folder / f"app{app}"
        (package / "migrations").mkdir(parents=True)
        for file in (package / "__init__.py", package / "migrations" / "__init__.py"):
            file.touch()
        models = (MODEL.format(number=number) for number in range(MIGRATIONS_EACH))
        (package / "models.py").write_text("\n\n".join(["from django.db import models\n", *models]))
        for number in range(MIGRATIONS_EACH):
            earlier = [(f"app{app}", f"{number - 1:04}_model")] if number else []
            text = MIGRATION.format(dependencies=earlier, number=number)
            (package / "migrations" / f"{number:04}_model.py").write_text(text)
    for number in range(CLASSES):
        app = number % APPS
        methods = "\n".join(METHOD.format(number=test) for test in range(TESTS_EACH))
        text = TEST_MODULE.format(app=app, number=number, methods=methods)
        (folder / f"app{app}" / f"test_{number:03}.py").write_text(text)
    (folder / "app0" / "test_z_victim.py").write_text(VICTIM_MODULE)


def finish(arguments: Sequence[str], folder: Path, env: Mapping[str, str]) -> tuple[int, str]:
    """Run a command of Python's, and return its exit code and its output."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=env,
        check=False,
        capture_output=True,
        text=True,
        timeout=900,
    )
    if done.returncode not in {0, 1}:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return done.returncode, done.stdout


class Bisect:
    """A serial bisect.

    Attributes:
        runs: How many processes it has started.
    """

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self._folder = folder
        self._env = env
        self.runs = 0

    def find(self) -> str:
        """Return the test that makes the victim fail."""
        tests = [name for name in self._test(self._env)[1].split() if name.startswith("app")]
        tests.remove(VICTIM)
        assert self._passes([])
        assert not self._passes(tests)
        while len(tests) > 1:
            half = tests[: len(tests) // 2]
            tests = tests[len(half) :] if self._passes(half) else half
        assert not self._passes(tests)
        return tests[0]

    def _passes(self, tests: Sequence[str]) -> bool:
        chosen = self._folder / "tests-to-run"
        chosen.write_text("\n".join([*tests, VICTIM]))
        code, _ = self._test({**self._env, "BENCH_CHOSEN": str(chosen)})
        return code == 0

    def _test(self, env: Mapping[str, str]) -> tuple[int, str]:
        self.runs += 1
        command = [
            "manage.py",
            "test",
            "--noinput",
            "-v",
            "0",
            "--testrunner",
            "chosen.ChosenTests",
        ]
        return finish(command, self._folder, env)


def hunt(folder: Path, env: Mapping[str, str], workers: int, *options: str) -> tuple[str, int]:
    """Return the test that makes the victim fail, and the number of trials."""
    command = ["-m", "ctest_containers", "hunt", VICTIM, "--json", "--parallel", str(workers)]
    _, output = finish([*command, *options], folder, env)
    (finding,) = json.loads(output)
    (polluter,) = finding["others"]
    return polluter, finding["trials"]


def run_order(folder: Path, env: Mapping[str, str], workers: int) -> list[str]:
    """Run all tests, and return those that the victim's worker has run before it."""
    finish(["-m", "ctest_containers", "run", "--parallel", str(workers)], folder, env)
    script = (
        "from ctest_containers.history import History; "
        "from ctest_containers.hunt.order import runs_of; "
        f"print(*next(runs_of(History.of('bench-hunt')))[{VICTIM!r}].before)"
    )
    return finish(["-c", script], folder, env)[1].split()


@contextmanager
def database(vendor: str) -> Iterator[Mapping[str, str]]:
    """The variables that lead Django's own runner to a server, if it needs one."""
    if vendor == "sqlite":
        yield {}
        return
    with plain_server(docker.from_env(), vendor, ["bench"]) as host:
        yield {"BENCH_HOST": host}


def main(arguments: list[str]) -> int:
    """Measure both in turn, and fail if the hunt takes too long."""
    parser = argparse.ArgumentParser(prog="scripts/bench-hunt")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--on", choices=["postgresql", "sqlite"], default="postgresql")
    options = parser.parse_args(arguments)
    shares = []
    with TemporaryDirectory() as top, database(options.on) as server:
        folder = Path(top) / "bench-hunt"
        folder.mkdir()
        write(folder)
        env = {**os.environ, "XDG_CACHE_HOME": str(Path(top) / "cache"), "BENCH_ON": options.on}
        # Python keeps the bytecode of a project and of an installed package.
        env["PYTHONPYCACHEPREFIX"] = str(Path(top) / "bytecode")
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        # The first run only builds the template and measures durations.
        for _ in range(2):
            before = run_order(folder, env, options.workers)
        print(f"The victim's worker has run {len(before)} of {CLASSES * TESTS_EACH} tests.")
        print("| leak at | hunt | trials | serial bisect | runs | share |")
        print("| --- | --- | --- | --- | --- | --- |")
        for number in range(options.repeat):
            place = (2 * number + 1) / (2 * options.repeat)
            polluter = before[int(place * len(before))]
            (folder / "polluter").write_text(polluter)
            began = time.perf_counter()
            found, trials = hunt(folder, env, options.workers)
            hunted = time.perf_counter() - began
            bisect = Bisect(folder, {**env, **server})
            began = time.perf_counter()
            assert found == bisect.find() == polluter
            bisected = time.perf_counter() - began
            shares.append(hunted / bisected)
            print(
                f"| {place:.0%} | {hunted:.1f} s | {trials} | {bisected:.1f} s | {bisect.runs} | "
                f"{shares[-1]:.3f} |",
                flush=True,
            )
    share = statistics.median(shares)
    print(f"\nA hunt takes {share:.3f} of a serial bisect's time (goal: {MOST_OF_BISECT}).")
    return int(share > MOST_OF_BISECT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
