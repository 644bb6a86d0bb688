"""Tests find the rows that they find in Django's order, however many workers there are."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.ports import free_ports
from harness.projects import assert_agree, run, toolkit, write_tests
from harness.truths import truth

LEAVING = """
    class Empty(TransactionTestCase):
        def test_nobody_has_left_a_row(self):
            time.sleep(0.05)
            self.assertEqual(Author.objects.filter(name__startswith="left").count(), 0)

    class EmptyToo(Empty):
        pass

    class Rows(TestCase):
        def test_rows_of_migrations_are_there(self):
            self.assertEqual(Author.objects.count(), 1)

    class WithDatabases(SimpleTestCase):
        databases = {"default"}

        def test_it_leaves_a_row(self):
            Author.objects.create(name=f"left by {type(self).__name__}")
            time.sleep(0.3)

    class ZPlain(unittest.TestCase):
        def test_it_leaves_a_row(self):
            Author.objects.create(name=f"left by {type(self).__name__}")
            time.sleep(0.4)

    class ZPlainToo(unittest.TestCase):
        def test_one_row_at_least_is_seen_by_who_comes_later(self):
            time.sleep(0.2)
"""

TWO_MODULES = """
    LOCK = Path("lock-of-the-module")

    def setUpModule():
        os.close(os.open(LOCK, os.O_CREAT | os.O_EXCL))

    def tearDownModule():
        LOCK.unlink()

    class First(SimpleTestCase):
        def test_it(self):
            time.sleep(0.5)

    class Plain(unittest.TestCase):
        def test_it(self):
            time.sleep(0.1)
"""

NEIGHBOUR = """
from django.test import SimpleTestCase

class Between(SimpleTestCase):
    def test_it(self):
        pass
"""

SERIALIZED = """
    import socket
    from django.test.testcases import SerializeMixin

    class Port(SerializeMixin):
        lockfile = __file__

        def test_it(self):
            with socket.socket() as listener:
                listener.bind(("127.0.0.1", int(os.environ["OWN_PORT"])))
                time.sleep(1.2)

    class A(Port, TestCase):
        pass

    class B(Port, TestCase):
        pass

    class C(Port, TransactionTestCase):
        pass

    class D(Port, SimpleTestCase):
        pass

    class Other(TestCase):
        def test_it(self):
            pass
"""


def _assert_passes_as_under_django(
    project: Path, workers: str, env: dict[str, str], folder: Path
) -> None:
    expected = truth(project, "library.test_it", env=env, record=folder / "truth")
    options = ["library.test_it", "--parallel", workers, "--timings-file", str(folder / "t")]

    # With the timings of the first run, those that take longest would begin first.
    for _ in range(2):
        actual = toolkit(project, *options, env=env, record=folder / "ours")
        assert_agree(expected, actual)
    assert expected.code == 0, expected.output


@pytest.mark.parametrize("workers", ["1", "2", "3"])
def test_no_test_finds_what_a_later_one_leaves_behind(
    workers: str, project: Path, sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    write_tests(project, LEAVING)
    _assert_passes_as_under_django(project, workers, sqlite_env, tmp_path)


FLUSHED = """
    class Counting:
        expected = 0

        def test_a(self):
            time.sleep(0.1)
            self.assertEqual(Author.objects.count(), self.expected)

        def test_b(self):
            self.assertEqual(Author.objects.count(), 0)

    class AFirst(Counting, TransactionTestCase):
        expected = 1

    class BSecond(Counting, TransactionTestCase):
        pass

    class AAFailing(Counting, TransactionTestCase):
        @classmethod
        def setUpClass(cls):
            super().setUpClass()
            time.sleep(0.3)
            raise unittest.SkipTest("does not begin, and flushes nothing")

    @unittest.skip("does not begin, and flushes nothing")
    class AASkipped(Counting, TransactionTestCase):
        pass

    class CLongest(TransactionTestCase):
        def test_a(self):
            self.assertEqual(Author.objects.count(), 0)
            time.sleep(1)

    class DWithDatabases(SimpleTestCase):
        databases = {"default"}

        def test_it(self):
            self.assertEqual(Author.objects.count(), 0)

    class EPlain(unittest.TestCase):
        def test_it(self):
            self.assertEqual(Author.objects.count(), 0)

    class FPlainToo(EPlain):
        pass

    class Rows(TestCase):
        def test_it(self):
            self.assertEqual(Author.objects.count(), 1)
"""


@pytest.mark.parametrize("workers", ["1", "2", "4"])
def test_each_class_finds_a_database_flushed_where_those_before_it_flush_it(
    workers: str, project: Path, sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    write_tests(project, FLUSHED)
    _assert_passes_as_under_django(project, workers, sqlite_env, tmp_path)


LEFT = """
    class Flushing:
        def test_it(self):
            time.sleep(0.1)

    class AFlushing(Flushing, TransactionTestCase):
        pass

    class BLeaving(SimpleTestCase):
        databases = {"default"}

        def test_it(self):
            Author.objects.create(name="left")

    class CFlushing(Flushing, TransactionTestCase):
        pass

    class DFinding(SimpleTestCase):
        databases = {"default"}

        def test_it(self):
            self.assertEqual(Author.objects.count(), 0)
"""


@pytest.mark.parametrize("workers", ["1", "2", "3"])
def test_rows_that_a_class_leaves_are_gone_after_the_next_flush_of_a_serial_run(
    workers: str, project: Path, sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    write_tests(project, LEFT)
    _assert_passes_as_under_django(project, workers, sqlite_env, tmp_path)


def test_fixtures_of_a_module_never_run_twice_at_the_same_time(
    project: Path, sqlite_env: dict[str, str]
) -> None:
    write_tests(project, TWO_MODULES)
    (project / "library" / "test_neighbour.py").write_text(NEIGHBOUR)

    done = run(project, "--parallel", "3", env=sqlite_env)

    assert done.code == 0, done.output
    assert "Ran 3 tests" in done.output


def test_classes_with_one_lock_file_take_turns_and_wait_for_nothing_in_a_fixture(
    project: Path, sqlite_env: dict[str, str]
) -> None:
    write_tests(project, SERIALIZED)
    env = {**sqlite_env, "OWN_PORT": str(free_ports(1)[0]), "DJANGO_TEST_TIMEOUT_PER_TEST": "2"}

    done = run(project, "library.test_it", "--parallel", "4", env=env)

    assert done.code == 0, done.output
