"""What the router and the settings say, without any database."""

from django.apps import apps
from django.conf import settings
from django.db import connections, router
from django.test import SimpleTestCase

from archive.models import Document, Year
from catalogue.models import Depot, Parcel
from ledger.models import Account, Entry
from legacy.models import Customer, Order


class RouterTests(SimpleTestCase):
    def test_the_catalogue_is_read_from_the_replica(self):
        self.assertEqual(router.db_for_read(Depot), "replica")

    def test_the_catalogue_is_written_to_the_default_database(self):
        self.assertEqual(router.db_for_write(Depot), "default")

    def test_other_apps_are_read_and_written_at_home(self):
        for model, home in ((Account, "ledger"), (Customer, "legacy"), (Year, "archive")):
            with self.subTest(home):
                self.assertEqual(router.db_for_read(model), home)
                self.assertEqual(router.db_for_write(model), home)

    def test_each_app_is_migrated_in_exactly_one_database(self):
        homes = {
            config.label: [
                db for db in settings.DATABASES if router.allow_migrate(db, config.label)
            ]
            for config in apps.get_app_configs()
        }
        expected = {"ledger": ["ledger"], "legacy": ["legacy"], "archive": ["archive"]}
        for label in ("contenttypes", "auth", "catalogue"):
            expected[label] = ["default"]
        self.assertEqual(homes, expected)

    def test_a_hint_names_another_database(self):
        self.assertTrue(router.allow_migrate("archive", "ledger", target="archive"))
        self.assertFalse(router.allow_migrate("ledger", "ledger", target="archive"))

    def test_relations_stay_within_a_database(self):
        self.assertTrue(router.allow_relation(Depot(), Parcel()))
        self.assertTrue(router.allow_relation(Account(), Entry()))
        self.assertFalse(router.allow_relation(Customer(), Document()))
        self.assertFalse(router.allow_relation(Order(), Depot()))


class SettingsTests(SimpleTestCase):
    def test_vendors(self):
        vendors = {alias: connections[alias].vendor for alias in settings.DATABASES}
        expected = dict.fromkeys(("default", "replica", "ledger", "unused"), "postgresql")
        self.assertEqual(vendors, {**expected, "legacy": "mysql", "archive": "sqlite"})

    def test_only_the_legacy_database_has_a_transaction_for_each_request(self):
        atomic = {one for one in connections if connections[one].settings_dict["ATOMIC_REQUESTS"]}
        self.assertEqual(atomic, {"legacy"})

    def test_the_charset_is_kept(self):
        self.assertEqual(connections["legacy"].settings_dict["OPTIONS"]["charset"], "utf8mb4")

    def test_the_tests_of_the_replica_mirror_the_default_database(self):
        self.assertEqual(connections["replica"].settings_dict["TEST"]["MIRROR"], "default")
