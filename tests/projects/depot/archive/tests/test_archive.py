"""The archive: a SQLite file, which is in memory in tests."""

from django.db import IntegrityError, connections, transaction
from django.test import TestCase, TransactionTestCase

from archive.models import Document, Year
from legacy.models import Customer


class ArchiveTests(TestCase):
    databases = {"archive"}

    def test_the_vendor(self):
        self.assertEqual(connections["archive"].vendor, "sqlite")

    def test_the_database_is_in_memory(self):
        self.assertTrue(connections["archive"].is_in_memory_db())

    def test_a_year_is_there_once(self):
        with self.assertRaises(IntegrityError), transaction.atomic(using="archive"):
            Year.objects.create(number=2021)
        self.assertEqual(Year.objects.count(), 3)

    def test_relations_are_checked(self):
        Document.objects.create(year_id=77, title="of no year")
        with self.assertRaises(IntegrityError):
            connections["archive"].check_constraints()
        Document.objects.all().delete()


class FixtureTests(TestCase):
    """One fixture with rows for two databases, loaded into both."""

    databases = {"archive", "legacy"}
    fixtures = ["papers"]

    def test_each_row_is_in_its_database(self):
        self.assertEqual(Document.objects.filter(year__number=1999).count(), 2)
        self.assertEqual(Customer.objects.get().name, "Grünwald & Söhne")

    def test_rows_of_migrations_are_still_there(self):
        self.assertEqual(Year.objects.count(), 4)

    def test_a_change_is_undone_after_the_test(self):
        Year.objects.all().delete()
        Customer.objects.all().delete()
        self.assertFalse(Document.objects.exists())


class CommittedFixtureTests(TransactionTestCase):
    databases = {"archive", "legacy"}
    fixtures = ["papers"]
    serialized_rollback = True

    def remove_everything(self):
        self.assertEqual(Document.objects.count(), 2)
        self.assertEqual(Year.objects.count(), 4)
        self.assertEqual(Customer.objects.count(), 1)
        Document.objects.all().delete()
        Customer.objects.all().delete()

    def test_once(self):
        self.remove_everything()

    def test_again(self):
        self.remove_everything()
