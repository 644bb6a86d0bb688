"""What receivers of post_migrate make and see after a flush, as with Django."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness.projects import write_tests
from harness.resets import OTHER, Env, add, both_ways, left

FLUSHED = """
    class Flushed(TransactionTestCase):
        def test_1(self):
            Author.objects.create(name="Left behind")

        def test_2(self):
            self.assertEqual(list(Author.objects.all()), [])
            Author.objects.create(name="Left behind")

        def test_3(self):
            self.assertEqual(list(Author.objects.all()), [])
"""


def test_an_error_of_its_own_means_is_told_and_the_flush_left_to_django(
    project: Path, sqlite_env: Env, tmp_path: Path
) -> None:
    """Without Django's sites this setting may be anything, also what is no key of a dictionary."""
    add(project, "outcomes/settings.py", "SITE_ID = {'default': 1}")
    write_tests(project, FLUSHED)

    done, *_ = both_ways(project, sqlite_env, tmp_path)

    assert left("""TypeError("unhashable type: 'dict'")""") in done.output


ONLY_IN_DEFAULT = """
    class OnlyInDefault:
        def allow_migrate(self, db, app_label, **hints):
            return db == "default" or app_label not in {"contenttypes", "auth"}
"""


CACHES = """
    import json
    from django.contrib.contenttypes.models import ContentType

    class Noting:
        def setUp(self):
            kept = ContentType.objects._cache
            found = {one: sorted(map(str, kept[one])) for one in sorted(kept)}
            with open(os.environ["WITNESS"], "a") as file:
                print(json.dumps([self.id(), found]), file=file)

        def test_1(self):
            for one in self.filled:
                ContentType.objects.db_manager(one).get_for_model(Author)

        def test_2(self):
            self.test_1()

        def test_3(self):
            self.test_1()

    class Both(Noting, TransactionTestCase):
        databases = {"default", "other"}
        filled = FILLED

    class First(Noting, TransactionTestCase):
        databases = {"default"}
        filled = ["default"]

    class Second(Noting, TransactionTestCase):
        databases = {"other"}
        filled = []
"""


@pytest.mark.parametrize(
    ("router", "filled", "aliases"),
    [
        # Django forgets those of all databases as soon as it makes some in one of them.
        ("", ["default", "other"], ["", *["other"] * 3, *["default"] * 3, *["other"] * 2]),
        # It makes none in the other one.
        ("outcomes.routers.OnlyInDefault", ["default"], ["", *["default"] * 8]),
    ],
    ids=["which has some", "which has none"],
)
def test_content_types_in_memory_after_the_flush_of_another_database_are_as_with_django(
    router: str,
    filled: list[str],
    aliases: list[str],
    project: Path,
    sqlite_env: Env,
    tmp_path: Path,
) -> None:
    add(project, "outcomes/settings.py", OTHER)
    add(project, "outcomes/settings.py", "INSTALLED_APPS.append('django.contrib.auth')")
    add(project, "outcomes/settings.py", f"DATABASE_ROUTERS = {[router] if router else []}")
    add(project, "outcomes/routers.py", ONLY_IN_DEFAULT)
    write_tests(project, CACHES.replace("FILLED", str(filled)))

    done, expected, found = both_ways(project, sqlite_env, tmp_path)

    assert found == expected
    assert [",".join(json.loads(line)[1]) for line in found] == aliases
    assert "reset by Django's flush" not in done.output


CONNECTED_LATER = """
    from django.db.models.signals import post_migrate

    def make_one(sender, using, **_):
        Author.objects.using(using).create(name="Made for " + sender.label)
        with open(os.environ["WITNESS"], "a") as file:
            print(sender.label, file=file)

    class Before(TransactionTestCase):
        made = []

        def test_1(self):
            pass

        def test_2(self):
            self.assertEqual(Author.objects.count(), len(self.made))

        def test_3(self):
            self.assertEqual(Author.objects.count(), len(self.made))

    class Connected(Before):
        made = ["contenttypes", "library"]

        @classmethod
        def setUpClass(cls):
            super().setUpClass()
            post_migrate.connect(make_one)
            cls.addClassCleanup(post_migrate.disconnect, make_one)

    class Disconnected(Before):
        def test_1(self):
            self.assertEqual(Author.objects.count(), 2)
"""


def test_a_receiver_is_told_of_flushes_from_when_it_is_connected_until_it_is_disconnected(
    project: Path, sqlite_env: Env, tmp_path: Path
) -> None:
    write_tests(project, CONNECTED_LATER)

    done, expected, found = both_ways(project, sqlite_env, tmp_path)

    assert found == expected == ["contenttypes", "library"] * 3
    assert left("post_migrate calls library.test_it.make_one") in done.output


OWN_FLUSH = """
    import os
    from django.core.management.commands import flush

    class Command(flush.Command):
        def handle(self, **options):
            super().handle(**options)
            with open(os.environ["WITNESS"], "a") as file:
                print(sorted((k, v) for k, v in options.items() if v is not None), file=file)
"""


def test_a_project_s_own_command_is_called_for_each_flush_as_by_django(
    project: Path, sqlite_env: Env, tmp_path: Path
) -> None:
    for package in ("management", "management/commands"):
        add(project, f"library/{package}/__init__.py", "")
    add(project, "library/management/commands/flush.py", OWN_FLUSH)
    write_tests(project, FLUSHED)

    done, expected, found = both_ways(project, sqlite_env, tmp_path)

    assert found == expected
    assert len(found) == 3
    assert left("the project has its own flush command") in done.output


SPOKEN = """
    from django.contrib.auth.models import Permission
    from django.test import override_settings

    class Found(TransactionTestCase):
        def name(self):
            return Permission.objects.get(codename="agree").name

    @override_settings(LANGUAGE_CODE="de")
    class AGerman(Found):
        def test_1(self):
            self.assertEqual(self.name(), "Yes")

        def test_2(self):
            self.assertEqual(self.name(), "Ja")

    class English(Found):
        def test_1(self):
            self.assertEqual(self.name(), "Ja")

        def test_2(self):
            self.assertEqual(self.name(), "Yes")
"""


MAGAZINE = """
    from django.utils.translation import gettext_lazy

    class Magazine(models.Model):
        class Meta:
            permissions = [("agree", gettext_lazy("Yes"))]
"""


MAGAZINES = """
    from django.db import migrations, models

    class Migration(migrations.Migration):
        dependencies = [("library", "0003_book")]
        operations = [
            migrations.CreateModel(
                "Magazine",
                [("id", models.BigAutoField(primary_key=True))],
                {"permissions": [("agree", "Yes")]},
            ),
        ]
"""


def test_permissions_are_named_in_the_language_of_each_flush(
    project: Path, sqlite_env: Env, tmp_path: Path
) -> None:
    add(project, "outcomes/settings.py", "INSTALLED_APPS.append('django.contrib.auth')")
    add(project, "library/models.py", MAGAZINE)
    add(project, "library/migrations/0004_magazine.py", MAGAZINES)
    write_tests(project, SPOKEN)

    both_ways(project, sqlite_env, tmp_path)


WRAPPED = """
    from functools import wraps
    from django.contrib.contenttypes.management import create_contenttypes
    from django.db.models.signals import post_migrate

    called = []

    @wraps(create_contenttypes)
    def wrapped(app_config, **kwargs):
        create_contenttypes(app_config, **kwargs)
        called.append(app_config.label)

    post_migrate.disconnect(create_contenttypes)
    post_migrate.connect(wrapped)

    class Wrapped(TransactionTestCase):
        def test_1(self):
            called.clear()

        def test_2(self):
            self.assertEqual(called, ["contenttypes", "library"])
            called.clear()

        def test_3(self):
            self.assertEqual(called, ["contenttypes", "library"])
"""


def test_a_receiver_that_wraps_one_of_django_s_is_called(
    project: Path, sqlite_env: Env, tmp_path: Path
) -> None:
    write_tests(project, WRAPPED)

    both_ways(project, sqlite_env, tmp_path)


KEPT = """
    from django.contrib.contenttypes.management import create_contenttypes
    from django.contrib.contenttypes.models import ContentType
    from django.db.models.signals import post_migrate

    class Kept(TransactionTestCase):
        @classmethod
        def setUpClass(cls):
            super().setUpClass()
            post_migrate.disconnect(create_contenttypes)
            cls.addClassCleanup(post_migrate.connect, create_contenttypes)

        def test_1(self):
            ContentType.objects.get_for_model(Author)

        def test_2(self):
            self.assertTrue(ContentType.objects._cache)
            ContentType.objects.get_for_model(Author)

        def test_3(self):
            self.assertTrue(ContentType.objects._cache)
"""


def test_content_types_stay_in_memory_where_nobody_makes_them(
    project: Path, sqlite_env: Env, tmp_path: Path
) -> None:
    write_tests(project, KEPT)

    both_ways(project, sqlite_env, tmp_path)


NOTED = """
    from django.contrib.auth.models import Permission

    Permission.add_to_class("note", models.CharField(max_length=9, default="new"))
"""

NOTES = """
    from django.contrib.auth.models import Permission

    class Noted(TransactionTestCase):
        def check(self):
            self.assertEqual({one.note for one in Permission.objects.all()}, {"new"})
            Permission.objects.update(note="old")

        def test_1(self):
            self.check()

        def test_2(self):
            self.check()

        def test_3(self):
            self.check()
"""


def test_permissions_with_fields_of_the_project_s_own_are_made_by_django(
    project: Path, sqlite_env: Env, tmp_path: Path
) -> None:
    modules = 'MIGRATION_MODULES = {"auth": None, "contenttypes": None}'
    add(project, "outcomes/settings.py", "INSTALLED_APPS.append('django.contrib.auth')\n" + modules)
    add(project, "library/models.py", NOTED)
    write_tests(project, NOTES)

    done, _, _ = both_ways(project, sqlite_env, tmp_path)

    assert left("auth.Permission has fields of the project's own") in done.output
