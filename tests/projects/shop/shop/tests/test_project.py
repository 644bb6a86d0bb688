"""Tests of the project as a whole: settings, middleware, models and migrations."""

import os
import sys
from io import StringIO
from unittest import mock, skipIf, skipUnless

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection, models
from django.db.migrations.loader import MigrationLoader
from django.test import SimpleTestCase, TestCase, override_settings, tag

from shop.constraints import check_constraint
from shop.settings import database_from_environment


class DatabaseFromEnvironmentTests(SimpleTestCase):
    def entry(self, **variables):
        with mock.patch.dict(os.environ, variables, clear=True):
            return database_from_environment()

    def test_sqlite_is_the_default(self):
        self.assertEqual(self.entry()["ENGINE"], "django.db.backends.sqlite3")

    def test_an_empty_variable_means_sqlite(self):
        self.assertEqual(self.entry(SHOP_DB="")["ENGINE"], "django.db.backends.sqlite3")

    def test_postgresql_listens_on_its_usual_port(self):
        self.assertEqual(self.entry(SHOP_DB="postgresql")["PORT"], "5432")

    def test_mysql_and_mariadb_share_an_engine(self):
        self.assertEqual(self.entry(SHOP_DB="mysql"), self.entry(SHOP_DB="mariadb"))

    def test_the_login_comes_from_the_environment(self):
        entry = self.entry(SHOP_DB="postgresql", SHOP_DB_USER="ada", SHOP_DB_PASSWORD="secret")
        self.assertEqual((entry["USER"], entry["PASSWORD"]), ("ada", "secret"))

    def test_an_unknown_engine_is_an_error(self):
        with self.assertRaises(KeyError):
            self.entry(SHOP_DB="paper")


class ConstraintHelperTests(SimpleTestCase):
    def test_the_name_is_kept(self):
        constraint = check_constraint(condition=models.Q(a=1), name="a_is_one")
        self.assertEqual(constraint.name, "a_is_one")

    def test_equal_constraints_compare_equal(self):
        first, second = (check_constraint(condition=models.Q(a=1), name="x") for _ in range(2))
        self.assertEqual(first, second)


class ModelTests(SimpleTestCase):
    def shop_models(self):
        return [model for model in apps.get_models() if "." not in model._meta.app_config.name]

    def test_index_names_fit_every_database(self):
        for model in self.shop_models():
            for index in model._meta.indexes:
                with self.subTest(index=index.name):
                    self.assertLessEqual(len(index.name), 30)

    def test_table_names_start_with_their_app(self):
        for model in self.shop_models():
            with self.subTest(model=model._meta.label):
                self.assertTrue(model._meta.db_table.startswith(model._meta.app_label))

    def test_the_user_model_is_our_own(self):
        self.assertEqual(settings.AUTH_USER_MODEL, "accounts.User")


class MigrationTests(TestCase):
    @tag("slow")
    def test_no_migration_is_missing(self):
        out = StringIO()
        call_command("makemigrations", check=True, dry_run=True, stdout=out)
        self.assertIn("No changes detected", out.getvalue())

    def test_every_app_has_one_last_migration(self):
        graph = MigrationLoader(connection).graph
        for app in apps.get_app_configs():
            with self.subTest(app=app.label):
                self.assertLessEqual(len(graph.leaf_nodes(app.label)), 1)

    def test_all_migrations_are_applied(self):
        loader = MigrationLoader(connection)
        self.assertEqual(set(loader.graph.nodes) - set(loader.applied_migrations), set())


class MaintenanceTests(TestCase):
    def test_the_shop_is_open_by_default(self):
        self.assertEqual(self.client.get("/catalog/").status_code, 200)

    @override_settings(SHOP_MAINTENANCE=True)
    def test_the_shop_is_closed_during_maintenance(self):
        self.assertContains(self.client.get("/catalog/"), "Back soon.", status_code=503)

    @override_settings(SHOP_MAINTENANCE=True)
    def test_the_administration_stays_open_during_maintenance(self):
        self.assertEqual(self.client.get("/admin/login/").status_code, 200)

    def test_maintenance_can_end_within_a_test(self):
        with self.settings(SHOP_MAINTENANCE=True):
            self.assertEqual(self.client.get("/catalog/").status_code, 503)
        self.assertEqual(self.client.get("/catalog/").status_code, 200)


class PlatformTests(SimpleTestCase):
    @skipIf(sys.version_info < (3, 10), "needs Python 3.10")
    def test_the_python_version_is_recent(self):
        self.assertGreaterEqual(sys.version_info, (3, 10))

    @skipUnless(hasattr(os, "no_such_function"), "this system has no such function")
    def test_a_function_that_no_system_has(self):
        self.fail("never run")
