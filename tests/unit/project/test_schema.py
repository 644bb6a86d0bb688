"""What decides a fingerprint, and what does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from unit.checkout import Checkout, Interpreter
from unit.differences import changed

from ctest_containers.project.schema import migration_inputs, migrations_folder


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


def _write(folder: Path, *paths: str) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("")


def test_every_file_of_a_migrations_folder_is_an_input_in_the_order_of_names(
    tmp_path: Path,
) -> None:
    _write(tmp_path, "__init__.py", "0002_b.py", "0001_a.py", "sql/view.sql", "__pycache__/x.pyc")

    names = [one.name for one in migration_inputs("shop", tmp_path)]

    assert names == [
        "migration shop.0001_a",
        "migration shop.0002_b",
        "migration shop.__init__",
        "migration shop.sql/view.sql",
    ]


def test_a_checkout_below_a_folder_called_pycache_has_migrations(tmp_path: Path) -> None:
    _write(tmp_path / "__pycache__", "0001_a.py")

    names = [one.name for one in migration_inputs("shop", tmp_path / "__pycache__")]

    assert names == ["migration shop.0001_a"]


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that modules are imported from."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_migrations_are_found_in_the_app(packages: Path) -> None:
    _write(packages, "unit_app_a/__init__.py", "unit_app_a/migrations/__init__.py")

    folder = migrations_folder("a", "unit_app_a", {})

    assert folder == packages / "unit_app_a" / "migrations"


def test_migrations_are_found_where_the_settings_say(packages: Path) -> None:
    _write(packages, "unit_app_b/__init__.py", "unit_elsewhere/__init__.py")

    folder = migrations_folder("b", "unit_app_b", {"b": "unit_elsewhere"})

    assert folder == packages / "unit_elsewhere"


def test_migrations_are_not_imported_to_be_found(packages: Path) -> None:
    _write(packages, "unit_app_c/__init__.py")
    (packages / "unit_app_c" / "migrations").mkdir()
    (packages / "unit_app_c" / "migrations" / "__init__.py").write_text("1 / 0")

    assert migrations_folder("c", "unit_app_c", {}) is not None


@pytest.mark.parametrize(
    ("app", "modules"),
    [
        ("unit_app_d", {"d": None}),
        ("unit_app_d", {}),
        ("unit_app_e", {}),
        ("unit_app_f", {}),
        ("unit_app_missing", {}),
    ],
)
def test_an_app_without_a_package_of_migrations_has_none(
    packages: Path, app: str, modules: dict[str, None]
) -> None:
    """Neither a folder without `__init__.py` nor a module is one, as Django sees it."""
    _write(packages, "unit_app_d/__init__.py")
    _write(packages, "unit_app_e/__init__.py", "unit_app_e/migrations/0001_initial.py")
    _write(packages, "unit_app_f/__init__.py", "unit_app_f/migrations.py")

    assert migrations_folder("d", app, modules) is None
