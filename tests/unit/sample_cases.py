"""Tests with every outcome that unittest knows; they are run by other tests, never collected."""

from __future__ import annotations

import logging
import sys
import time
import types
import unittest
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any


class UnshowableError(Exception):
    """Its message cannot be had."""

    def __str__(self) -> str:
        raise ZeroDivisionError


class UnpicklableError(Exception):
    """It holds what no pickle takes."""

    def __init__(self, hook: Callable[[], None]) -> None:
        super().__init__("holds a function")
        self.hook = hook


class OwnFailure(Exception):  # noqa: N818  # It is a failure, not an error.
    """What a test case may take for an assertion that failed."""


class Unshowable:
    """A parameter that cannot be shown."""

    def __repr__(self) -> str:
        raise ZeroDivisionError


class SlowOnce(unittest.TestCase):
    """A test that hangs when it runs for the first time."""

    tries = 0

    def setUp(self) -> None:
        """Notice whether anything is left of another try."""
        assert not hasattr(self, "left"), "the object is not what it was"

    def tearDown(self) -> None:
        """Fail at the first try, which nobody is to hear of."""
        type(self).tries += 1
        if self.tries == 1:
            raise ZeroDivisionError

    def runTest(self) -> None:  # noqa: N802  # unittest's name
        """Fail a part of the test, and hang."""
        with self.subTest():
            assert self.tries
        if not self.tries:
            self.left = True
            time.sleep(20)


class Outcomes(unittest.TestCase):
    """One test for each outcome."""

    def test_pass(self) -> None:
        """Do nothing."""

    def test_fail(self) -> None:
        """Fail, with a first line that a verbose result shows."""
        self.assertEqual({"a": [1, 2]}, {"a": [1, 3]}, "not the same")  # noqa: PT009

    def test_fail_with_unusual_text(self) -> None:
        self.fail("\udcff \x00 \x1b[31m \u2028 \r\n 日本 " + "x" * 10_000)

    def test_error(self) -> None:
        {}["missing"]  # type: ignore[index]

    def test_error_with_a_cause(self) -> None:
        try:
            {}["missing"]  # type: ignore[index]
        except KeyError as error:
            raise RuntimeError("because") from error

    def test_error_that_cannot_be_pickled(self) -> None:
        raise UnpicklableError(lambda: None)

    def test_error_that_cannot_be_shown(self) -> None:
        raise UnshowableError

    def test_error_of_a_local_class(self) -> None:
        class LocalError(Exception):
            pass

        raise LocalError("local")

    def test_system_exit(self) -> None:
        sys.exit(3)

    def test_skip(self) -> None:
        self.skipTest("no reason")

    @unittest.skip("decorated")
    def test_skip_decorated(self) -> None:
        """Never run."""

    @unittest.expectedFailure
    def test_expected_failure(self) -> None:
        self.fail("as expected")

    @unittest.expectedFailure
    def test_expected_failure_by_an_error(self) -> None:
        raise KeyError("as expected")

    @unittest.expectedFailure
    def test_unexpected_success(self) -> None:
        """Succeed."""

    def test_print_and_fail(self) -> None:
        print("to stdout")  # noqa: T201
        print("to stderr", file=sys.stderr)  # noqa: T201
        self.fail("after output")


def _raise(error: BaseException) -> None:
    raise error


class SubTests(unittest.TestCase):
    """Tests in parts."""

    def test_failing_parts(self) -> None:
        for number in range(4):
            with self.subTest("part", number=number, text="\udcff"):
                print("part", number)  # noqa: T201
                self.assertIn(number, (0, 2))  # noqa: PT009

    def test_parts_with_errors(self) -> None:
        with self.subTest(kind="error"):
            _raise(KeyError("in a part"))
        with self.subTest(kind="unshowable"):
            _raise(UnshowableError())
        with self.subTest("only a message"):
            _raise(self.failureException("in another"))
        with self.subTest():
            _raise(self.failureException("in one without a name"))

    def test_skipped_parts(self) -> None:
        for number in range(3):
            with self.subTest(number=number):
                self.skipTest(f"not {number}")

    def test_nested_parts(self) -> None:
        with self.subTest(outer=1), self.subTest(inner=2):
            _raise(self.failureException("inside"))

    def test_a_part_fails_and_then_the_test(self) -> None:
        with self.subTest(part=1):
            _raise(self.failureException("in a part"))
        self.fail("as a whole")

    @unittest.expectedFailure
    def test_expected_failure_of_a_part(self) -> None:
        with self.subTest(part=1):
            _raise(self.failureException("as expected"))


class Fixtures(unittest.TestCase):
    """Trouble before and after tests."""

    def setUp(self) -> None:
        if "set_up" in self.id():
            raise KeyError("setUp")

    def tearDown(self) -> None:
        if "tear_down" in self.id():
            raise KeyError("tearDown")

    def test_error_in_set_up(self) -> None:
        """Never run."""

    def test_error_in_tear_down(self) -> None:
        """Pass, until then."""

    def test_failure_and_error_in_tear_down(self) -> None:
        self.fail("first")

    def test_skip_and_error_in_tear_down(self) -> None:
        self.skipTest("first")

    def test_error_in_cleanup(self) -> None:
        self.addCleanup(self.fail, "in a cleanup")
        self.addCleanup(sys.exit, 4)


class OwnFailureException(unittest.TestCase):
    """A test case whose assertions raise an exception of its own."""

    failureException = OwnFailure

    def test_own_failure(self) -> None:
        self.fail("of its own kind")

    def test_own_failure_of_a_part(self) -> None:
        with self.subTest(part=1):
            self.fail("of its own kind")

    def test_assertion_that_is_an_error_here(self) -> None:
        raise AssertionError("not its own kind")


class BrokenSetUpClass(unittest.TestCase):
    """A class whose tests never run."""

    @classmethod
    def setUpClass(cls) -> None:
        print("in setUpClass")  # noqa: T201
        raise KeyError("setUpClass")

    def test_one(self) -> None:
        """Never run."""

    def test_two(self) -> None:
        """Never run."""


class SkippedInSetUpClass(unittest.TestCase):
    """A class that decides late not to run."""

    @classmethod
    def setUpClass(cls) -> None:
        raise unittest.SkipTest("not today")

    def test_one(self) -> None:
        """Never run."""


@unittest.skip("the whole class")
class SkippedClass(unittest.TestCase):
    """A class that says at once that it does not run."""

    def test_one(self) -> None:
        """Never run."""


class BrokenTearDownClass(unittest.TestCase):
    """A class whose tests pass before it fails."""

    @classmethod
    def tearDownClass(cls) -> None:
        raise UnshowableError

    def test_one(self) -> None:
        """Pass."""


class BrokenClassCleanup(unittest.TestCase):
    """A class with trouble after its end."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.addClassCleanup(_break)
        cls.addClassCleanup(_break)

    def test_one(self) -> None:
        """Pass."""


class InBrokenModule(unittest.TestCase):
    """A class of a module that cannot be set up."""

    def test_one(self) -> None:
        """Never run."""


class InModuleThatBreaksAtItsEnd(unittest.TestCase):
    """A class of a module that cannot be torn down."""

    def test_one(self) -> None:
        """Pass."""


class Passes(unittest.TestCase):
    """A class that runs after another one, unless that one stopped the run."""

    def test_last(self) -> None:
        """Pass."""


class PrintsAnything(unittest.TestCase):
    """Prints what no encoding has."""

    def test_fails(self) -> None:
        print("half a character: \ud800")  # noqa: T201  # Kept by --buffer.
        self.fail("and says so")


class Queries(unittest.TestCase):
    """A test that logs as Django's connections do."""

    def test_query(self) -> None:
        logging.getLogger("django.db.backends").debug("SELECT 1")


InBrokenModule.__module__ = "unit_sample_broken"
InModuleThatBreaksAtItsEnd.__module__ = "unit_sample_broken_end"

CASES: Sequence[type[unittest.TestCase]] = (
    Outcomes,
    SubTests,
    Fixtures,
    OwnFailureException,
    BrokenSetUpClass,
    SkippedInSetUpClass,
    SkippedClass,
    BrokenTearDownClass,
    BrokenClassCleanup,
    InBrokenModule,
    InModuleThatBreaksAtItsEnd,
)


def _break() -> None:
    raise KeyError("a fixture of the module")


@contextmanager
def modules() -> Iterator[None]:
    """The modules of the last two classes, loaded as long as it lasts."""
    broken: Any = types.ModuleType(InBrokenModule.__module__)
    broken.setUpModule = _break
    broken_end: Any = types.ModuleType(InModuleThatBreaksAtItsEnd.__module__)
    broken_end.tearDownModule = _break
    loaded = {module.__name__: module for module in (broken, broken_end)}
    sys.modules.update(loaded)
    try:
        yield
    finally:
        for name in loaded:
            del sys.modules[name]


def make(cases: Sequence[type[unittest.TestCase]]) -> list[unittest.TestCase]:
    """New tests of these classes, in order."""
    loader = unittest.TestLoader()
    return [test for case in cases for test in loader.loadTestsFromTestCase(case)]  # type: ignore[misc]
