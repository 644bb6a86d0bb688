"""The legacy database: MySQL or MariaDB."""

from datetime import datetime, timezone

from django.db import DataError, IntegrityError, connections, transaction
from django.db.models.functions import TruncDate
from django.test import TestCase, TransactionTestCase

from legacy.models import Customer, OpenOrder, Order, Status


def ask(question):
    with connections["legacy"].cursor() as cursor:
        cursor.execute(f"SELECT {question}")
        return cursor.fetchone()[0]


class ServerTests(TestCase):
    databases = {"legacy"}

    def test_the_vendor(self):
        self.assertEqual(connections["legacy"].vendor, "mysql")

    def test_the_collation_is_the_one_of_the_test_settings(self):
        self.assertEqual(ask("@@collation_database"), "utf8mb4_unicode_ci")

    def test_the_charsets(self):
        self.assertEqual(ask("@@character_set_database"), "utf8mb4")
        self.assertEqual(ask("@@character_set_connection"), "utf8mb4")

    def test_tables_have_the_collation_of_their_database(self):
        with connections["legacy"].cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT table_collation FROM information_schema.tables"
                " WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'"
            )
            self.assertEqual(cursor.fetchall(), (("utf8mb4_unicode_ci",),))

    def test_four_bytes_a_character(self):
        Customer.objects.create(number=1, name="Paket 📦")
        self.assertEqual(Customer.objects.get(number=1).name, "Paket 📦")

    def test_names_are_compared_as_the_collation_says(self):
        Customer.objects.create(number=1, name="Müller")
        self.assertTrue(Customer.objects.filter(name="MULLER").exists())

    def test_what_is_too_long_is_refused(self):
        with self.assertRaises(DataError), transaction.atomic(using="legacy"):
            Customer.objects.create(number=1, name="x" * 61)

    def test_the_server_knows_time_zones(self):
        order = Order.objects.create(
            customer=Customer.objects.create(number=1, name="late"),
            status=Status.objects.get(code="new"),
            placed_at=datetime(2024, 6, 30, 22, 30, tzinfo=timezone.utc),
        )
        self.assertEqual(Order.objects.filter(placed_at__date="2024-07-01").get(), order)
        day = Order.objects.annotate(day=TruncDate("placed_at")).get().day
        self.assertEqual(day.isoformat(), "2024-07-01")

    def test_a_view_of_a_migration_shows_open_orders(self):
        customer = Customer.objects.create(number=1, name="both")
        for code in ("new", "paid"):
            Order.objects.create(
                customer=customer,
                status=Status.objects.get(code=code),
                placed_at=datetime(2024, 5, 1, tzinfo=timezone.utc),
            )
        self.assertEqual([order.name for order in OpenOrder.objects.all()], ["both"])


class AtomicTests(TestCase):
    databases = {"legacy"}

    def test_an_error_rolls_back(self):
        with self.assertRaises(ZeroDivisionError), transaction.atomic(using="legacy"):
            Customer.objects.create(number=1, name="gone")
            1 / 0
        self.assertFalse(Customer.objects.exists())

    def test_an_inner_block_is_a_savepoint(self):
        with transaction.atomic(using="legacy"):
            Customer.objects.create(number=1, name="kept")
            with self.assertRaises(IntegrityError), transaction.atomic(using="legacy"):
                Customer.objects.create(number=1, name="twice")
        self.assertEqual(Customer.objects.get().name, "kept")

    def test_an_inner_block_without_a_savepoint_is_rolled_back_with_the_outer_one(self):
        with self.assertRaises(ZeroDivisionError), transaction.atomic(using="legacy"):
            with transaction.atomic(using="legacy", savepoint=False):
                Customer.objects.create(number=1, name="gone")
            1 / 0
        self.assertFalse(Customer.objects.exists())

    def test_no_earlier_test_has_left_anything(self):
        self.assertEqual(Customer.objects.count(), 0)
        self.assertEqual(Status.objects.count(), 3)


class CommitTests(TransactionTestCase):
    databases = {"legacy"}

    def other(self):
        """Another session of the same database."""
        connection = connections["legacy"].copy()
        self.addCleanup(connection.close)
        return connection

    def count_from(self, connection):
        with connection.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM legacy_customer")
            return cursor.fetchone()[0]

    def test_another_session_sees_what_is_committed(self):
        other = self.other()
        with transaction.atomic(using="legacy"):
            Customer.objects.create(number=1, name="committed")
            self.assertEqual(self.count_from(other), 0)
        self.assertEqual(self.count_from(other), 1)

    def test_a_rollback_leaves_nothing(self):
        with self.assertRaises(ZeroDivisionError), transaction.atomic(using="legacy"):
            Customer.objects.create(number=1, name="gone")
            1 / 0
        self.assertEqual(self.count_from(self.other()), 0)


class RequestTests(TransactionTestCase):
    """A request is a transaction."""

    databases = {"legacy"}

    def setUp(self):
        Customer.objects.create(number=7, name="old")

    def test_a_good_request_is_committed(self):
        self.assertEqual(self.client.get("/customers/7/rename/", {"name": "new"}).content, b"new")
        self.assertEqual(Customer.objects.get().name, "new")

    def test_a_bad_request_is_rolled_back(self):
        with self.assertRaisesMessage(Exception, "a customer has a name"):
            self.client.get("/customers/7/rename/")
        self.assertEqual(Customer.objects.get().name, "old")


class FixtureTests(TestCase):
    """The fixture is for this database alone, as its name says."""

    databases = {"legacy"}
    fixtures = ["customers"]

    def test_the_customers_are_there(self):
        customers = Customer.objects.order_by("number")
        self.assertEqual([one.name for one in customers], ["Müller", "Żółć 📦"])

    def test_new_customers_get_a_free_key(self):
        Customer.objects.create(number=1, name="new")
        self.assertEqual(Customer.objects.count(), 3)


class StatusTests(TestCase):
    databases = {"legacy"}

    def test_a_later_migration_has_changed_the_rows_of_an_earlier_one(self):
        open_ones = Status.objects.filter(is_open=True).values_list("code", flat=True)
        self.assertEqual(sorted(open_ones), ["new", "sent"])
