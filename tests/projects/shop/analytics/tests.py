"""Tests of visits, searches and sales figures."""

from datetime import date
from decimal import Decimal
from io import StringIO

from django.contrib.auth.models import AnonymousUser
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import SimpleTestCase, TestCase, TransactionTestCase, tag

from accounts.models import StaffRole
from analytics.models import DailySales, PageView, ReportDefinition
from analytics.services import rebuild_daily_sales, record_search, record_view
from orders.models import Order
from shop.factories import make_currency, make_line, make_order, make_product, make_user, utc
from shop.tests.mixins import AdminPagesMixin

MAY_DAY = date(2024, 5, 1)


class AverageTests(SimpleTestCase):
    def test_a_day_without_orders_has_no_average(self):
        self.assertEqual(DailySales().average_order, Decimal("0.00"))

    def test_the_average_is_rounded(self):
        sales = DailySales(order_count=3, revenue=Decimal("100.00"))
        self.assertEqual(sales.average_order, Decimal("33.33"))


class RecordTests(TestCase):
    def test_visitors_are_anonymous(self):
        self.assertIsNone(record_view("/", AnonymousUser()).user)

    def test_customers_are_known(self):
        user = make_user()
        self.assertEqual(record_view("/", user).user, user)

    def test_the_query_is_kept(self):
        record_view("/", q="mug", page="2")
        self.assertEqual(PageView.objects.get(query__q="mug").query["page"], "2")

    def test_views_survive_their_product(self):
        product = make_product()
        view = record_view("/", product=product)
        product.delete()
        view.refresh_from_db()
        self.assertIsNone(view.product)

    def test_searches_are_stored_in_small_letters(self):
        self.assertEqual(record_search("MUG", 3).text, "mug")

    def test_long_searches_are_cut(self):
        self.assertEqual(len(record_search("x" * 500, 0).text), 120)


class DailySalesTests(TestCase):
    def order(self, price="10.00", hour=12, **values):
        values.setdefault("placed_at", utc(2024, 5, 1, hour))
        make_line(make_order(**values), unit_price=Decimal(price))

    def revenue(self):
        return [(row.currency_id, str(row.revenue)) for row in rebuild_daily_sales(MAY_DAY)]

    def test_orders_are_summed_up(self):
        self.order("10.00")
        self.order("5.50")
        self.assertEqual(self.revenue(), [("EUR", "15.50")])

    def test_currencies_are_kept_apart(self):
        self.order("10.00")
        self.order("7.00", currency=make_currency("CHF"))
        self.assertEqual(self.revenue(), [("CHF", "7.00"), ("EUR", "10.00")])

    def test_cancelled_orders_do_not_count(self):
        self.order(status=Order.Status.CANCELLED)
        self.assertEqual(self.revenue(), [])

    def test_the_day_begins_at_midnight(self):
        self.order(placed_at=utc(2024, 4, 30, 23, 59, 59))
        self.order("1.00", hour=0)
        self.order("2.00", hour=23)
        self.order(placed_at=utc(2024, 5, 2))
        self.assertEqual(self.revenue(), [("EUR", "3.00")])

    def test_figures_are_replaced(self):
        self.order()
        self.revenue()
        self.order()
        self.revenue()
        self.assertEqual(DailySales.objects.get(day=MAY_DAY).order_count, 2)

    def test_a_day_has_one_row_for_a_currency(self):
        DailySales.objects.create(day=MAY_DAY)
        with self.assertRaises(IntegrityError), transaction.atomic():
            DailySales.objects.create(day=MAY_DAY)

    def test_the_number_of_queries_does_not_grow(self):
        for count in (1, 5):
            for _ in range(count):
                self.order()
            with self.subTest(count=count), self.assertNumQueries(6):
                rebuild_daily_sales(MAY_DAY)

    @tag("slow")
    def test_many_orders_are_summed_up(self):
        customer = make_user()
        for _ in range(40):
            self.order("2.50", customer=customer)
        self.assertEqual(self.revenue(), [("EUR", "100.00")])


class RebuildSalesTests(TestCase):
    def run_command(self, *args):
        out = StringIO()
        call_command("rebuild_sales", *args, stdout=out)
        return out.getvalue().splitlines()

    def test_every_day_of_the_range_is_printed(self):
        for day in (1, 3):
            make_line(make_order(placed_at=utc(2024, 5, day)))
        lines = self.run_command("2024-05-01", "2024-05-03")
        self.assertEqual(lines, ["2024-05-01 EUR 10.00", "2024-05-03 EUR 10.00"])

    def test_one_day_is_enough(self):
        make_line(make_order(placed_at=utc(2024, 5, 1)))
        self.assertEqual(len(self.run_command("2024-05-01")), 1)

    def test_wrong_ranges_are_refused(self):
        for args in (["today"], ["2024-05-02", "2024-05-01"]):
            with self.subTest(args=args), self.assertRaises(CommandError):
                self.run_command(*args)


class ReportTests(TestCase):
    def test_reports_are_limited_to_roles(self):
        report = ReportDefinition.objects.get(code="daily-sales")
        report.readers.add(StaffRole.objects.get(code="owner"))
        self.assertEqual(ReportDefinition.objects.get(readers__code="owner"), report)

    def test_reports_are_found_by_option(self):
        report = ReportDefinition.objects.get(options__limit=10)
        self.assertEqual(report.title, "Top products")


class SeededReportTests(TransactionTestCase):
    serialized_rollback = True

    def test_three_reports_are_defined(self):
        self.assertEqual(ReportDefinition.objects.count(), 3)

    def test_the_options_of_a_report_are_kept(self):
        report = ReportDefinition.objects.get(code="daily-sales")
        self.assertEqual(report.options, {"group_by": "day"})


class RebuildRollbackTests(TransactionTestCase):
    def test_figures_stay_when_the_computation_fails(self):
        make_currency()
        DailySales.objects.create(day=MAY_DAY, order_count=7)
        with self.assertRaises(ZeroDivisionError), transaction.atomic():
            rebuild_daily_sales(MAY_DAY)
            raise ZeroDivisionError
        self.assertEqual(DailySales.objects.get(day=MAY_DAY).order_count, 7)


class DailySalesAdminTests(AdminPagesMixin, TestCase):
    model = DailySales


class ReportDefinitionAdminTests(AdminPagesMixin, TestCase):
    model = ReportDefinition
