"""Databases that a test does not declare."""

import unittest

from django.db import connections, transaction
from django.test import SimpleTestCase, TestCase, TransactionTestCase

from archive.models import Year
from catalogue.models import Depot
from ledger.models import Account
from legacy.models import Customer


class SimpleTests(SimpleTestCase):
    def test_no_database_may_be_used(self):
        for model, alias in ((Depot, "replica"), (Account, "ledger"), (Customer, "legacy")):
            message = f"Database queries to '{alias}' are not allowed in SimpleTestCase subclasses."
            with self.subTest(alias), self.assertRaisesMessage(AssertionError, message):
                model.objects.count()

    def test_no_connection_may_be_made(self):
        for alias in connections:
            message = f"Database connections to '{alias}' are not allowed"
            with self.subTest(alias), self.assertRaisesMessage(AssertionError, message):
                connections[alias].connect()


class DefaultOnlyTests(TestCase):
    """Declares nothing, and so the default database alone."""

    def test_the_default_database_may_be_used(self):
        self.assertEqual(Depot.objects.using("default").count(), 2)

    def test_the_replica_is_another_alias(self):
        message = (
            "Database queries to 'replica' are not allowed in this test. Add 'replica' to "
            "depot.tests.test_forbidden.DefaultOnlyTests.databases to ensure proper test isolation "
            "and silence this failure."
        )
        with self.assertRaisesMessage(AssertionError, message):
            Depot.objects.count()

    def test_another_server_is_forbidden(self):
        with self.assertRaisesMessage(AssertionError, "Database queries to 'legacy'"):
            Customer.objects.create(number=1, name="nobody")

    def test_a_transaction_is_forbidden_too(self):
        with self.assertRaisesMessage(AssertionError, "to 'archive' are not allowed in this test"):
            with transaction.atomic(using="archive"):
                self.fail("not reached")

    def test_the_unused_database_is_forbidden(self):
        with self.assertRaisesMessage(AssertionError, "Database queries to 'unused'"):
            connections["unused"].cursor()

    def test_a_request_needs_the_databases_with_atomic_requests(self):
        with self.assertRaisesMessage(AssertionError, "to 'legacy' are not allowed in this test"):
            self.client.get("/customers/1/rename/")

    @unittest.expectedFailure
    def test_a_forbidden_query_fails_its_test(self):
        Year.objects.count()

    @unittest.expectedFailure
    def test_a_forbidden_server_fails_its_test(self):
        Customer.objects.count()


class TransactionTests(TransactionTestCase):
    databases = {"ledger"}

    @unittest.expectedFailure
    def test_the_default_database_is_forbidden_where_only_another_one_is_declared(self):
        Depot.objects.using("default").count()

    def test_the_declared_database_is_allowed(self):
        self.assertFalse(Account.objects.filter(code="nobody").exists())
