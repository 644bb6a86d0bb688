"""Rows of migrations that are restored as Django restores them, or are left to it."""

from __future__ import annotations

from pathlib import Path

from harness.projects import run, write_tests
from harness.resets import OTHER, Env, add, both_ways, left

ELSEWHERE = """
    class Elsewhere:
        def db_for_write(self, model, **hints):
            return "other" if model._meta.app_label == "library" else None
"""


TO_ANOTHER_DATABASE = """
    class Restored(TransactionTestCase):
        databases = {"default", "other"}
        serialized_rollback = True

        def found(self):
            return [Author.objects.using(one).count() for one in ("default", "other")]

        def test_1(self):
            self.assertEqual(self.found(), [1, 1])

        def test_2(self):
            self.assertEqual(self.found(), [0, 1])

        def test_3(self):
            self.assertEqual(self.found(), [0, 1])
"""


def test_rows_that_a_router_writes_to_another_database_are_restored_by_django(
    project: Path, sqlite_env: Env, tmp_path: Path
) -> None:
    add(project, "outcomes/settings.py", OTHER)
    add(project, "outcomes/settings.py", "DATABASE_ROUTERS = ['outcomes.routers.Elsewhere']")
    add(project, "outcomes/routers.py", ELSEWHERE)
    write_tests(project, TO_ANOTHER_DATABASE)

    done, *_ = both_ways(project, sqlite_env, tmp_path)

    assert left("rows of library.Author are written to another database") in done.output


PICKY = """
    class Picky(models.QuerySet):
        # With all that Django gives it when it saves an object, and not without.
        def _insert(self, objs, fields, returning_fields, raw, using):
            return super()._insert(
                objs, fields, returning_fields=returning_fields, raw=raw, using=using
            )

        _insert.queryset_only = False

    class Painter(models.Model):
        name = models.CharField(max_length=100)
        objects = Picky.as_manager()

        class Meta:
            base_manager_name = "objects"
"""


PAINTER = """
    from django.db import migrations, models

    def add_painter(apps, schema_editor):
        apps.get_model("library", "Painter").objects.create(name="Artemisia Gentileschi")

    class Migration(migrations.Migration):
        dependencies = [("library", "0003_book")]
        operations = [
            migrations.CreateModel(
                "Painter",
                [
                    ("id", models.BigAutoField(primary_key=True)),
                    ("name", models.CharField(max_length=100)),
                ],
            ),
            migrations.RunPython(add_painter, migrations.RunPython.noop),
        ]
"""


RESTORED = """
    from library.models import Painter

    class Restored(TransactionTestCase):
        serialized_rollback = True

        def test_1(self):
            Painter.objects.create(name="Left behind")

        def test_2(self):
            self.assertEqual(Painter.objects.get().name, "Artemisia Gentileschi")
            Painter.objects.create(name="Left behind")

        def test_3(self):
            self.assertEqual(Painter.objects.get().name, "Artemisia Gentileschi")
"""


def test_an_error_of_its_own_means_is_told_and_rows_are_restored_by_django(
    project: Path, sqlite_env: Env, tmp_path: Path
) -> None:
    add(project, "library/models.py", PICKY)
    add(project, "library/migrations/0004_painter.py", PAINTER)
    write_tests(project, RESTORED)

    done, *_ = both_ways(project, sqlite_env, tmp_path)

    assert "is reset by Django's flush, at least in part: TypeError(" in done.output
    assert "missing 1 required positional argument: 'returning_fields'" in done.output


CHAPTER = """
    class Chapter(models.Model):
        author = models.ForeignKey(Author, on_delete=models.CASCADE)

        class Meta:
            order_with_respect_to = "author"
"""


CHAPTERS = """
    from django.db import migrations, models

    def add_chapters(apps, schema_editor):
        author = apps.get_model("library", "Author").objects.get()
        chapters = apps.get_model("library", "Chapter").objects
        for number in (1, 2, 3):
            chapters.create(pk=number, author=author)
            chapters.filter(pk=number).update(_order=10 - number)

    class Migration(migrations.Migration):
        dependencies = [("library", "0003_book")]
        operations = [
            migrations.CreateModel(
                "Chapter",
                [
                    ("id", models.BigAutoField(primary_key=True)),
                    ("author", models.ForeignKey("library.author", models.CASCADE)),
                ],
                {"order_with_respect_to": "author"},
            ),
            migrations.RunPython(add_chapters, migrations.RunPython.noop),
        ]
"""


ORDERED = """
    from library.models import Chapter

    class Ordered(TransactionTestCase):
        serialized_rollback = True

        def found(self):
            return list(Chapter.objects.order_by("pk").values_list("pk", "_order"))

        def test_1(self):
            self.assertEqual(self.found(), [(1, 9), (2, 8), (3, 7)])

        def test_2(self):
            self.assertEqual(self.found(), [(1, 0), (2, 1), (3, 2)])

        def test_3(self):
            self.assertEqual(self.found(), [(1, 0), (2, 1), (3, 2)])
"""


def test_rows_that_are_ordered_by_what_they_refer_to_are_restored_by_django(
    project: Path, sqlite_env: Env, tmp_path: Path
) -> None:
    add(project, "library/models.py", CHAPTER)
    add(project, "library/migrations/0004_chapter.py", CHAPTERS)
    write_tests(project, ORDERED)

    done, *_ = both_ways(project, sqlite_env, tmp_path)

    assert left("library.Chapter has values that are set on saving") in done.output


PICTURE = """
    class Picture(models.Model):
        data = models.BinaryField()
"""


PICTURES = """
    from django.db import migrations, models

    def add_picture(apps, schema_editor):
        apps.get_model("library", "Picture").objects.create(data=bytes(range(256)))

    class Migration(migrations.Migration):
        dependencies = [("library", "0003_book")]
        operations = [
            migrations.CreateModel(
                "Picture",
                [("id", models.BigAutoField(primary_key=True)), ("data", models.BinaryField())],
            ),
            migrations.RunPython(add_picture, migrations.RunPython.noop),
            migrations.RunSQL(
                "CREATE TABLE raw (data bytea); INSERT INTO raw VALUES (decode('00ff', 'hex'))"
            ),
        ]
"""


BINARY = """
    from library.models import Picture

    class Restored(TransactionTestCase):
        serialized_rollback = True

        def test_1(self):
            with connection.cursor() as cursor:
                cursor.execute("SELECT data FROM raw")
                self.assertIs(type(cursor.fetchone()[0]), memoryview)
            Picture.objects.create(data=b"Left behind")

        def test_2(self):
            found = Picture.objects.get().data
            self.assertIs(type(found), memoryview)
            self.assertEqual(bytes(found), bytes(range(256)))

        def test_3(self):
            self.test_2()
"""


def test_rows_with_binary_values_are_compared_with_psycopg2(
    project: Path, postgresql_env: Env
) -> None:
    add(project, "outcomes/settings.py", "import sys; sys.modules['psycopg'] = None")
    add(project, "library/models.py", PICTURE)
    add(project, "library/migrations/0004_picture.py", PICTURES)
    write_tests(project, BINARY)
    options = ("--reset", "compare", "-v", "2", "--parallel", "1")

    # A fork would have loaded psycopg.
    done = run(project, *options, env=postgresql_env, forked=False)

    assert done.code == 0, done.output
    assert "Ran 3 tests" in done.output
    assert "reset by Django's flush" not in done.output


REDIRECTED_LATER = """
    from django.test import override_settings

    class Both(TransactionTestCase):
        databases = {"default", "other"}
        serialized_rollback = True

        def found(self):
            return [Author.objects.using(one).count() for one in ("default", "other")]

    class First(Both):
        def test_1(self):
            self.assertEqual(self.found(), [1, 1])

        def test_2(self):
            # Without a router, Django writes the rows of any database into the default one.
            self.assertEqual(self.found(), [1, 0])

    @override_settings(DATABASE_ROUTERS=["outcomes.routers.Elsewhere"])
    class Later(Both):
        def test_1(self):
            self.assertEqual(self.found(), [0, 1])
"""


def test_a_router_that_comes_later_is_asked_where_rows_are_restored(
    project: Path, sqlite_env: Env, tmp_path: Path
) -> None:
    add(project, "outcomes/settings.py", OTHER)
    add(project, "outcomes/routers.py", ELSEWHERE)
    write_tests(project, REDIRECTED_LATER)

    both_ways(project, sqlite_env, tmp_path)


def test_arrays_of_binary_values_are_compared_with_psycopg2(
    project: Path, postgresql_env: Env
) -> None:
    add(project, "outcomes/settings.py", "import sys; sys.modules['psycopg'] = None")
    add(project, "library/models.py", PICTURE)
    raw = "raw (data bytea); INSERT INTO raw VALUES (decode('00ff', 'hex'))"
    many = "many (data bytea[]); INSERT INTO many VALUES (ARRAY[decode('00ff', 'hex')])"
    add(project, "library/migrations/0004_picture.py", PICTURES.replace(raw, many))
    tests = BINARY.replace("FROM raw", "FROM many").replace("fetchone()[0]", "fetchone()[0][0]")
    write_tests(project, tests)
    options = ("--reset", "compare", "--parallel", "1")

    # A fork would have loaded psycopg.
    done = run(project, *options, env=postgresql_env, forked=False)

    assert done.code == 0, done.output
