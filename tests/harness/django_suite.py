"""Django's own test suite, through the toolkit and through Django's own parallel runner."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import docker

from harness.servers import VENDORS, plain_server

MODULES = (
    *("queries", "aggregation", "annotations", "backends", "transactions", "transaction_hooks"),
    *("lookup", "expressions", "get_or_create", "delete", "bulk_create", "migrations"),
    *("select_for_update", "test_runner", "servers", "fixtures", "admin_views", "auth_tests"),
    *("prefetch_related", "multiple_database"),
)

TESTS = Path(__file__).resolve().parents[1]

SETTINGS = """
import os
server = {
    "ENGINE": f"django.db.backends.{os.environ['VENDOR']}",
    "USER": "django",
    "HOST": os.environ["PLAIN_SERVER"],
    "TEST": {"CHARSET": "UTF8"},
}
if os.environ["VENDOR"] == "mysql":
    # As the settings of Django's own continuous integration have it.
    server["TEST"] = {"CHARSET": "utf8mb4", "COLLATION": "utf8mb4_general_ci"}
DATABASES = {"default": {**server, "NAME": "django"}, "other": {**server, "NAME": "django2"}}
SECRET_KEY = "django_tests_secret_key"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = False
TEST_RUNNER = os.environ["CHOSEN_RUNNER"]
"""

COMBINED = "combined_runner.Runner"

RUNNER = """
from ctest_containers.runner import ContainerRunnerMixin
from harness.recording import RecordingRunner
class Runner(ContainerRunnerMixin, RecordingRunner):
    base_runner = "harness.recording.RecordingRunner"
"""


def main(arguments: list[str]) -> int:
    """Run both, print the counts and every difference, and give 0 if there is none."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--on", choices=VENDORS, default="postgresql")
    parser.add_argument("modules", nargs="*", default=MODULES)
    options = parser.parse_args(arguments)
    modules, flavour = list(options.modules), options.on
    engine = docker.from_env()
    with TemporaryDirectory(prefix="django-suite-") as name:
        folder = Path(name)
        suite = unpack(folder)
        (suite / "suite_settings.py").write_text(SETTINGS)
        (suite / "combined_runner.py").write_text(RUNNER)
        ours = run_suite(suite, modules, COMBINED, flavour, "/nowhere")
        with plain_server(engine, flavour, ["django"]) as host:
            theirs = run_suite(suite, modules, "harness.recording.RecordingRunner", flavour, host)
    engine.close()
    found = {key: outcomes_of(run) for key, run in (("toolkit", ours), ("Django", theirs))}
    for who, run in (("toolkit", ours), ("Django", theirs)):
        kinds = Counter(kind for _, kind, _ in run["outcomes"])
        print(f"{who}: ran {run['run']} tests in {run['seconds']:.0f} s: {dict(kinds)}")
    differences = found["toolkit"] ^ found["Django"]
    for test, kind in sorted(differences):
        who = "toolkit" if (test, kind) in found["toolkit"] else "Django"
        print(f"only with {who}: {kind}: {test}")
    print(f"{len(differences)} differences")
    return 1 if differences else 0


def unpack(folder: Path) -> Path:
    """The suite of the Django version that is installed here."""
    import django

    pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"]
    wanted = ["--no-binary", ":all:", "--no-deps"]
    subprocess.run(
        [*pip, *wanted, f"Django=={django.get_version()}", "-d", str(folder)], check=True
    )
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    (top,) = (one for one in folder.iterdir() if one.is_dir())
    return top / "tests"


def run_suite(
    suite: Path,
    modules: Sequence[str],
    runner: str,
    flavour: str,
    host: str,
    extra: Mapping[str, str] | None = None,
    *,
    workers: int = 2,
) -> dict[str, Any]:
    """What a run of modules reported, how long it took, and what it printed.

    Args:
        extra: More environment variables.
    """
    record = suite / "outcomes.json"
    search = os.pathsep.join([str(suite.parent), str(suite), str(TESTS)])
    own = {
        "PYTHONPATH": search,
        "RECORDED_OUTCOMES": str(record),
        "CHOSEN_RUNNER": runner,
        "VENDOR": VENDORS[flavour],
        "PLAIN_SERVER": host,
        **({"CTEST_CONTAINERS_MYSQL_IMAGE": flavour} if flavour == "mariadb" else {}),
        **(extra or {}),
    }
    command = [sys.executable, "runtests.py", "--settings=suite_settings", f"--parallel={workers}"]
    started = time.monotonic()
    with (suite / "output.txt").open("w") as output:
        subprocess.run(
            [*command, "--noinput", *modules],
            cwd=suite,
            env={**os.environ, **own},
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if not record.exists():
        sys.exit((suite / "output.txt").read_text()[-5000:])
    found: dict[str, Any] = json.loads(record.read_text())
    record.unlink()
    printed = (suite / "output.txt").read_text()
    return {**found, "seconds": time.monotonic() - started, "output": printed}


def outcomes_of(run: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Every test with how it ended."""
    return {(test, kind) for test, kind, _ in run["outcomes"]}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
