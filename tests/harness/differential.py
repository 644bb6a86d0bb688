"""Projects that hypothesis makes up, run serially by Django and in parallel by the toolkit."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import docker
from hypothesis import HealthCheck, Phase, given, note, seed, settings

from harness.made_projects import Made, projects
from harness.projects import Finished, django, environment, toolkit
from harness.servers import plain_server

USER = "outcomes"

SETTINGS = """
import os
SECRET_KEY = "secret"
INSTALLED_APPS = ["shelf"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
VENDOR = os.environ["DIFFERENTIAL_DB"]
DATABASES = {
    alias: {
        "ENGINE": f"django.db.backends.{VENDOR}",
        "NAME": name if VENDOR != "sqlite3" else ":memory:",
        "USER": "outcomes",
        "HOST": os.environ.get("DIFFERENTIAL_DB_HOST", "127.0.0.1"),
        "PORT": os.environ.get("DIFFERENTIAL_DB_PORT", ""),
        "TEST": {"DEPENDENCIES": []},
    }
    for alias, name in {"default": "differential", "other": "differential_other"}.items()
}
"""

MODELS = """
from django.db import models

class Item(models.Model):
    name = models.CharField(max_length=50, unique=True)
"""

MIGRATION = """
from django.db import migrations, models

def add(apps, schema_editor):
    items = apps.get_model("shelf", "Item").objects.using(schema_editor.connection.alias)
    items.create(name="migrated")

class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel(
            name="Item",
            fields=[
                ("id", models.BigAutoField(primary_key=True)),
                ("name", models.CharField(max_length=50, unique=True)),
            ],
        ),
        migrations.RunPython(add),
    ]
"""

MANAGE = """
import os
import sys
from django.core.management import execute_from_command_line
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
execute_from_command_line(sys.argv)
"""


class Comparison:
    """Runs projects both ways, in a folder of its own.

    Args:
        variables: Where Django's own run finds a server; nothing for SQLite.
    """

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        self._folder = folder
        self._project = folder / "project"
        shelf = self._project / "shelf"
        (shelf / "migrations").mkdir(parents=True)
        for file, text in {
            "manage.py": MANAGE,
            "settings.py": SETTINGS,
            "shelf/__init__.py": "",
            "shelf/models.py": MODELS,
            "shelf/migrations/__init__.py": "",
            "shelf/migrations/0001_initial.py": MIGRATION,
        }.items():
            (self._project / file).write_text(text)
        vendor = "postgresql" if variables else "sqlite3"
        self._env = environment(
            folder / "cache",
            {"DIFFERENTIAL_DB": vendor, "CTEST_CONTAINERS_PROJECT": "differential"},
        )
        if not variables:
            self._env["DOCKER_HOST"] = "unix:///nonexistent/docker.sock"
        self._variables = dict(variables)
        self.count = 0

    def differences(self, made: Made) -> list[str]:
        """What of a project ends in another way, a line for each."""
        self.count += 1
        for file in self._project.glob("test_*.py"):
            file.unlink()
        for number, text in enumerate(made.modules):
            (self._project / f"test_{number}.py").write_text(text)
        reachable = {**self._env, **self._variables}
        nowhere = {**self._env, "DIFFERENTIAL_DB_PORT": "1"} if self._variables else self._env
        theirs = _run(django, self._project, made.options, reachable, self._folder)
        ours = _run(toolkit, self._project, (*made.options, *made.own), nowhere, self._folder)
        found = [f"only {who}: {one}" for who, one in _different(theirs.kinds, ours.kinds)]
        if (theirs.ran, theirs.code) != (ours.ran, ours.code):
            found.append(f"ran {theirs.ran}, code {theirs.code}; {ours.ran}, {ours.code}")
        return [*found, *([ours.output[-3000:]] if found else [])]


def _run(
    how: Callable[..., Finished],
    project: Path,
    options: Sequence[str],
    env: Mapping[str, str],
    folder: Path,
) -> Finished:
    return how(project, *options, env=env, record=folder / "record.json")


def _different(theirs: Sequence[object], ours: Sequence[object]) -> list[tuple[str, object]]:
    left, extra = [*theirs], []
    for one in ours:
        if one in left:
            left.remove(one)
        else:
            extra.append(one)
    return [("Django", one) for one in left] + [("the toolkit", one) for one in extra]


def check(comparison: Comparison, *, examples: int, number: int | None = None) -> None:
    """Make projects up and compare both runs of each.

    Args:
        number: What the choices follow from; None for others each time.

    Raises:
        AssertionError: One ends in another way; a small one that does is shown.
    """

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(projects())
    def compare(made: Made) -> None:
        found = comparison.differences(made)
        if found:
            note("\n\n".join(made.modules))
            note(f"options: {made.options} {made.own}")
        assert not found, "\n".join(found)

    (compare if number is None else seed(number)(compare))()


def main(arguments: list[str]) -> int:
    """Compare so many projects on each kind of server."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--on", choices=("sqlite", "postgresql"), action="append")
    parser.add_argument("--projects", type=int, default=250, help="on each kind of server")
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args(arguments)
    number = options.seed if options.seed is not None else int(time.time())
    with ExitStack() as stack:
        # What is in a folder for temporary files counts as an input of no build.
        temporary = TemporaryDirectory(prefix="differential-", dir="/var/tmp")
        folder = Path(stack.enter_context(temporary))
        for server in options.on or ("sqlite", "postgresql"):
            variables: dict[str, str] = {}
            if server == "postgresql":
                engine = docker.from_env()
                stack.callback(engine.close)
                host = stack.enter_context(plain_server(engine, server, [USER]))
                variables = {"DIFFERENTIAL_DB_HOST": host}
            comparison = Comparison(folder / server, variables)
            begun = time.monotonic()
            check(comparison, examples=options.projects, number=number)
            seconds = time.monotonic() - begun
            what = f"{comparison.count} projects on {server}, seed {number}"
            print(f"{what}: no difference, {seconds:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
