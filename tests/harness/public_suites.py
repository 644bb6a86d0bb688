"""The tests of public packages: through their own runner, through the toolkit, test by test."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree as ET

import docker

from harness.servers import plain_server

ROOT = Path(__file__).resolve().parents[2]
SERVERS = ("sqlite", "postgresql")
USER = "suite"

SHOWN = 12
"""Of so many differences of a run the tests are named."""

COMMON = (
    *("Django~=5.2.0", "pytest", "pytest-django", "pytest-xdist", "psycopg[binary]", "freezegun"),
    *("mysqlclient", "setuptools<81"),
)
"""What is installed for all suites, in one environment."""

SETTINGS = """
from {settings} import *
import os
if "PLAIN_SERVER" in os.environ:
    DATABASES = {{
        alias: {{
            "ENGINE": "django.db.backends.postgresql",
            "NAME": f"{name}_{{alias}}",
            "USER": "suite",
            "HOST": os.environ["PLAIN_SERVER"],
        }}
        for alias in DATABASES
    }}
else:
    DATABASES = {{
        alias: {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}} for alias in DATABASES
    }}
"""
"""A suite's own settings, with every database on the same kind of server."""


@dataclass(frozen=True, kw_only=True)
class Suite:
    """The tests of a package, as its own documentation or CI has them run.

    Attributes:
        package: Its name on the Python Package Index, whose source distribution has the tests.
        with_pytest: Whether pytest runs them, or Django's own command.
        settings: The module with its settings, whose databases are replaced; empty where the suite
            takes a server from variables.
        folder: Where it is run.
        labels: Which tests.
        options: Options of pytest's that the suite sets itself, and that decide how tests end.
        needs: What else is installed.
        on_postgresql: Variables that send it to PostgreSQL, where `{host}` is the socket's folder.
    """

    package: str
    with_pytest: bool = False
    settings: str = ""
    folder: str = "."
    labels: Sequence[str] = ()
    options: Sequence[str] = ()
    needs: Sequence[str] = ()
    on_postgresql: Mapping[str, str] = field(default_factory=dict)


SUITES = (
    Suite(
        package="djangorestframework",
        with_pytest=True,
        labels=["tests"],
        options=["--no-migrations"],
        needs=[
            *("dj-database-url", "markdown", "pyyaml", "pygments", "inflection", "uritemplate"),
            *("django-guardian", "django-filter", "importlib-metadata", "requests"),
        ],
        # The two aliases of this suite are one database.
        on_postgresql={"DATABASE_URL": f"postgres://{USER}@{{quoted}}/restframework"},
    ),
    Suite(
        package="django-filter",
        settings="tests.settings",
        labels=["tests"],
        needs=["djangorestframework", "markdown", "django-crispy-forms", "pytz"],
    ),
    Suite(package="django-reversion", settings="test_project.settings", folder="tests"),
    Suite(
        package="django-guardian",
        with_pytest=True,
        settings="guardian.testapp.testsettings",
        labels=["guardian/testapp"],
        needs=["django-environ"],
    ),
    Suite(
        package="django-treebeard",
        with_pytest=True,
        labels=["tests"],
        options=["--ds=tests.settings"],
        on_postgresql={
            "DATABASE_ENGINE": "psql",
            "DATABASE_HOST": "{host}",
            "DATABASE_USER_POSTGRES": USER,
        },
    ),
    Suite(
        package="django-model-utils",
        with_pytest=True,
        settings="tests.settings",
        labels=["tests"],
        needs=["time-machine"],
    ),
    Suite(
        package="django-ordered-model",
        settings="tests.settings",
        labels=["tests"],
        needs=["djangorestframework"],
    ),
    Suite(package="django-auditlog", settings="test_settings", folder="auditlog_tests"),
    Suite(
        package="django-axes",
        with_pytest=True,
        settings="tests.settings",
        labels=["tests"],
        needs=["django-ipware", "pytest-subtests"],
    ),
    Suite(
        package="django-constance",
        with_pytest=True,
        settings="tests.settings",
        labels=["tests"],
        needs=["redis"],
    ),
    Suite(
        package="django-import-export",
        settings="settings",
        folder="tests",
        labels=["core"],
        needs=[
            "tablib[all]",
            "chardet",
            "pytz",
            "memory_profiler",
            "django-extensions",
            "diff-match-patch",
        ],
    ),
    Suite(
        package="django-tables2",
        settings="tests.app.settings",
        labels=["tests"],
        needs=["lxml", "pytz", "tablib[xls,yaml]", "openpyxl", "django-filter"],
    ),
)


@dataclass(frozen=True)
class Run:
    """How the tests of a suite ended.

    Attributes:
        outcomes: Each test with how it ended.
    """

    outcomes: Counter[tuple[str, str]]
    seconds: float
    output: str


def main(arguments: list[str]) -> int:
    """Run suites, print the table and every difference, and give 0 if there is none."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--on", choices=SERVERS, action="append")
    parser.add_argument("--folder", type=Path, help="where the packages are, or are to be unpacked")
    parser.add_argument("packages", nargs="*")
    options = parser.parse_args(arguments)
    chosen = [one for one in SUITES if one.package in options.packages or not options.packages]
    differences = 0
    with ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(TemporaryDirectory(prefix="suites-")))
        python = _environment(folder, chosen)
        engine = docker.from_env()
        stack.callback(engine.close)
        print("| Package | Server | Tests | Own runner | Toolkit | Differences |")
        print("| --- | --- | --- | --- | --- | --- |", flush=True)
        for suite in chosen:
            unpacked = _unpack(folder, suite, python)
            for server in options.on or SERVERS:
                lines = list(_compare(suite, unpacked, server, engine, python))
                differences += len(lines) - 1
                print("\n".join(lines), flush=True)
    return 1 if differences else 0


def _compare(
    suite: Suite, unpacked: Path, server: str, engine: docker.DockerClient, python: Path
) -> Iterator[str]:
    """The line of a suite in the table, and one for each difference."""
    with ExitStack() as stack:
        host = ""
        if server == "postgresql":
            host = stack.enter_context(plain_server(engine, server, [USER]))
        theirs = _run(suite, unpacked, host, python, workers=0)
    # The server that the settings name is gone, and the toolkit has no template.
    ours = _run(suite, unpacked, host, python, workers=2)
    different = _difference(theirs, ours)
    counts = str(_count(different))
    if different:
        # Tests that depend on other tests end as in a serial run where all run in one process.
        alone = _run(suite, unpacked, host, python, workers=1)
        counts += f"; {_count(_difference(theirs, alone))} with one worker"
    yield (
        f"| {unpacked.name} | {server} | {len(theirs.outcomes)} | {theirs.seconds:.0f} s | "
        f"{ours.seconds:.0f} s | {counts} |"
    )
    for test, kind in sorted(different)[:SHOWN]:
        who = "the toolkit" if ours.outcomes[test, kind] else "the suite's own runner"
        yield f"only with {who}: {kind}: {test}"
    if not ours.outcomes or not theirs.outcomes:
        yield f"no outcomes:\n{(theirs if not theirs.outcomes else ours).output[-3000:]}"


def _difference(theirs: Run, ours: Run) -> Counter[tuple[str, str]]:
    """What only one of two runs has reported."""
    return (theirs.outcomes - ours.outcomes) + (ours.outcomes - theirs.outcomes)


def _count(difference: Counter[tuple[str, str]]) -> int:
    """The number of tests in it."""
    return len({test for test, _ in difference})


def _run(suite: Suite, unpacked: Path, host: str, python: Path, *, workers: int) -> Run:
    """Run a suite through the toolkit with so many workers, or with 0 through its own runner."""
    folder = unpacked / suite.folder
    record = folder / "outcomes.record"
    record.unlink(missing_ok=True)
    search = [str(folder), str(ROOT / "tests"), str(ROOT)]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(search),
        "RECORDED_OUTCOMES": str(record),
        "PYTHONDONTWRITEBYTECODE": "1",
        "XDG_CACHE_HOME": str(unpacked / "cache"),
    }
    if host:
        quoted = host.replace("/", "%2F")
        environment["PLAIN_SERVER"] = host
        for name, value in suite.on_postgresql.items():
            environment[name] = value.format(host=host, quoted=quoted)
    if suite.settings:
        name = suite.package.replace("-", "_")
        text = SETTINGS.format(settings=suite.settings, name=name)
        (folder / "public_suite_settings.py").write_text(text)
        environment["DJANGO_SETTINGS_MODULE"] = "public_suite_settings"
    if suite.with_pytest:
        command = [str(python), "-m", "pytest", "-q", "-o", "addopts=", "-p", "no:cacheprovider"]
        command += [f"--junitxml={record}", "--create-db", *suite.options]
        command += ["--ctest", "-n", str(workers if workers > 1 else 0)] if workers else []
        command += [f"--ds={environment['DJANGO_SETTINGS_MODULE']}"] if suite.settings else []
    else:
        command = [str(python), "-m", "ctest_containers" if workers else "django"]
        command += ["run", "--rebuild", f"--parallel={workers}"] if workers else ["test"]
        command += ["--noinput", "--testrunner=harness.recording.RecordingRunner"]
    begun = time.monotonic()
    done = subprocess.run(
        [*command, *suite.labels],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=1800,
        check=False,
    )
    seconds = time.monotonic() - begun
    outcomes = _of_pytest(record) if suite.with_pytest else _of_django(record)
    return Run(outcomes, seconds, done.stdout + done.stderr)


def _of_django(record: Path) -> Counter[tuple[str, str]]:
    found = json.loads(record.read_text())["outcomes"] if record.exists() else []
    return Counter((test, kind) for test, kind, _ in found)


def _of_pytest(record: Path) -> Counter[tuple[str, str]]:
    if not record.exists():
        return Counter()
    ended = {"failure", "error", "skipped"}
    return Counter(
        (
            f"{case.get('classname')}::{case.get('name')}",
            "+".join(sorted({child.tag for child in case} & ended)) or "passed",
        )
        for case in ET.parse(record).iter("testcase")
    )


def _environment(folder: Path, suites: Sequence[Suite]) -> Path:
    """An interpreter with the toolkit and all that the suites need."""
    python = folder / "venv" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    needs = sorted({need for suite in suites for need in suite.needs})
    pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, *COMMON, *needs, "-e", str(ROOT)], check=True, stderr=subprocess.DEVNULL)
    return python


def _unpack(folder: Path, suite: Suite, python: Path) -> Path:
    """The unpacked source distribution of a package, installed in place."""
    files = folder / suite.package
    if not files.exists():
        pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"]
        wanted = ["--no-binary", ":all:", "--no-deps", suite.package, "-d", str(files)]
        subprocess.run([*pip, *wanted], check=True, stderr=subprocess.DEVNULL)
    # What an earlier run has left beside the package would be taken for a part of it.
    for one in files.iterdir():
        if one.is_dir():
            shutil.rmtree(one)
    (archive,) = files.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(files, filter="data")
    (top,) = (one for one in files.iterdir() if one.is_dir())
    pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", "-e", str(top)], check=True, stderr=subprocess.DEVNULL)
    return top


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
