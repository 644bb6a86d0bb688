"""The ledger: a second database on the server of the first."""

from decimal import Decimal

from django.db import connections, transaction
from django.test import TestCase, TransactionTestCase

from catalogue.models import Depot
from ledger import models
from ledger.models import Account, Entry, post


class PostingTests(TestCase):
    databases = {"ledger"}

    @classmethod
    def setUpTestData(cls):
        cls.company = Account.objects.get(code="company")

    def setUp(self):
        models.posted.clear()

    def test_a_posting_is_remembered_when_it_is_committed(self):
        with self.captureOnCommitCallbacks(using="ledger", execute=True) as callbacks:
            post(self.company, Decimal("12.50"))
        self.assertEqual(models.posted, [Decimal("12.50")])
        self.assertEqual(len(callbacks), 1)

    def test_without_a_commit_nothing_is_remembered(self):
        post(self.company, Decimal("3.00"))
        self.assertEqual(models.posted, [])
        self.assertEqual(self.company.entries.count(), 1)

    def test_a_rollback_forgets_the_callback(self):
        with self.captureOnCommitCallbacks(using="ledger", execute=True) as callbacks:
            with transaction.atomic(using="ledger"):
                post(self.company, Decimal("4.00"))
                transaction.set_rollback(True, using="ledger")
        self.assertEqual(callbacks, [])
        self.assertFalse(Entry.objects.exists())

    def test_callbacks_of_another_database_are_not_captured(self):
        with self.captureOnCommitCallbacks(execute=True) as callbacks:
            post(self.company, Decimal("5.00"))
        self.assertEqual(callbacks, [])


class OneServerTests(TestCase):
    """Two aliases on one PostgreSQL server."""

    databases = {"default", "replica", "ledger"}

    def ask(self, alias, question):
        with connections[alias].cursor() as cursor:
            cursor.execute(f"SELECT {question}")
            return cursor.fetchone()[0]

    def test_the_server_is_the_same(self):
        started = "pg_postmaster_start_time()"
        self.assertEqual(self.ask("default", started), self.ask("ledger", started))

    def test_the_databases_are_not(self):
        names = [self.ask(alias, "current_database()") for alias in ("default", "ledger")]
        self.assertEqual(names, ["test_depot", "test_depot_ledger"])

    def test_each_depot_of_the_migrations_has_an_account(self):
        codes = sorted(Depot.objects.values_list("code", flat=True))
        accounts = Account.objects.exclude(code="company").values_list("code", flat=True)
        self.assertEqual(sorted(accounts), codes)

    def test_a_lock_in_one_database_does_not_concern_the_other(self):
        for alias in ("default", "ledger"):
            self.assertTrue(self.ask(alias, "pg_try_advisory_xact_lock(7)"))


class CommitTests(TransactionTestCase):
    databases = {"default", "ledger"}

    def setUp(self):
        models.posted.clear()

    def test_a_commit_calls_back(self):
        account = Account.objects.create(code="bank", name="Bank")
        with transaction.atomic(using="ledger"):
            post(account, Decimal("7.00"))
            self.assertEqual(models.posted, [])
        self.assertEqual(models.posted, [Decimal("7.00")])

    def test_an_atomic_block_of_another_database_does_not_defer_it(self):
        account = Account.objects.create(code="cash", name="Cash")
        with transaction.atomic():
            post(account, Decimal("8.00"))
            self.assertEqual(models.posted, [Decimal("8.00")])
