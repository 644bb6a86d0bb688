"""Connections between a test and a change that no call of a function shows."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

import pytest
from harness.mutants.affected import explained
from harness.projects import environment, finish, run

pytestmark = pytest.mark.skipif(
    sys.version_info < (3, 12), reason="Before Python 3.12, what tests use is recorded slowly."
)

TESTS = "parts.tests.Tests."

PROJECT = {
    "manage.py": """
        import os, sys
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
        from django.core.management import execute_from_command_line
        execute_from_command_line(sys.argv)
    """,
    "settings.py": """
        from pathlib import Path
        SECRET_KEY = "s"
        INSTALLED_APPS = ["parts", "extras", "django.contrib.staticfiles"]
        STATIC_URL = "static/"
        TEMPLATES = [
            {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
        ]
        DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
        TEST_RUNNER = "ctest_containers.runner.ContainerTestRunner"
        LIMIT = 3
        SHOP_RATE = 5
    """,
    "parts/__init__.py": "",
    "extras/__init__.py": "",
    "parts/models.py": """
        from django.db import models
        from parts import codes

        class Part(models.Model):
            name = models.CharField(max_length=20, verbose_name="name of part")
            prefix = codes.PREFIX
    """,
    "parts/codes.py": """
        import os
        from pathlib import Path

        HERE = Path(__file__).parent
        PREFIX = (HERE / "prefix.txt").read_text().strip()
        HAS_FLAG = (HERE / "flag").exists()

        def variable(name):
            return os.environ.get(f"SHOP_{name}", "none")

        COLOUR = variable("COLOUR")
    """,
    "parts/prefix.txt": "P",
    "parts/values.py": "FIRST = 1\nSECOND = 2\nUNUSED = 3\n",
    "parts/late.py": """
        import importlib

        SUM = importlib.import_module("parts.values").FIRST + 1
    """,
    "parts/options.py": """
        from django.conf import settings

        LIMIT = getattr(settings, "LIMIT", 1)

        def option(name):
            return getattr(settings, f"SHOP_{name}")

        RATE = option("RATE")
    """,
    "parts/chosen.py": """
        import os

        if os.environ.get("FAST"):
            from parts.fast import speed
        else:
            from parts.slow import speed
    """,
    "parts/fast.py": "def speed():\n    return 9\n",
    "parts/slow.py": "def speed():\n    return 1\n",
    "parts/stars.py": '__all__ = ["size", "length"]\n\ndef size():\n    return 3\n\nlength = 4\n',
    "parts/sizes.py": """
        from parts.defaults import *
        from parts.stars import *

        def sized():
            return size() + length
    """,
    "parts/defaults.py": "def size():\n    return 100\n",
    "parts/shapes.py": """
        class Shape:
            pass

        class Square(Shape):
            pass

        def shapes():
            return sorted(kind.__name__ for kind in Shape.__subclasses__())
    """,
    "parts/more_shapes.py": "from parts import shapes\n",
    "parts/names.py": """
        VALUE_A = 1

        def named(name):
            return globals()[f"VALUE_{name}"]
    """,
    "parts/registry.py": """
        class Registry:
            def __init__(self):
                self.all = []

            def add(self, value):
                self.all.append(value)
                return value

        registry = Registry()
        FIRST = registry.add(1)
    """,
    "parts/built.py": """
        def _build():
            return 5

        BUILT = _build()
        del _build
    """,
    "parts/fields.py": """
        from django.apps import apps

        def names():
            return [str(field.verbose_name) for field in MODEL._meta.get_fields()]

        def late():
            from parts import titles
            return titles.TITLE
    """,
    "parts/titles.py": """
        from django.apps import apps

        TITLE = apps.get_model("parts", "Part")._meta.get_field("name").verbose_name
    """,
    "parts/patches.py": "from parts import values\n\nvalues.SECOND = 20\n",
    "parts/resources.py": """
        from importlib import resources

        def text():
            return resources.files("parts").joinpath("prefix.txt").read_text().strip()
    """,
    "parts/defaulted.py": """
        from dataclasses import dataclass, field
        from parts import values

        @dataclass
        class Box:
            sizes: list = field(default_factory=lambda: [values.UNUSED])

        def added(value=values.UNUSED + 1):
            return value
    """,
    "parts/management/__init__.py": "",
    "parts/management/commands/__init__.py": "",
    "parts/management/commands/tell.py": """
        from django.core.management.base import BaseCommand

        class Command(BaseCommand):
            def handle(self, **options):
                return "parts"
    """,
    "parts/templatetags/__init__.py": "",
    "parts/templatetags/marks.py": """
        from django import template

        register = template.Library()

        @register.simple_tag
        def mark():
            return "parts"
    """,
    "parts/templates/page.html": "{% load marks %}{% mark %}",
    "parts/tests.py": """
        from django.apps import apps
        from django.conf import settings
        from django.contrib.staticfiles import finders
        from django.core.management import CommandError, call_command
        from django.db import connection
        from django.template.loader import render_to_string
        from django.test import SimpleTestCase, TestCase
        from parts import (
            built, chosen, codes, defaulted, fields, late, more_shapes, names, options, patches
        )
        from parts import registry, resources, shapes, sizes, values

        class Tests(TestCase):
            def test_file(self):
                self.assertEqual(codes.PREFIX, "P")

            def test_flag(self):
                self.assertFalse(codes.HAS_FLAG)

            def test_variable(self):
                self.assertEqual(codes.COLOUR, "none")

            def test_late(self):
                self.assertEqual(late.SUM, 2)

            def test_limit(self):
                self.assertEqual(options.LIMIT, 3)

            def test_rate(self):
                self.assertEqual(options.RATE, 5)

            def test_chosen(self):
                self.assertEqual(chosen.speed(), 1)

            def test_star(self):
                self.assertEqual(sizes.sized(), 7)

            def test_shapes(self):
                self.assertEqual(shapes.shapes(), ["Square"])

            def test_global(self):
                self.assertEqual(names.named("A"), 1)

            def test_registry(self):
                self.assertEqual(registry.registry.all, [1])

            def test_deleted(self):
                self.assertEqual(built.BUILT, 5)

            def test_title(self):
                self.assertEqual(fields.late(), "name of part")

            def test_title_again(self):
                from parts.titles import TITLE
                self.assertEqual(TITLE, "name of part")

            def test_patched(self):
                self.assertEqual(values.SECOND, 20)

            def test_resource(self):
                self.assertEqual(resources.text(), "P")

            def test_factory(self):
                self.assertEqual(defaulted.Box().sizes, [3])

            def test_default(self):
                self.assertEqual(defaulted.added(), 4)

            def test_command(self):
                self.assertEqual(call_command("tell"), "parts")

            def test_no_command(self):
                with self.assertRaises(CommandError):
                    call_command("ask")

            def test_tag(self):
                self.assertEqual(render_to_string("page.html"), "parts")

            def test_tag_again(self):
                self.assertEqual(render_to_string("page.html") * 2, "partsparts")

            def test_static(self):
                self.assertIsNone(finders.find("logo.svg"))

            def test_fixture(self):
                with self.assertRaises(CommandError):
                    call_command("loaddata", "seed", verbosity=0)

            def test_app(self):
                self.assertEqual(apps.get_app_config("extras").verbose_name, "Extras")

            def test_atomic(self):
                self.assertFalse(connection.settings_dict["ATOMIC_REQUESTS"])

            def test_raw(self):
                connection.ensure_connection()
                cursor = connection.connection.cursor()
                cursor.execute("SELECT name FROM parts_part")
                self.assertEqual(cursor.fetchall(), [])

            def test_hosts(self):
                self.assertNotIn("shop.example", settings.ALLOWED_HOSTS)

            def test_nothing(self):
                self.assertEqual(1, 1)
    """,
    "parts/migrations/__init__.py": "",
    "parts/migrations/0001_initial.py": """
        from django.db import migrations, models

        class Migration(migrations.Migration):
            operations = [
                migrations.CreateModel(
                    "Part",
                    [
                        ("id", models.AutoField(primary_key=True)),
                        ("name", models.CharField(max_length=20, verbose_name="name of part")),
                    ],
                )
            ]
    """,
}

COMMAND = PROJECT["parts/management/commands/tell.py"]
TAGS = PROJECT["parts/templatetags/marks.py"]


@dataclass(frozen=True)
class Change:
    """A change that the test with the same name notices.

    Attributes:
        files: Pairs of a text and its replacement in a file, or the content of a new file.
        also: The names of other tests that notice it, too.
    """

    name: str
    files: Mapping[str, tuple[str, str] | str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    also: tuple[str, ...] = ()


CHANGES = [
    Change("file", {"parts/prefix.txt": ("P", "Q")}, also=("resource",)),
    Change("flag", {"parts/flag": ""}),
    Change("variable", variables={"SHOP_COLOUR": "red"}),
    Change("late", {"parts/values.py": ("FIRST = 1", "FIRST = 7")}),
    Change("limit", {"settings.py": ("LIMIT = 3", "LIMIT = 4")}),
    Change("rate", {"settings.py": ("SHOP_RATE = 5", "SHOP_RATE = 6")}),
    Change("chosen", variables={"FAST": "1"}),
    Change("star", {"parts/stars.py": ('"size", ', "")}),
    Change("shapes", {"parts/more_shapes.py": ("shapes\n", "shapes\nclass A(shapes.Shape): pass")}),
    Change("global", {"parts/names.py": ("VALUE_A = 1", "VALUE_A = 2")}),
    Change("registry", {"parts/registry.py": ("add(1)", "add(3)")}),
    Change("deleted", {"parts/built.py": ("return 5", "return 6")}),
    Change("title", {"parts/models.py": ("name of", "title of")}, also=("title_again",)),
    Change("patched", {"parts/patches.py": ("20", "30")}),
    Change("factory", {"parts/values.py": ("UNUSED = 3", "UNUSED = 4")}, also=("default",)),
    Change(
        "command",
        {
            "extras/management/__init__.py": "",
            "extras/management/commands/__init__.py": "",
            "extras/management/commands/tell.py": COMMAND.replace('"parts"', '"extras"'),
        },
    ),
    Change("no_command", {"parts/management/commands/ask.py": COMMAND}),
    Change(
        "tag",
        {
            "extras/templatetags/__init__.py": "",
            "extras/templatetags/marks.py": TAGS.replace('"parts"', '"extras"'),
        },
        also=("tag_again",),
    ),
    Change("static", {"extras/static/logo.svg": "<svg/>"}),
    Change("fixture", {"extras/fixtures/seed.json": "[]"}),
    Change(
        "app",
        {
            "extras/apps.py": """
                from django.apps import AppConfig

                class ExtrasConfig(AppConfig):
                    name = "extras"
                    verbose_name = "More"
            """
        },
    ),
    Change("atomic", {"settings.py": ('"NAME"', '"ATOMIC_REQUESTS": True, "NAME"')}),
    Change("raw", {"parts/values.py": ("UNUSED = 3", "UNUSED = 4")}),
    Change("hosts", {"settings.py": ("LIMIT = 3", 'LIMIT = 3\nALLOWED_HOSTS = ["shop.example"]')}),
    Change("global", {"parts/names/__init__.py": PROJECT["parts/names.py"].replace("1", "2")}),
]

BY_MANAGE = {"file", "flag", "late", "limit", "rate", "tag", "title", "variable"}
"""Changes of what is imported before the runner exists."""


@dataclass
class Recorded:
    """A project with a recording of its tests, beside its folder."""

    folder: Path
    env: Mapping[str, str]

    def selected(self, change: Change, *, by_manage: bool = False) -> set[str]:
        """The names of the tests that are selected after a change, which is undone."""
        before: dict[Path, str | None] = {}
        for name, edit in change.files.items():
            file = self.folder / name
            before[file] = file.read_text() if file.exists() else None
            file.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(edit, str):
                file.write_text(dedent(edit))
            else:
                text = file.read_text()
                assert edit[0] in text
                file.write_text(text.replace(*edit))
        options = ["--affected", "--explain", "--parallel=1"]
        env = {**self.env, **change.variables}
        if by_manage:
            command = [sys.executable, "manage.py", "test", *options]
            done = finish(command, self.folder, env, forked=False)
        else:
            done = run(self.folder, *options, env=env)
        for file, content in before.items():
            if content is None:
                file.unlink()
                for parent in file.parents:
                    if not any(parent.iterdir()):
                        parent.rmdir()
            else:
                file.write_text(content)
        selection = explained(done.output)
        assert selection.tests is not None, done.output
        return {test.removeprefix(TESTS + "test_") for test in selection.tests} or (
            {"everything"} if selection.is_everything else set()
        )


def made(folder: Path) -> Path:
    for name, text in PROJECT.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text).lstrip("\n"))
    # The process of a run must not seem to have begun before the files were saved.
    time.sleep(0.1)
    return folder


@pytest.fixture(scope="module")
def recorded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Recorded, bool]:
    """The project, recorded by either command."""
    home = tmp_path_factory.mktemp("connections")
    folder = made(home / "project")
    env = environment(home / "cache", {"DOCKER_HOST": "unix:///nonexistent/docker.sock"})
    by_manage = request.param == "manage"
    options = ["--record", "--parallel=1"]
    if by_manage:
        command = [sys.executable, "manage.py", "test", *options]
        done = finish(command, folder, env, forked=False)
    else:
        done = run(folder, *options, env=env)
    assert done.code == 0, done.output
    return Recorded(folder, env), by_manage


@pytest.mark.parametrize(
    ("recorded", "change"),
    [
        pytest.param(command, change, id=f"{command}-{change.name}")
        for command in ("run", "manage")
        for change in CHANGES
        if command == "run" or change.name in BY_MANAGE
    ],
    indirect=["recorded"],
)
def test_a_test_that_notices_a_change_is_selected(
    recorded: tuple[Recorded, bool], change: Change
) -> None:
    project, by_manage = recorded

    selected = project.selected(change, by_manage=by_manage)

    assert selected >= {change.name, *change.also} or selected == {"everything"}


@pytest.mark.parametrize("recorded", ["run", "manage"], indirect=True)
def test_a_change_that_no_test_notices_selects_only_those_that_cannot_be_recorded(
    recorded: tuple[Recorded, bool],
) -> None:
    project, by_manage = recorded
    change = Change("", {"parts/fields.py": ("[str(", "[repr(")})

    assert project.selected(change, by_manage=by_manage) == {"raw"}
