"""Templates are built with models rendered on demand, and contain the same."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import docker
import pytest
from harness import generated_graphs
from harness.generated_migrations import compare
from harness.projects import copy_of, environment, run
from harness.servers import plain_server
from harness.tiers import further

SETTINGS = """
    SECRET_KEY = "x"
    INSTALLED_APPS = ["shop"]
    DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
"""

TESTS_OF_SHOP = """
    from django.test import TestCase

    class ItemTests(TestCase):
        def test_nothing(self):
            pass
"""

MIGRATION = """
    from django.db import migrations, models

    class Look(migrations.AlterModelOptions):
        def database_forwards(self, app_label, schema_editor, from_state, to_state):
            box = from_state.apps.get_model(app_label, self.name)
            thing = box._meta.get_field("thing").related_model
            model = thing._meta.get_field("item").related_model
            names = sorted(field.name for field in model._meta.local_fields)
            assert names == ["id"] or not self.options.get("verbose_name", "").endswith("!")
            schema_editor.execute(f"SELECT '{' '.join(names)}'")

    def key():
        return ("id", models.BigAutoField(primary_key=True))

    def to(name):
        return (name, models.ForeignKey(f"shop.{name}", models.CASCADE))

    class Migration(migrations.Migration):
        operations = [
            migrations.CreateModel("Item", [key()]),
            migrations.AlterModelOptions("Item", {"ordering": ["id"]}),
            migrations.CreateModel("Thing", [key(), to("item")]),
            migrations.CreateModel("Box", [key(), to("thing")]),
            migrations.AddField("Item", "size", models.IntegerField(default=1)),
"""

NOT_NULL = """
    migrations.RunPython(lambda apps, _: apps.get_model("shop", "Item").objects.create(size=1)),
    migrations.RunPython(lambda apps, _: apps.get_model("shop", "Item").objects.create(size=1)),
    migrations.AddConstraint(
        "Item", models.UniqueConstraint(fields=["size"], name="item_size_is_unique")
    ),
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A project with an app whose migration has yet to be written."""
    (tmp_path / "settings.py").write_text(dedent(SETTINGS))
    (tmp_path / "test_it.py").write_text(dedent(TESTS_OF_SHOP))
    for folder in ("shop", "shop/migrations"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").touch()
    return tmp_path


def write(shop: Path, operations: str) -> None:
    """Write the migration, with more operations."""
    text = dedent(MIGRATION) + "\n".join(
        f"        {line}" for line in dedent(operations).splitlines()
    )
    (shop / "shop" / "migrations" / "0001_initial.py").write_text(text + "\n    ]\n")


def build(project: Path, cache: Path, *options: str, **env: str) -> tuple[int, str]:
    """The exit code and the output of a build of all templates."""
    env = {"DJANGO_SETTINGS_MODULE": "settings", **env}
    arguments = ("template", "build", "--rebuild", *options)
    done = run(project, *arguments, env=environment(cache, env))
    return done.code, done.output


@pytest.mark.parametrize(
    "flavour",
    [
        *("sqlite", "postgresql"),
        pytest.param("mariadb", marks=further("The other two have the same models.")),
    ],
)
def test_the_example_project_is_built_alike_both_ways(
    flavour: str, tmp_path: Path, cache: Path, engine: docker.DockerClient
) -> None:
    del engine
    project = copy_of("shop", tmp_path)
    database = "mysql" if flavour == "mariadb" else flavour

    env = {"DJANGO_SETTINGS_MODULE": "shop.settings", "SHOP_DB": database}
    code, output = build(project, cache, "--build", "compare", **env)

    assert code == 0, output
    assert "both ways of rendering models are compared" in output
    assert "own way" not in output


@pytest.mark.parametrize(
    "flavour",
    [
        "postgresql",
        pytest.param("mariadb", marks=further("The statements come from the same models.")),
    ],
)
def test_any_operations_give_the_same_statements_on_a_server(
    flavour: str, engine: docker.DockerClient
) -> None:
    backend = "postgresql" if flavour == "postgresql" else "mysql"
    with plain_server(engine, flavour, ["shop"]) as host:
        assert compare(backend, 15, 20, host)["CreateModel"] > 15
        assert generated_graphs.compare(backend, 8, 20, host)["plain"] > 8


def test_what_django_does_otherwise_is_named_when_both_ways_are_compared(
    shop: Path, cache: Path
) -> None:
    # Django has not rendered the model of the box again, which is two relations away.
    write(shop, 'Look("Box", {"verbose_name": "box"}),')

    code, output = build(shop, cache, "--build", "compare")

    assert code == 2
    assert "default: shop.0001_initial: only with Django: SELECT 'id'" in output
    assert "default: shop.0001_initial: only on demand: SELECT 'id size'" in output
    assert "Use --build django" in output
    assert build(shop, cache, "--build", "django")[0] == 0


def test_an_operation_of_the_project_s_own_that_fails_is_left_to_django(
    shop: Path, cache: Path
) -> None:
    write(shop, 'Look("Box", {"verbose_name": "box!"}),')

    code, output = build(shop, cache)

    assert code == 0, output
    assert "Migrating in Django's own way, which takes longer: AssertionError" in output


def test_a_build_that_fails_on_demand_only_is_a_difference(shop: Path, cache: Path) -> None:
    write(shop, 'Look("Box", {"verbose_name": "box!"}),')

    code, output = build(shop, cache, "--build", "compare")

    assert code == 2
    assert "fails when models are rendered on demand" in output


def test_a_migration_that_fails_is_shown_as_django_shows_it(shop: Path, cache: Path) -> None:
    write(shop, NOT_NULL)

    code, output = build(shop, cache)

    assert code == 2
    assert "Migrating in Django's own way, which takes longer: IntegrityError" in output
    as_django = build(shop, cache, "--build", "django")[1]
    assert output.count("Traceback") == as_django.count("Traceback")
    assert "UNIQUE constraint failed" in output


def test_a_migrate_command_of_the_project_s_own_is_run_as_it_is(shop: Path, cache: Path) -> None:
    write(shop, "")
    commands = shop / "shop" / "management" / "commands"
    commands.mkdir(parents=True)
    (commands / "migrate.py").write_text(
        "from django.core.management.commands.migrate import Command  # noqa: F401\n"
    )

    code, output = build(shop, cache)

    assert code == 0, output
    assert (
        "Migrating in Django's own way, which takes longer: shop has its own migrate command."
        in output
    )
