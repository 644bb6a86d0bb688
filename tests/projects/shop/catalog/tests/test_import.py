"""Tests of the import of products from a file."""

import shutil
import tempfile
from io import StringIO
from pathlib import Path

from django.core.management import CommandError, call_command
from django.test import TestCase

from auditing.models import ImportJob
from catalog.models import Category, Product

folder = None


def setUpModule():
    global folder
    folder = Path(tempfile.mkdtemp(prefix="import-"))


def tearDownModule():
    shutil.rmtree(folder)


class ImportProductsTests(TestCase):
    def run_import(self, *lines, **options):
        path = folder / f"{self._testMethodName}.csv"
        path.write_text("\n".join(["name,category,price", *lines]), encoding="utf-8")
        out = StringIO()
        call_command("import_products", str(path), stdout=out, **options)
        return out.getvalue().strip()

    def test_products_are_created(self):
        said = self.run_import("Mug,Kitchen,9.50", "Jug,Kitchen,19.00")
        self.assertEqual(said, "2 products created, 0 errors")

    def test_a_category_is_created_once(self):
        self.run_import("Mug,Kitchen,9.50", "Jug,Kitchen,19.00")
        self.assertEqual(Category.objects.filter(slug="kitchen").count(), 1)

    def test_known_products_are_updated(self):
        self.run_import("Mug,Kitchen,9.50")
        self.assertEqual(self.run_import("Mug,Kitchen,8.50"), "0 products created, 0 errors")
        self.assertEqual(str(Product.objects.get(slug="mug").base_price), "8.50")

    def test_bad_prices_are_reported_with_their_line(self):
        self.run_import("Mug,Kitchen,9.50", "Jug,Kitchen,cheap")
        self.assertEqual(ImportJob.objects.get().errors, ["line 3: bad price 'cheap'"])

    def test_an_import_with_errors_did_not_succeed(self):
        self.run_import("Jug,Kitchen,cheap")
        self.assertFalse(ImportJob.objects.get().succeeded)

    def test_products_are_drafts_by_default(self):
        self.run_import("Mug,Kitchen,9.50")
        self.assertFalse(Product.objects.published().exists())

    def test_products_can_be_published_at_once(self):
        self.run_import("Mug,Kitchen,9.50", publish=True)
        self.assertTrue(Product.objects.published().exists())

    def test_a_missing_file_is_an_error(self):
        with self.assertRaisesMessage(CommandError, "Cannot read the file"):
            call_command("import_products", str(folder / "missing.csv"))
