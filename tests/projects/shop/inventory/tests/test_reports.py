"""Tests of the stock report and the administration of stock."""

from io import StringIO

from django.core.management import CommandError, call_command
from django.test import TestCase

from inventory.models import StockRecord, Supplier, Warehouse
from shop.factories import make_stock, make_variant, make_warehouse
from shop.tests.mixins import AdminPagesMixin


class StockReportTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.shelf = make_warehouse("SHELF")
        make_stock(make_variant(sku="B"), 7, warehouse=cls.shelf, reserved=2)
        make_stock(make_variant(sku="A"), 1, warehouse=cls.shelf, reorder_level=5)
        make_stock(make_variant(sku="C"), 3)

    def report(self, **options):
        out = StringIO()
        call_command("stock_report", stdout=out, **options)
        return out.getvalue().splitlines()

    def test_every_record_has_a_line(self):
        self.assertEqual(len(self.report()), 3)

    def test_one_warehouse_is_sorted_by_article(self):
        expected = ["A in SHELF: 1 (0 reserved)", "B in SHELF: 7 (2 reserved)"]
        self.assertEqual(self.report(warehouse="SHELF"), expected)

    def test_only_low_stock_can_be_printed(self):
        self.assertEqual(self.report(low=True), ["A in SHELF: 1 (0 reserved)"])

    def test_an_unknown_warehouse_is_an_error(self):
        with self.assertRaisesMessage(CommandError, "no warehouse MOON"):
            self.report(warehouse="MOON")

    def test_the_main_warehouse_exists_from_the_start(self):
        self.assertEqual(Warehouse.objects.get(code="MAIN").country.name, "Germany")


class StockRecordAdminTests(AdminPagesMixin, TestCase):
    model = StockRecord

    def test_quantities_are_listed(self):
        make_stock(make_variant(sku="MUG"), 4711)
        self.client.force_login(self.superuser)
        self.assertContains(self.client.get(self.page("changelist")), "4711")


class SupplierAdminTests(AdminPagesMixin, TestCase):
    model = Supplier
