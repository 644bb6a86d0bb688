"""What decides a fingerprint, and what does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from unit.checkout import Checkout, Interpreter
from unit.differences import changed


@pytest.fixture(scope="module")
def before(
    tmp_path_factory: pytest.TempPathFactory, interpreter: Interpreter
) -> list[tuple[str, str]]:
    """The inputs of the project as it is, in another folder than the one that is changed."""
    return Checkout.make(tmp_path_factory.mktemp("before") / "work", interpreter).inputs()


def _edit_migration(checkout: Checkout) -> None:
    checkout.replace("shop/migrations/0001_initial.py", "initial = True", "initial = 1")


def _edit_field(checkout: Checkout) -> None:
    checkout.replace("plain/models.py", "max_length=10", "max_length=11")


def _edit_constraint(checkout: Checkout) -> None:
    checkout.replace("plain/models.py", "number__gt=0", "number__gt=1")


def _edit_default(checkout: Checkout) -> None:
    checkout.replace("plain/models.py", 'default="x"', 'default="y"')


def _add_database_cache(checkout: Checkout) -> None:
    backend = "django.core.cache.backends.db.DatabaseCache"
    checkout.add_settings(f'CACHES = {{"default": {{"BACKEND": "{backend}", "LOCATION": "c"}}}}\n')


def _edit_site(checkout: Checkout) -> None:
    checkout.add_settings("SITE_ID = 7\n")


def _edit_search_path(checkout: Checkout) -> None:
    checkout.add_settings('DATABASES["default"]["OPTIONS"] = {"options": "-c search_path=x"}\n')


def _edit_table(checkout: Checkout) -> None:
    checkout.replace("plain/models.py", "class Meta:", 'class Meta:\n        db_table = "n"')


def _edit_time_zone(checkout: Checkout) -> None:
    checkout.add_settings('TIME_ZONE = "Europe/Berlin"\n')


def _edit_collation(checkout: Checkout) -> None:
    checkout.add_settings('DATABASES["default"]["TEST"] = {"COLLATION": "C"}\n')


def _edit_engine(checkout: Checkout) -> None:
    checkout.write("engine/__init__.py", "")
    checkout.write("engine/base.py", "from django.db.backends.postgresql.base import *\n")
    checkout.add_settings('DATABASES["default"]["ENGINE"] = "engine"\n')


def _edit_permissions(checkout: Checkout) -> None:
    checkout.replace(
        "shop/models.py", "pass", 'class Meta:\n        permissions = [("sell", "May sell")]'
    )


def _add_migration(checkout: Checkout) -> None:
    checkout.write("shop/migrations/0002_more.py", "")


def _add_data_for_a_migration(checkout: Checkout) -> None:
    checkout.write("shop/migrations/rows/first.sql", "SELECT 1")


def _remove_migration(checkout: Checkout) -> None:
    (checkout.folder / "shop/migrations/0001_initial.py").unlink()


def _reorder_apps(checkout: Checkout) -> None:
    checkout.add_settings('INSTALLED_APPS = ["plain", "shop"]\n')


@pytest.mark.parametrize(
    ("edit", "phrases"),
    [
        (_edit_migration, ["changed: migration shop.0001_initial"]),
        (_edit_field, ["changed: model plain.Note"]),
        (_edit_constraint, ["changed: model plain.Note"]),
        (_edit_table, ["changed: model plain.Note_tags", "changed: model plain.Note"]),
        (_add_database_cache, ["changed: tables of caches"]),
        (_edit_site, ["changed: setting SITE_ID"]),
        (_edit_search_path, ["changed: database default OPTIONS options"]),
        (_edit_time_zone, ["changed: setting TIME_ZONE"]),
        (_edit_collation, ["changed: database default TEST COLLATION"]),
        (_edit_engine, ["changed: database default ENGINE"]),
        (_edit_permissions, ["changed: permissions shop.Item"]),
        (_add_migration, ["added: migration shop.0002_more"]),
        (_add_data_for_a_migration, ["added: migration shop.rows/first.sql"]),
        (_remove_migration, ["removed: migration shop.0001_initial"]),
        (_reorder_apps, ["changed: installed apps"]),
    ],
)
def test_what_shapes_a_database_changes_the_input_that_names_it(
    before: list[tuple[str, str]],
    checkout: Checkout,
    edit: Callable[[Checkout], None],
    phrases: list[str],
) -> None:
    edit(checkout)

    assert changed(dict(before), dict(checkout.inputs())) == phrases


def _nothing(checkout: Checkout) -> None:
    del checkout


def _other_line_ends(checkout: Checkout) -> None:
    for file in checkout.folder.rglob("*.py"):
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))


def _other_server(checkout: Checkout) -> None:
    checkout.add_settings(
        'DATABASES["default"].update(HOST="127.0.0.1", PORT="1", USER="ci", PASSWORD="other")\n'
    )


def _other_options(checkout: Checkout) -> None:
    checkout.add_settings(
        'DATABASES["default"].update(OPTIONS={"sslmode": "require"}, CONN_MAX_AGE=60)\n'
    )


def _other_secret_key(checkout: Checkout) -> None:
    checkout.add_settings('SECRET_KEY = "another"\n')


def _other_name(checkout: Checkout) -> None:
    checkout.add_settings('DATABASES["other"]["NAME"] = BASE_DIR / "elsewhere.sqlite3"\n')


def _other_paths(checkout: Checkout) -> None:
    checkout.add_settings('MEDIA_ROOT = STATIC_ROOT = BASE_DIR / "somewhere"\n')


def _bytecode(checkout: Checkout) -> None:
    checkout.write("shop/migrations/__pycache__/0001_initial.cpython-311.pyc", b"\x00")
    checkout.write("shop/migrations/rows/__pycache__/x.pyc", b"\x00")


def _comment_in_models(checkout: Checkout) -> None:
    checkout.replace("plain/models.py", "class Note", "# A comment.\nclass Note")
    checkout.replace("shop/models.py", "class Item", "# A comment.\nclass Item")


def _litter(checkout: Checkout) -> None:
    checkout.write("shop/migrations/0001_initial.py~", "an editor's copy")
    checkout.write("shop/migrations/.DS_Store", "a file manager's notes")


def _tests(checkout: Checkout) -> None:
    checkout.write("shop/tests.py", "1 / 0\n")


@pytest.mark.parametrize(
    "edit",
    [
        _nothing,
        _other_line_ends,
        _other_server,
        _other_options,
        _other_secret_key,
        _other_name,
        _other_paths,
        _bytecode,
        _comment_in_models,
        _tests,
        _edit_default,
        _litter,
    ],
)
def test_what_does_not_shape_a_database_changes_nothing(
    before: list[tuple[str, str]], checkout: Checkout, edit: Callable[[Checkout], None]
) -> None:
    """Nor does the folder: each of these projects is in one of its own."""
    edit(checkout)

    assert before == checkout.inputs()


def _differences(one: Checkout, two: Checkout, group: str = "postgresql") -> list[str]:
    return changed(dict(one.inputs(group=group)), dict(two.inputs(group=group)))


def test_an_sqlite_test_database_in_the_checkout_gives_no_absolute_path(
    make_checkout: Callable[[str], Checkout],
) -> None:
    """`TEST: {"NAME": BASE_DIR / …}` is how a project gets its test database into a file."""
    one, two = make_checkout("one"), make_checkout("two")
    for checkout in (one, two):
        checkout.add_settings(
            'DATABASES["other"]["TEST"] = {"NAME": str(BASE_DIR / "test.sqlite3")}\n'
        )

    assert _differences(one, two, "sqlite") == []


def test_the_storage_of_a_file_field_gives_no_absolute_path(
    make_checkout: Callable[[str], Checkout],
) -> None:
    """Where files are kept has nothing to do with the column."""
    one, two = make_checkout("one"), make_checkout("two")
    for checkout in (one, two):
        checkout.replace(
            "plain/models.py",
            "    text =",
            "    file = models.FileField(storage=FileSystemStorage(settings.BASE_DIR / 'x'))\n"
            "    text =",
        )
        checkout.replace(
            "plain/models.py",
            "from django.db import models",
            "from django.conf import settings\n"
            "from django.core.files.storage import FileSystemStorage\n"
            "from django.db import models",
        )

    assert _differences(one, two) == []


@pytest.fixture
def seeded() -> Iterator[list[Interpreter]]:
    """Two interpreters that hash texts in two ways."""
    interpreters = [Interpreter(hash_seed="1"), Interpreter(hash_seed="2")]
    yield interpreters
    for one in interpreters:
        one.close()


def test_two_interpreters_give_the_same_inputs(
    checkout: Checkout, seeded: list[Interpreter]
) -> None:
    """Nothing depends on the order of a set or on the address of an object."""
    checkout.replace(
        "plain/models.py",
        "constraints = [",
        "unique_together = {('text', 'number'), ('number', 'text')}\n        constraints = [",
    )
    checkout.replace("plain/models.py", "default=code", "default=partial(code, *[])")
    checkout.replace(
        "plain/models.py",
        "from django.db import models",
        "from functools import partial\nfrom django.db import models",
    )

    one, two = (Checkout(checkout.folder, interpreter).inputs() for interpreter in seeded)

    assert one == two


def test_no_input_is_there_twice(before: list[tuple[str, str]]) -> None:
    names = [name for name, _ in before]

    assert len(set(names)) == len(names)


def test_a_database_of_another_group_does_not_matter(
    before: list[tuple[str, str]], checkout: Checkout
) -> None:
    checkout.add_settings('del DATABASES["other"]\n')

    assert before == checkout.inputs()


def test_an_app_is_described_by_its_models_where_migrations_are_switched_off(
    checkout: Checkout,
) -> None:
    checkout.add_settings('MIGRATION_MODULES = {"shop": None}\n')

    names = [name for name, _ in checkout.inputs()]

    assert "model shop.Item" in names
    assert not any(name.startswith("migration ") for name in names)


def test_a_database_that_is_not_migrated_is_described_by_models(checkout: Checkout) -> None:
    checkout.add_settings('DATABASES["default"]["TEST"] = {"MIGRATE": False}\n')

    names = [name for name, _ in checkout.inputs()]

    assert "model shop.Item" in names
    assert not any(name.startswith("migration ") for name in names)


def test_a_named_file_is_an_input_wherever_the_checkout_is(
    make_checkout: Callable[[str], Checkout], checkout: Checkout
) -> None:
    other = make_checkout("elsewhere")

    relative = checkout.inputs(files=("data/*.json",))
    absolute = other.inputs(files=(f"{other.folder}/data/rows.json",))

    assert relative == absolute
    assert relative[-1][0] == "file data/rows.json"


def test_an_edited_named_file_changes_its_input(checkout: Checkout) -> None:
    earlier = checkout.inputs(files=("data/**/*.json",))

    checkout.write("data/rows.json", "[1]\n")

    later = checkout.inputs(files=("data/**/*.json",))
    assert changed(dict(earlier), dict(later)) == ["changed: file data/rows.json"]


@pytest.mark.parametrize("pattern", ["data/none.json", "nothing/*", "data"])
def test_a_named_file_that_is_not_there_is_refused(checkout: Checkout, pattern: str) -> None:
    kind, message, hint = checkout.ask(group="postgresql", files=(pattern,))["error"]

    assert kind == "UsageError"
    assert repr(pattern) in message
    assert str(checkout.folder) in hint
