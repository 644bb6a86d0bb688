"""A module of tests with a leak of each kind, for the project `outcomes`."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Final

PLANTED: Final = '''
    import asyncio
    import threading
    import unittest

    from django.db import connection
    from django.test import SimpleTestCase, TestCase, TransactionTestCase

    from library.models import Author


    def create(name):
        Author.objects.create(name=name)


    def create_elsewhere(name):
        create(name)
        # Django would leave a connection to a database in memory open.
        connection.connection.close()


    def in_a_thread(name, event=None):
        def work():
            if event is not None:
                event.wait(10)
            create_elsewhere(name)

        thread = threading.Thread(target=work)
        thread.start()
        return thread


    class WellBehavedTests(TestCase):
        @classmethod
        def setUpTestData(cls):
            create("for the class")

        def test_a(self):
            create("for a test")

        def test_b(self):
            self.assertFalse(Author.objects.filter(name="for a test").exists())


    class ThreadTests(TestCase):
        def test(self):
            in_a_thread("thread").join()


    class LateThreadTests(TestCase):
        @classmethod
        def setUpClass(cls):
            super().setUpClass()
            cls.event = threading.Event()

        @classmethod
        def tearDownClass(cls):
            super().tearDownClass()
            cls.event.set()
            cls.thread.join()

        def test(self):
            type(self).thread = in_a_thread("late thread", self.event)


    class CommitTests(TestCase):
        @classmethod
        def tearDownClass(cls):
            create("commit")
            with connection.cursor() as cursor:
                cursor.execute("COMMIT")
            super().tearDownClass()

        def test(self):
            create("rolled back")


    class BeforeSuperTests(TestCase):
        @classmethod
        def setUpClass(cls):
            create("before super")
            super().setUpClass()

        def test(self):
            pass


    class FailingSetUpTests(TestCase):
        @classmethod
        def setUpClass(cls):
            create("failing setUpClass")
            raise unittest.SkipTest("too late")

        def test(self):
            pass


    class AsyncTests(TestCase):
        async def test(self):
            await asyncio.to_thread(create_elsewhere, "async")


    class ChangingTests(TestCase):
        """Changes as many rows as it leaves alone."""

        @classmethod
        def setUpClass(cls):
            seeded = Author.objects.order_by("pk").first()
            Author.objects.filter(pk=seeded.pk).update(name="changed")
            super().setUpClass()

        def test(self):
            pass


    class WellBehavedTransactionTests(TransactionTestCase):
        def test_a(self):
            create("flushed")

        def test_b(self):
            self.assertFalse(Author.objects.exists())


    class AvailableAppsTests(TransactionTestCase):
        available_apps = ["django.contrib.contenttypes"]

        def test(self):
            create("available apps")


    class FlushesTheRestTests(TransactionTestCase):
        def test(self):
            create("flushed")


    class TearDownTests(TransactionTestCase):
        @classmethod
        def tearDownClass(cls):
            super().tearDownClass()
            create("tearDownClass")

        def test(self):
            create("flushed")


    class SimpleTests(SimpleTestCase):
        databases = {"default"}

        def test(self):
            create("simple")


    class InnocentSimpleTests(SimpleTestCase):
        def test(self):
            pass


    class PlainTests(unittest.TestCase):
        def test(self):
            create("plain")


    class TableTests(unittest.TestCase):
        def test(self):
            with connection.cursor() as cursor:
                cursor.execute("CREATE TABLE left_behind (id INTEGER PRIMARY KEY)")


    class SecondPlainTests(unittest.TestCase):
        """The leaks of others are not its own."""

        def test(self):
            Author.objects.count()
'''

MODULE: Final = """
    from django.test import TestCase

    from library.models import Author


    def setUpModule():
        Author.objects.create(name="module")


    class InModuleTests(TestCase):
        def test(self):
            self.assertTrue(Author.objects.filter(name="module").exists())
"""

CLEAN_MODULE: Final = """
    from django.test import TestCase

    from library.models import Author


    def setUpModule():
        Author.objects.create(name="clean module")


    def tearDownModule():
        Author.objects.filter(name="clean module").delete()


    class InCleanModuleTests(TestCase):
        def test(self):
            self.assertTrue(Author.objects.filter(name="clean module").exists())
"""

ONE_MORE: Final = ("library_author", 1)

LEAKS: Final = {
    "ThreadTests": ONE_MORE,
    "LateThreadTests": ONE_MORE,
    "CommitTests": ONE_MORE,
    "BeforeSuperTests": ONE_MORE,
    "FailingSetUpTests": ONE_MORE,
    "AsyncTests": ONE_MORE,
    "ChangingTests": ("library_author", 0),
    "AvailableAppsTests": ONE_MORE,
    "TearDownTests": ONE_MORE,
    "SimpleTests": ONE_MORE,
    "PlainTests": ONE_MORE,
    "TableTests": ("left_behind", None),
    "library.test_module": ONE_MORE,
}
"""Each class or module that leaks: the table, and how many rows it adds; None for a new table."""


def plant(project: Path) -> None:
    """Replace the tests of the project `outcomes`."""
    for file in (project / "library").glob("test_*.py"):
        file.unlink()
    for name, text in (("it", PLANTED), ("module", MODULE), ("clean_module", CLEAN_MODULE)):
        (project / "library" / f"test_{name}.py").write_text(dedent(text))
