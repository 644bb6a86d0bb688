"""Every outcome that a single test can have."""

import unittest

from django.test import SimpleTestCase, TestCase, TransactionTestCase, tag

from library.models import Author
from library.tests_support import SilentError, UnpicklableError


class Outcomes(TestCase):
    """One test an outcome."""

    def test_pass(self):
        self.assertEqual(Author.objects.count(), 1)

    def test_failure(self):
        self.assertEqual(Author.objects.count(), 2)

    def test_failure_with_a_message(self):
        self.fail("Grüße, \N{SNOWMAN} and a lone surrogate: \udc80")

    def test_error(self):
        raise ValueError("nothing to see here")

    def test_error_with_a_cause(self):
        try:
            {}["key"]
        except KeyError as error:
            raise RuntimeError("outer") from error

    def test_unpicklable_error(self):
        raise UnpicklableError("a lock", "a second argument")

    def test_error_of_a_local_class(self):
        class LocalError(Exception):
            """Cannot be imported by anybody."""

        raise LocalError("only here")

    def test_error_without_words(self):
        raise SilentError

    def test_failure_of_a_local_assertion(self):
        class LocalAssertion(AssertionError):
            """A failure, not an error."""

        raise LocalAssertion("counts as a failure")

    def test_system_exit(self):
        raise SystemExit(3)

    @unittest.skip("by a decorator")
    def test_skip_by_decorator(self):
        self.fail("not reached")

    def test_skip_by_method(self):
        self.skipTest("by the method")

    def test_skip_by_raise(self):
        raise unittest.SkipTest("by raising")

    @unittest.expectedFailure
    def test_expected_failure(self):
        self.fail("as expected")

    @unittest.expectedFailure
    def test_unexpected_success(self):
        pass

    @tag("subtests")
    def test_subtests(self):
        for number in range(5):
            with self.subTest("some fail", number=number, thing=object):
                if number == 1:
                    self.fail("one")
                if number == 2:
                    raise UnpicklableError("two", "three")
                if number == 3:
                    self.skipTest("three")

    def test_passing_subtests(self):
        for number in range(3):
            with self.subTest(number=number):
                self.assertGreaterEqual(number, 0)

    def test_output(self):
        print("printed by test_output")
        self.fail("after printing")


class FixtureOutcomes(SimpleTestCase):
    """Trouble around a test."""

    def setUp(self):
        if "set_up_error" in self._testMethodName:
            raise ValueError("in setUp")
        if "set_up_skip" in self._testMethodName:
            raise unittest.SkipTest("in setUp")
        self.addCleanup(self.clean_up)

    def tearDown(self):
        if "tear_down_error" in self._testMethodName:
            raise ValueError("in tearDown")

    def clean_up(self):
        if "clean_up_error" in self._testMethodName:
            raise ValueError("in a cleanup")

    def test_set_up_error(self):
        self.fail("not reached")

    def test_set_up_skip(self):
        self.fail("not reached")

    def test_tear_down_error(self):
        pass

    def test_failure_and_tear_down_error(self):
        self.fail("and then there is more")

    def test_clean_up_error(self):
        pass

    def test_fine(self):
        pass


@unittest.skip("the whole class")
class SkippedClass(TestCase):
    """Skipped by a decorator."""

    def test_one(self):
        self.fail("not reached")

    def test_two(self):
        self.fail("not reached")


class Writing(TransactionTestCase):
    """Writes for real, and finds the table empty again in the next test."""

    def test_writes_once(self):
        Author.objects.create(name="Writing")

    def test_writes_twice(self):
        Author.objects.create(name="Writing")


class Restored(TransactionTestCase):
    """Sees what migrations made, whoever flushed it before."""

    serialized_rollback = True

    def test_the_migrated_author_is_there(self):
        self.assertTrue(Author.objects.filter(name="Ursula K. Le Guin").exists())

    def test_the_migrated_author_is_there_again(self):
        self.assertTrue(Author.objects.filter(name="Ursula K. Le Guin").exists())
