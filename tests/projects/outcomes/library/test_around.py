"""Trouble that Django itself reports before a test has started, or after it has stopped."""

from django.test import SimpleTestCase, TestCase, TransactionTestCase, tag

from library.models import Author, Book
from library.tests_support import PickyFailure


@tag("around")
class MissingFixture(TransactionTestCase):
    """Neither test starts."""

    fixtures = ["missing"]

    def test_never(self):
        self.fail("not reached")

    def test_never_either(self):
        self.fail("not reached")


@tag("around")
class DanglingReference(TestCase):
    """The body passes; the check of constraints at the end does not."""

    def test_one(self):
        Book.objects.create(title="Nobody's", author_id=12345)

    def test_two(self):
        Book.objects.create(title="Somebody's", author=Author.objects.get())


class OwnKindOfFailure(SimpleTestCase):
    """Fails with an assertion that is not made from a message alone."""

    failureException = PickyFailure

    def test_it(self):
        raise PickyFailure("the message", 42)


class HostileReason(SimpleTestCase):
    """Skips with something that is not a text."""

    def test_it(self):
        self.skipTest(["a", "list"])
