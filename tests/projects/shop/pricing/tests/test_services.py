"""Tests of taxes, prices and conversion."""

from datetime import timedelta
from decimal import Decimal

from django.test import SimpleTestCase, TestCase

from pricing.models import Country, Currency, ExchangeRate, Price, PriceList, TaxClass, TaxRate
from pricing.services import (
    NoExchangeRate,
    convert,
    gross_amount,
    net_amount,
    tax_percent,
    unit_price,
)
from shop.factories import make_user, make_variant, utc

NOON = utc(2024, 5, 1, 12)


class TaxPercentTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.standard = TaxClass.objects.get(code="standard")
        cls.germany = Country.objects.get(code="DE")

    def test_the_standard_rate_of_germany(self):
        self.assertEqual(tax_percent(self.standard, self.germany), Decimal("19.00"))

    def test_the_reduced_rate_is_lower_everywhere(self):
        reduced = TaxClass.objects.get(code="reduced")
        for country in Country.objects.filter(in_eu=True):
            with self.subTest(country=country.code):
                self.assertLess(tax_percent(reduced, country), tax_percent(self.standard, country))

    def test_products_without_class_have_the_default_rate(self):
        self.assertEqual(tax_percent(None, self.germany), Decimal("19.00"))

    def test_there_is_no_tax_outside_the_union(self):
        self.assertEqual(tax_percent(self.standard, Country.objects.get(code="US")), 0)

    def test_a_changed_rate_is_used(self):
        TaxRate.objects.filter(tax_class=self.standard, country=self.germany).update(percent=16)
        self.assertEqual(tax_percent(self.standard, self.germany), Decimal("16.00"))

    def test_the_rate_is_found_with_one_query(self):
        with self.assertNumQueries(1):
            tax_percent(self.standard, self.germany)

    def test_the_default_class_costs_one_more_query(self):
        with self.assertNumQueries(2):
            tax_percent(None, self.germany)


class AmountTests(SimpleTestCase):
    def test_tax_is_added(self):
        self.assertEqual(gross_amount(Decimal(100), Decimal(19)), Decimal("119.00"))

    def test_tax_is_taken_out(self):
        self.assertEqual(net_amount(Decimal(119), Decimal(19)), Decimal("100.00"))

    def test_both_ways_lead_back(self):
        for cents in (1, 99, 1999, 123456):
            net = Decimal(cents) / 100
            with self.subTest(net=net):
                self.assertEqual(net_amount(gross_amount(net, Decimal(20)), Decimal(20)), net)


class UnitPriceTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.user = make_user()
        cls.variant = make_variant(price=Decimal("12.00"))
        cls.prices = PriceList.objects.create(name="Partners", currency_id="EUR")

    def price(self, amount, min_quantity=1, price_list=None):
        Price.objects.create(
            price_list=price_list or self.prices,
            variant=self.variant,
            min_quantity=min_quantity,
            amount=Decimal(amount),
        )

    def test_the_variant_has_its_own_price(self):
        self.assertEqual(unit_price(self.variant), Decimal("12.00"))

    def test_the_product_price_is_used_without_an_own_one(self):
        self.assertEqual(unit_price(make_variant()), Decimal("10.00"))

    def test_members_of_a_list_have_its_price(self):
        self.prices.customers.add(self.user)
        self.price("9.00")
        self.assertEqual(unit_price(self.variant, user=self.user), Decimal("9.00"))

    def test_others_do_not_have_the_list_price(self):
        self.price("9.00")
        self.assertEqual(unit_price(self.variant, user=self.user), Decimal("12.00"))

    def test_higher_quantities_are_cheaper(self):
        self.prices.customers.add(self.user)
        self.price("9.00")
        self.price("8.00", min_quantity=10)
        self.assertEqual(unit_price(self.variant, 9, self.user), Decimal("9.00"))
        self.assertEqual(unit_price(self.variant, 10, self.user), Decimal("8.00"))

    def test_the_list_with_priority_wins(self):
        special = PriceList.objects.create(name="Special", currency_id="EUR", priority=5)
        for price_list in (self.prices, special):
            price_list.customers.add(self.user)
        self.price("8.00")
        self.price("8.50", price_list=special)
        self.assertEqual(unit_price(self.variant, user=self.user), Decimal("8.50"))


class ConvertTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        codes = ["EUR", "USD", "JPY"]
        cls.euro, cls.dollar, cls.yen = (Currency.objects.get(code=code) for code in codes)
        ExchangeRate.objects.create(base=cls.euro, quote=cls.dollar, rate=Decimal("1.25"), at=NOON)
        ExchangeRate.objects.create(base=cls.euro, quote=cls.yen, rate=Decimal("160.5"), at=NOON)

    def test_the_rate_is_applied(self):
        amount = convert(Decimal(10), self.euro, self.dollar, NOON)
        self.assertEqual(amount, Decimal("12.50"))

    def test_the_inverse_rate_is_applied(self):
        amount = convert(Decimal("12.50"), self.dollar, self.euro, NOON)
        self.assertEqual(amount, Decimal("10.00"))

    def test_yen_have_no_decimals(self):
        self.assertEqual(str(convert(Decimal(1), self.euro, self.yen, NOON)), "161")

    def test_the_same_currency_needs_no_rate(self):
        with self.assertNumQueries(0):
            self.assertEqual(convert(Decimal(3), self.euro, self.euro, NOON), Decimal("3.00"))

    def test_the_latest_rate_is_used(self):
        later = NOON + timedelta(hours=1)
        ExchangeRate.objects.create(base=self.euro, quote=self.dollar, rate=2, at=later)
        self.assertEqual(convert(Decimal(1), self.euro, self.dollar, later), Decimal("2.00"))

    def test_future_rates_are_not_used(self):
        with self.assertRaises(NoExchangeRate):
            convert(Decimal(1), self.euro, self.dollar, NOON - timedelta(seconds=1))

    def test_a_missing_rate_names_the_currencies(self):
        with self.assertRaisesMessage(NoExchangeRate, "USD to JPY"):
            convert(Decimal(1), self.dollar, self.yen, NOON)
