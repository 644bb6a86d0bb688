"""All databases at once, except the one that nothing uses."""

import threading

from django.db import IntegrityError, connections, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.test import TestCase, TransactionTestCase

from archive.models import Document, Year
from catalogue.models import Depot, Service
from ledger.models import Account
from legacy.models import Customer, Status

EVERYWHERE = {"default", "replica", "ledger", "legacy", "archive"}

SEEDS = [
    (Service, "code", ["cold", "express", "storage"]),
    (Depot, "code", ["HAM", "MUC"]),
    (Account, "code", ["HAM", "MUC", "company"]),
    (Status, "code", ["new", "paid", "sent"]),
    (Year, "number", [2021, 2022, 2023]),
]
"""What migrations create: a model, a field, and its values in order."""


class SchemaTests(TestCase):
    databases = EVERYWHERE

    def test_each_table_is_in_one_database(self):
        places = {}
        for alias in ("default", "ledger", "legacy", "archive"):
            for name in connections[alias].introspection.table_names():
                if name != "django_migrations":
                    places.setdefault(name.split("_")[0], set()).add(alias)
        expected = {name: {name} for name in ("ledger", "legacy", "archive")}
        for name in ("auth", "catalogue", "django"):
            expected[name] = {"default"}
        self.assertEqual(places, expected)

    def test_all_migrations_are_recorded_in_each_database(self):
        recorded = [
            sorted(MigrationRecorder(connections[alias]).applied_migrations())
            for alias in sorted(EVERYWHERE)
        ]
        self.assertIn(("legacy", "0003_add_open_statuses"), recorded[0])
        self.assertEqual(recorded, [recorded[0]] * len(EVERYWHERE))

    def test_rows_of_migrations_are_there_exactly_once(self):
        for model, field, values in SEEDS:
            with self.subTest(model.__name__):
                found = model.objects.order_by(field).values_list(field, flat=True)
                self.assertEqual(sorted(found), values)

    def test_test_databases_have_djangos_names(self):
        names = {alias: connections[alias].settings_dict["NAME"] for alias in EVERYWHERE}
        del names["archive"]
        self.assertEqual(
            names,
            {
                "default": "test_depot",
                "replica": "test_depot",
                "ledger": "test_depot_ledger",
                "legacy": "test_legacy",
            },
        )

    def test_servers_agree_about_their_names(self):
        for alias, function in (("default", "current_database()"), ("legacy", "DATABASE()")):
            with self.subTest(alias), connections[alias].cursor() as cursor:
                cursor.execute(f"SELECT {function}")
                self.assertEqual(cursor.fetchone(), (connections[alias].settings_dict["NAME"],))


class TransactionsTests(TestCase):
    """Each database has transactions of its own."""

    databases = EVERYWHERE

    def test_an_error_in_one_database_leaves_the_others(self):
        Customer.objects.create(number=1, name="first")
        with self.assertRaises(IntegrityError), transaction.atomic(using="ledger"):
            Customer.objects.create(number=2, name="second")
            Account.objects.create(code="company", name="again")
        self.assertEqual(Customer.objects.count(), 2)
        self.assertEqual(Account.objects.count(), 3)

    def test_a_rollback_touches_one_database(self):
        for alias in ("default", "ledger", "legacy", "archive"):
            with self.subTest(alias):
                with transaction.atomic(using=alias):
                    Account.objects.create(code=alias, name="ledger")
                    Customer.objects.create(number=len(alias), name=alias)
                    Document.objects.create(year=Year.objects.get(number=2021), title=alias)
                    transaction.set_rollback(True, using=alias)
                self.assertEqual(Account.objects.filter(code=alias).exists(), alias != "ledger")
                self.assertEqual(Customer.objects.filter(name=alias).exists(), alias != "legacy")
                self.assertEqual(Document.objects.filter(title=alias).exists(), alias != "archive")
                Customer.objects.all().delete()

    def test_callbacks_belong_to_one_database(self):
        called = []
        with self.captureOnCommitCallbacks(using="legacy") as callbacks:
            with self.captureOnCommitCallbacks(using="archive", execute=True):
                for alias in ("default", "archive", "legacy"):
                    transaction.on_commit(lambda alias=alias: called.append(alias), using=alias)
        self.assertEqual(called, ["archive"])
        self.assertEqual(len(callbacks), 1)
        callbacks[0]()
        self.assertEqual(called, ["archive", "legacy"])


class SerializedTests(TransactionTestCase):
    """Both tests empty all databases, and both find the rows of migrations."""

    databases = EVERYWHERE
    serialized_rollback = True

    def empty_everything(self):
        for model, field, values in SEEDS:
            with self.subTest(model.__name__):
                found = model.objects.values_list(field, flat=True)
                self.assertEqual(sorted(found), values)
        hamburg = Depot.objects.get(code="HAM")
        self.assertEqual(
            sorted(hamburg.services.values_list("code", flat=True)), ["cold", "express"]
        )
        for model, *_ in SEEDS:
            model.objects.all().delete()
        for model, *_ in SEEDS:
            self.assertFalse(model.objects.exists())

    def test_once(self):
        self.empty_everything()

    def test_again(self):
        self.empty_everything()


class CommittedTests(TransactionTestCase):
    """What is committed is there for every connection, and gone after the test."""

    databases = EVERYWHERE

    def commit_and_look(self):
        self.assertFalse(Account.objects.filter(code="mine").exists())
        self.assertFalse(Customer.objects.exists())
        Account.objects.create(code="mine", name="mine")
        Customer.objects.create(number=5, name="mine")
        seen = {}

        def look():
            seen["ledger"] = Account.objects.filter(code="mine").count()
            seen["legacy"] = Customer.objects.count()
            connections.close_all()

        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        self.assertEqual(seen, {"ledger": 1, "legacy": 1})

    def test_once(self):
        self.commit_and_look()

    def test_again(self):
        self.commit_and_look()
