"""A template serves only if all that its build has used is still the same, whatever that was."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest
from harness.projects import copy_of, environment, run
from harness.tampering import template_of

MIGRATION = """
    import json
    import os
    from importlib import import_module
    from pathlib import Path

    from django.apps import apps as real_apps
    from django.conf import settings
    from django.core.management import call_command
    from django.db import migrations

    from library.registry import REGISTRY
    from library.seeding import names, undo

    def seed(apps, schema_editor):
        rows = [*names(), *REGISTRY]
        rows.append(os.environ.get("SEED_TENANT", "acme"))
        rows += (settings.BASE_DIR / "seed" / "authors.csv").read_text().split()
        rows += sorted(file.stem for file in (settings.BASE_DIR / "seed").glob("*.csv"))
        rows.append(settings.SEED_NAME)
        rows += import_module("library." + "computed").rows()
        rows.append(real_apps.get_app_config("library").owner)
        if (settings.BASE_DIR / "flag").exists():
            rows.append("flag")
        for row in rows:
            apps.get_model("library", "Author").objects.create(name=row)

    class Migration(migrations.Migration):
        dependencies = [("library", "0003_book")]
        operations = [migrations.RunPython(seed, undo)]
"""

FILES = {
    "library/migrations/0004_seed.py": MIGRATION,
    "library/seeding.py": """
        from library.roles import *
        from library import roles

        def names():
            yield from ROLES
            yield from map(spelled, roles.more())

        def spelled(name):
            return name.title()

        def unused():
            return 1

        def undo(apps, schema_editor):
            return 5
    """,
    "library/roles.py": """
        BASE = ["viewer"]
        ROLES = BASE + ["editor"]
        UNUSED = 1

        def more():
            return [Kind().name()]

        class Named:
            prefix = "name"

            def name(self):
                return f"{self.prefix}-1"

        class Kind(Named):
            prefix = "kind"

            def unused(self):
                return 2
    """,
    "library/registry.py": """
        REGISTRY = {}

        def register(function):
            REGISTRY[function.__name__] = function
            return function
    """,
    "library/extras.py": """
        from library.registry import register

        @register
        def extra():
            return "extra"
    """,
    "library/routing.py": """
        class Base:
            def allow_migrate(self, db, app_label, **hints):
                return None

        class Router(Base):
            pass
    """,
    "engine/__init__.py": "",
    "engine/base.py": """
        from django.db.backends.sqlite3 import base
        from engine.creation import Creation

        class DatabaseWrapper(base.DatabaseWrapper):
            creation_class = Creation
    """,
    "engine/creation.py": """
        from django.db.backends.sqlite3.creation import DatabaseCreation

        class Creation(DatabaseCreation):
            pass
    """,
    "plain/__init__.py": "",
    "plain/fields.py": """
        from django.db import models

        class Money(models.IntegerField):
            pass
    """,
    "plain/models.py": """
        from django.db import models
        from plain.fields import Money

        class Price(models.Model):
            number = Money()
    """,
    "library/computed.py": "def rows():\n    return [NAME]\n\nNAME = 'computed'\nUNUSED = 2\n",
    "seed/authors.csv": "Ada\nGrace\n",
}

SETTINGS = """
BASE_DIR = Path(__file__).resolve().parent.parent
SEED_NAME = "named"
INSTALLED_APPS[INSTALLED_APPS.index("library")] = "library.apps.LibraryConfig"
INSTALLED_APPS.append("plain")
DATABASE_ROUTERS = ["library.routing.Router"]
DATABASES["default"]["ENGINE"] = "engine"
"""

APPS = """
    from django.apps import AppConfig, apps
    from django.db.models.signals import post_migrate

    def count(sender, **_):
        for model in apps.get_models():
            getattr(model, "ROLE", None)

    class LibraryConfig(AppConfig):
        name = "library"
        owner = "somebody"

        def ready(self):
            import library.extras
            post_migrate.connect(count)
"""


@pytest.fixture
def seeded(project: Path) -> Path:
    """A project whose migration uses something of every kind."""
    for name, text in {**FILES, "library/apps.py": APPS}.items():
        file = project / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(dedent(text))
    settings = project / "outcomes" / "settings.py"
    settings.write_text(settings.read_text() + "\nfrom pathlib import Path\n" + SETTINGS)
    return project


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """For projects on SQLite, with a cache that begins empty."""
    return environment(tmp_path / "cache", {"DOCKER_HOST": "unix:///nonexistent/docker.sock"})


def build(project: Path, env: dict[str, str]) -> str:
    """What a build says of its template: `used`, or why there is a new one."""
    done = run(project, "template", "build", env=env)
    assert done.code == 0, done.output
    if "Using the template" in done.output:
        return "used"
    # On a slow machine, a build takes long enough to leave a layer.
    found = re.search(
        r"(?:from scratch|incrementally) \((.*?)(?:; \d+ of \d+ are already applied)?\)…",
        done.output,
    )
    assert found is not None, done.output
    return found[1]


def edit(name: str, before: str, after: str) -> Callable[[Path], object]:
    def apply(project: Path) -> None:
        text = (project / name).read_text()
        assert before in text
        (project / name).write_text(text.replace(before, after))

    return apply


def add(name: str, text: str = "") -> Callable[[Path], object]:
    return lambda project: (project / name).write_text(text)


EDITS: list[tuple[Callable[[Path], object], str]] = [
    (edit("library/roles.py", '"editor"', '"owner"'), "changed: library.roles.ROLES"),
    (edit("library/roles.py", '"viewer"', '"reader"'), "changed: library.roles.BASE"),
    (edit("library/roles.py", '"kind"', '"sort"'), "changed: library.roles.Kind"),
    (edit("library/roles.py", "-1", "-2"), "changed: library.roles.Named.name"),
    (
        edit("library/roles.py", '"sort"', '"sort"\n\n    def name(self):\n        return "x"'),
        "changed: library.roles.Kind",
    ),
    (
        edit("library/extras.py", '"extra"', '"extra"\n\n@register\ndef more():\n    pass'),
        "changed: library.registry.REGISTRY",
    ),
    (
        edit("library/models.py", "    name =", '    ROLE = "x"\n    name ='),
        "library.models.Author",
    ),
    (
        edit("library/routing.py", "pass", "def allow_migrate(self, *_, **__):\n        pass"),
        "changed: library.routing.Router",
    ),
    (
        edit(
            "engine/creation.py", "pass", "def sql_table_creation_suffix(self):\n        return ''"
        ),
        "changed: engine.creation.Creation",
    ),
    (
        edit("plain/fields.py", "pass", "def db_type(self, _):\n        return 'numeric'"),
        "changed: plain.fields.Money",
    ),
    (edit("library/seeding.py", "title()", "upper()"), "changed: library.seeding.spelled"),
    (edit("library/computed.py", "'computed'", "'counted'"), "library.computed"),
    (edit("library/apps.py", '"somebody"', '"nobody"'), "library.apps.LibraryConfig"),
    (edit("seed/authors.csv", "Ada", "Barbara"), "changed: seed/authors.csv"),
    (add("seed/books.csv"), "changed: the files in seed"),
    (add("flag"), "changed: flag"),
    (edit("outcomes/settings.py", '"named"', '"renamed"'), "changed: setting SEED_NAME"),
]


def test_every_change_of_what_was_used_builds_a_new_template_and_is_named(
    seeded: Path, env: dict[str, str]
) -> None:
    assert build(seeded, env) != "used"

    for apply, reason in EDITS:
        assert build(seeded, env) == "used"
        apply(seeded)
        assert reason in build(seeded, env)


def test_no_change_of_anything_else_builds_a_new_template(
    seeded: Path, env: dict[str, str]
) -> None:
    build(seeded, env)

    edit("library/roles.py", "UNUSED = 1", "UNUSED = 3\n\ndef added():\n    pass\n")(seeded)
    edit("library/roles.py", "return 2", "return 3")(seeded)
    edit("library/seeding.py", "return 1", "return 4")(seeded)
    edit("library/seeding.py", "return 5", "return 6")(seeded)
    add("library/more.py", "NEW = 1\n")(seeded)
    for file in seeded.rglob("*.py"):
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))

    assert build(seeded, {**env, "OTHER": "x", "PYTHONHASHSEED": "7"}) == "used"


def test_one_schema_has_a_template_for_each_tenant(seeded: Path, env: dict[str, str]) -> None:
    globex = {**env, "SEED_TENANT": "globex"}

    found = [build(seeded, chosen) for chosen in (env, globex, env, globex)]

    assert found[1:] == ["changed: environment variable SEED_TENANT", "used", "used"]


def test_a_template_whose_list_cannot_be_read_is_built_anew(
    seeded: Path, env: dict[str, str], tmp_path: Path
) -> None:
    build(seeded, env)
    for file in tmp_path.rglob("inputs.json"):
        file.write_text(re.sub(r'"manifest": ".*?[^\\]"', '"manifest": "?"', file.read_text()))

    assert "which cannot be read" in build(seeded, env)


OWN_FOLDERS = """
BASE_DIR = Path(__file__).resolve().parent.parent
MEDIA_ROOT = BASE_DIR / "media"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": BASE_DIR / "cache",
    }
}
"""

NAME_THE_FOLDER = """
    from django.conf import settings
    from django.db import migrations

    def seed(apps, schema_editor):
        name = str(settings.MEDIA_ROOT)
        apps.get_model("library", "Author").objects.create(name=name[-100:])

    class Migration(migrations.Migration):
        dependencies = [("library", "0003_book")]
        operations = [migrations.RunPython(seed)]
"""


def test_folders_that_are_a_worker_s_own_make_no_template_of_their_own(tmp_path: Path) -> None:
    project = copy_of("outcomes", tmp_path)
    with (project / "outcomes" / "settings.py").open("a") as file:
        file.write(OWN_FOLDERS)
    (project / "media").mkdir()
    migration = project / "library" / "migrations" / "0004_seed.py"
    migration.write_text(dedent(NAME_THE_FOLDER))
    (project / "pytest.ini").write_text(
        "[pytest]\nDJANGO_SETTINGS_MODULE = outcomes.settings\npython_files = test_outcomes.py\n"
    )
    env = environment(tmp_path / "cache", {"DOCKER_HOST": "unix:///nonexistent"})

    by_pytest = run(project, "--ctest", "-n", "2", "-k", "Writing", env=env, module="pytest")
    again = run(project, "--ctest", "-k", "Writing", env=env, module="pytest")
    by_run = run(project, "library.test_outcomes.Writing", env=env)

    assert by_pytest.output.count("Building the template") == 1, by_pytest.output
    assert "Using the template" in again.output
    assert "Using the template" in by_run.output
    database = template_of(tmp_path / "cache")
    assert str(project / "media").encode()[-100:] in database.read_bytes()
