"""Django's own test suite, through the toolkit and through Django's own parallel runner."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import docker
import psycopg2

from ctest_containers.model import Vendor
from ctest_containers.template.base import base_image

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    "ENGINE": "django.db.backends.postgresql",
    "USER": "postgres",
    "HOST": os.environ["PLAIN_SERVER"],
}
DATABASES = {"default": {**server, "NAME": "django"}, "other": {**server, "NAME": "django2"}}
SECRET_KEY = "django_tests_secret_key"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = False
TEST_RUNNER = os.environ["CHOSEN_RUNNER"]
"""

RUNNER = """
from ctest_containers.runner import ContainerRunnerMixin
from harness.recording import RecordingRunner
class Runner(ContainerRunnerMixin, RecordingRunner):
    base_runner = "harness.recording.RecordingRunner"
"""


def main(modules: list[str]) -> int:
    """Run both, print the counts and every difference, and give 0 if there is none."""
    with TemporaryDirectory(prefix="django-suite-") as name:
        folder = Path(name)
        suite = _unpack(folder)
        (suite / "suite_settings.py").write_text(SETTINGS)
        (suite / "combined_runner.py").write_text(RUNNER)
        ours = _run(suite, modules, "combined_runner.Runner", "/nowhere")
        with _plain_server() as host:
            theirs = _run(suite, modules, "harness.recording.RecordingRunner", host)
    found = {key: _outcomes(run) for key, run in (("toolkit", ours), ("Django", theirs))}
    for who, run in (("toolkit", ours), ("Django", theirs)):
        kinds = Counter(kind for _, kind, _ in run["outcomes"])
        print(f"{who}: ran {run['run']} tests in {run['seconds']:.0f} s: {dict(kinds)}")
    differences = found["toolkit"] ^ found["Django"]
    for test, kind in sorted(differences):
        who = "toolkit" if (test, kind) in found["toolkit"] else "Django"
        print(f"only with {who}: {kind}: {test}")
    print(f"{len(differences)} differences")
    return 1 if differences else 0


def _unpack(folder: Path) -> Path:
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


def _run(suite: Path, modules: list[str], runner: str, host: str) -> dict[str, Any]:
    record = suite / "outcomes.json"
    search = os.pathsep.join([str(suite.parent), str(suite), str(TESTS)])
    own = {
        "PYTHONPATH": search,
        "RECORDED_OUTCOMES": str(record),
        "CHOSEN_RUNNER": runner,
        "PLAIN_SERVER": host,
    }
    command = [sys.executable, "runtests.py", "--settings=suite_settings", "--parallel=2"]
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
    return {**found, "seconds": time.monotonic() - started}


def _outcomes(run: dict[str, Any]) -> set[tuple[str, str]]:
    return {(test, kind) for test, kind, _ in run["outcomes"]}


@contextmanager
def _plain_server() -> Iterator[str]:
    """An ordinary server with the same settings, reached through a socket as well."""
    image = base_image(Vendor.POSTGRESQL, "").name
    client = docker.from_env()
    with TemporaryDirectory(prefix="plain-", dir="/tmp") as name:
        Path(name).chmod(0o777)
        container = client.containers.run(
            image,
            detach=True,
            network_mode="none",
            volumes={name: {"bind": "/ctest/run", "mode": "rw"}},
        )
        try:
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                try:
                    psycopg2.connect(host=name, user="postgres", dbname="postgres").close()
                    break
                except psycopg2.OperationalError:
                    time.sleep(0.05)
            yield name
        finally:
            container.remove(force=True, v=True)
            client.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(MODULES)))
