"""What templates cost: from scratch, after a migration has changed, and when they are there."""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import docker

from harness.histories import History
from harness.projects import PROJECTS

VENDORS = {"postgresql": {}, "mysql": {}, "mariadb": {"mysql_image": "mariadb"}, "sqlite": {}}
MIGRATIONS = 500

MIGRATION = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("catalog", "{last}")]
    operations = [
        migrations.AddField("product", "column{number}", models.IntegerField(null=True)),
    ]
"""

DATA = """
from django.db import migrations

def rename(apps, schema_editor):
    for role in apps.get_model("accounts", "StaffRole").objects.all():
        role.name += " {number}"
        role.save()

class Migration(migrations.Migration):
    dependencies = [("accounts", "{last}")]
    operations = [migrations.RunPython(rename)]
"""

MODEL = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("{app}", "{last}")]
    operations = [
        migrations.CreateModel("Round{number}", [("id", models.BigAutoField(primary_key=True))]),
    ]
"""

TESTS = """
import os, time
from pathlib import Path
from django.test import SimpleTestCase, TestCase

class NoDatabase(SimpleTestCase):
    def test_it(self):
        Path(os.environ["BENCH_MARK"]).write_text(str(time.time()))

class WithDatabase(TestCase):
    def test_it(self):
        Path(os.environ["BENCH_MARK"]).write_text(str(time.time()))
"""


@dataclass(frozen=True, slots=True)
class Round:
    """The seconds of one repetition.

    Attributes:
        cold: What databases add to the time before the first test, with a full build.
        warm: The same when the template is there.
        full: A full build with one migration more.
        added: The same tree, after a build without that migration.
        edited: That migration edited.
        data: A migration with data, in the first app, in its place.
        branch: Another branch, which has new migrations in two other apps.
        back: The branch before, whose template is there.
    """

    cold: float
    warm: float
    full: float
    added: float
    edited: float
    data: float
    branch: float
    back: float


def main(arguments: list[str]) -> int:
    """Measure, and print medians."""
    parser = argparse.ArgumentParser(prog="scripts/bench-templates")
    parser.add_argument("--on", choices=VENDORS, default="postgresql")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args(arguments)
    print(f"fingerprint of {MIGRATIONS} migrations: {1000 * fingerprint_seconds():.0f} ms")
    with TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = str(Path(folder) / "cache")
        _load_shop(Path(folder), options.on)
        with _nothing_is_left(options.on):
            rounds = [_round(number, options.on) for number in range(options.repeat)]
    columns = zip(*(astuple(one) for one in rounds), strict=True)
    cold, warm, full, *changes = map(statistics.median, columns)
    print(
        f"| {options.on} | cold | warm | saved | full build | migration added | edited "
        "| with data in the first app | another branch | and back |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    ratios = " | ".join(f"{one:.2f} s, {one / full:.2f}" for one in changes)
    print(
        f"| example project | {cold:.2f} s | {warm:.2f} s | {1 - warm / cold:.1%} | {full:.2f} s "
        f"| {ratios} |"
    )
    return 0


def fingerprint_seconds() -> float:
    """Seconds for a project with many migrations, in a fresh process that has loaded it."""
    with TemporaryDirectory() as name:
        project = Path(name) / "project"
        history = History(project)
        for number in range(MIGRATIONS):
            history.add((number, 1 if number % 7 else 0, number, number))
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(writer, str(_identify(project)).encode())
            os._exit(0)
        os.close(writer)
        os.waitpid(child, 0)
        return float(os.read(reader, 100))


def _identify(project: Path) -> float:
    import django

    from ctest_containers.project.databases import plan_databases
    from ctest_containers.project.schema import schema_inputs
    from ctest_containers.template import identify

    os.chdir(project)
    sys.path.insert(0, str(project))
    os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
    django.setup()
    (group,) = plan_databases().groups
    begun = time.perf_counter()
    inputs = schema_inputs(group, extra_files=())
    identify(project="bench", group=group, inputs=inputs, base=None, base_digest="")
    return time.perf_counter() - begun


def _load_shop(folder: Path, flavour: str) -> None:
    import django

    shop = folder / "shop"
    shutil.copytree(PROJECTS / "shop", shop, ignore=shutil.ignore_patterns("__pycache__"))
    os.chdir(shop)
    sys.path.insert(0, str(shop))
    vendor = "mysql" if flavour == "mariadb" else flavour
    os.environ.update(DJANGO_SETTINGS_MODULE="shop.settings", SHOP_DB=vendor, SHOP_DB_PORT="1")
    (shop / "catalog" / "tests" / "test_bench.py").write_text(TESTS)
    django.setup()


def _round(number: int, flavour: str) -> Round:
    before, after = (f"{_MARK}-{number}-{word}" for word in ("before", "after"))
    cold, warm = _added(before, flavour), _added(before, flavour)
    new = _write("catalog", MIGRATION, number)
    full, added = _build(after, flavour), _build(before, flavour)
    new.write_text(new.read_text().replace("null=True", "null=True, db_index=True"))
    edited = _build(before, flavour)
    text = new.read_text()
    new.unlink()
    data_migration = _write("accounts", DATA, number)
    data = _build(before, flavour)
    data_migration.unlink()
    others = _write("pricing", MODEL, number), _write("shipping", MODEL, number)
    branch = _build(before, flavour)
    for one in others:
        one.unlink()
    new.write_text(text)
    back = _build(before, flavour)
    new.unlink()
    return Round(cold, warm, full, added, edited, data, branch, back)


def _write(app: str, text: str, number: int) -> Path:
    """Add a migration to an app; gives its file."""
    folder = Path.cwd() / app / "migrations"
    last = max(file.stem for file in folder.glob("[0-9]*.py"))
    new = folder / f"{int(last[:4]) + 1:04}_round{number}.py"
    new.write_text(text.format(app=app, last=last, number=number))
    return new


def _added(project: str, flavour: str) -> float:
    """Seconds by which a test begins later that has databases than one that has none."""
    without = min(_until_test("NoDatabase", project, flavour) for _ in range(2))
    return max(0.0, _until_test("WithDatabase", project, flavour) - without)


def _until_test(test: str, project: str, flavour: str) -> float:
    """Seconds from the start of a run that discovers everything to its one test."""
    options = [f"--{key.replace('_', '-')}={value}" for key, value in VENDORS[flavour].items()]
    command = [sys.executable, "-m", "ctest_containers", "-k", test, "-v0", f"--project={project}"]
    mark = Path.cwd() / "mark"
    begun = time.time()
    env = {**os.environ, "BENCH_MARK": str(mark)}
    subprocess.run([*command, *options], check=True, capture_output=True, env=env)
    return float(mark.read_text()) - begun


def _build(project: str, flavour: str) -> float:
    """Seconds to the template alone."""
    from ctest_containers import Template

    begun = time.perf_counter()
    with Template.ensure(project=project, **VENDORS[flavour]):
        return time.perf_counter() - begun


_MARK = f"bench-{secrets.token_hex(4)}"


@contextmanager
def _nothing_is_left(flavour: str) -> Iterator[None]:
    try:
        yield
    finally:
        if flavour != "sqlite":
            engine = docker.from_env()
            for image in engine.images.list():
                for tag in image.tags:
                    if f"/{_MARK}-" in tag:
                        engine.images.remove(tag, force=True)
            engine.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
