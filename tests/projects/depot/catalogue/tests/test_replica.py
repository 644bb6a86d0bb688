"""The replica, which mirrors the default database in tests."""

from django.db import connections
from django.test import TestCase, TransactionTestCase

from catalogue.models import Depot, Parcel, Service


class ReplicaTests(TestCase):
    databases = {"default", "replica"}

    @classmethod
    def setUpTestData(cls):
        cls.depot = Depot.objects.create(code="BER", city="Berlin")

    def test_a_new_row_belongs_to_the_default_database(self):
        self.assertEqual(self.depot._state.db, "default")

    def test_a_row_that_is_read_belongs_to_the_replica(self):
        self.assertEqual(Depot.objects.get(code="HAM")._state.db, "replica")

    def test_queries_name_the_replica(self):
        self.assertEqual(Depot.objects.all().db, "replica")
        self.assertEqual(Depot.objects.get(code="HAM").parcels.all().db, "replica")

    def test_what_belongs_to_a_row_is_read_from_where_that_is(self):
        self.assertEqual(self.depot.parcels.all().db, "default")
        self.depot.refresh_from_db()
        self.assertEqual(self.depot.city, "Berlin")

    def test_migrated_rows_are_read_through_the_replica(self):
        hamburg = Depot.objects.get(code="HAM")
        codes = hamburg.services.values_list("code", flat=True)
        self.assertEqual(sorted(codes), ["cold", "express"])

    def test_a_row_of_the_replica_is_written_to_the_default_database(self):
        munich = Depot.objects.get(code="MUC")
        munich.city = "München"
        munich.save()
        self.assertEqual(Depot.objects.using("default").get(code="MUC").city, "München")

    def test_the_replica_has_a_session_of_its_own(self):
        """So it does not see what the test's transaction has not committed."""
        self.assertTrue(Depot.objects.using("default").filter(code="BER").exists())
        self.assertFalse(Depot.objects.filter(code="BER").exists())
        self.assertNotEqual(session_of("default"), session_of("replica"))

    def test_get_or_create_looks_into_the_default_database(self):
        self.assertEqual(Depot.objects.get_or_create(code="BER"), (self.depot, False))

    def test_queries_are_counted_by_alias(self):
        with self.assertNumQueries(1, using="replica"), self.assertNumQueries(0):
            list(Service.objects.all())

    def test_related_rows_are_written_together(self):
        parcel = Parcel.objects.create(depot=self.depot, reference="P-1", weight="2.50")
        parcel.depot.services.set(Service.objects.filter(code="cold"))
        self.assertEqual(self.depot.services.get().code, "cold")
        self.assertEqual(parcel._state.db, "default")


class MirrorTests(TransactionTestCase):
    databases = {"default", "replica"}

    def test_a_committed_row_is_seen_through_the_replica(self):
        depot = Depot.objects.create(code="CGN", city="Cologne")
        Parcel.objects.create(depot=depot, reference="P-2", weight="0.75")
        self.assertEqual(Depot.objects.get(code="CGN"), depot)
        self.assertEqual(str(Parcel.objects.get(depot__code="CGN").weight), "0.75")

    def test_both_are_the_same_database(self):
        self.assertEqual(database_of("default"), database_of("replica"))


class SerializedMirrorTests(TransactionTestCase):
    """Relations between rows of migrations are restored, too."""

    databases = {"default", "replica"}
    serialized_rollback = True

    def remove_all_services(self):
        depots = Depot.objects.filter(services__code="express").order_by("code")
        self.assertEqual([depot.code for depot in depots], ["HAM", "MUC"])
        Service.objects.all().delete()
        self.assertFalse(Depot.objects.filter(services__isnull=False).exists())

    def test_once(self):
        self.remove_all_services()

    def test_again(self):
        self.remove_all_services()


def session_of(alias):
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()


def database_of(alias):
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT current_database(), pg_postmaster_start_time()")
        return cursor.fetchone()
