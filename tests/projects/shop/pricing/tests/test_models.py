"""Tests of currencies, countries, taxes and price lists."""

from decimal import Decimal

from django.db import IntegrityError, connection, transaction
from django.db.models import Count, ProtectedError
from django.test import TestCase, TransactionTestCase, skipIfDBFeature, skipUnlessDBFeature

from pricing.models import Country, Currency, Price, PriceList, TaxClass, TaxRate
from shop.factories import make_variant
from shop.tests.mixins import AdminPagesMixin


class SeededPricingTests(TestCase):
    def test_six_currencies_are_known(self):
        self.assertEqual(Currency.objects.count(), 6)

    def test_the_yen_has_no_decimals(self):
        self.assertEqual(Currency.objects.get(code="JPY").decimals, 0)

    def test_the_euro_is_used_in_most_countries(self):
        counted = Currency.objects.annotate(n=Count("countries")).order_by("-n")
        self.assertEqual(counted[0].code, "EUR")

    def test_one_tax_class_is_the_default(self):
        self.assertEqual(TaxClass.objects.get(is_default=True).code, "standard")

    def test_every_country_of_the_union_has_two_rates(self):
        for country in Country.objects.filter(in_eu=True).annotate(n=Count("tax_rates")):
            with self.subTest(country=country.code):
                self.assertEqual(country.n, 2)

    def test_countries_are_sorted_by_name(self):
        names = list(Country.objects.values_list("name", flat=True))
        self.assertEqual(names, sorted(names))


class CurrencyTests(TestCase):
    def test_a_currency_in_use_cannot_be_deleted(self):
        with self.assertRaises(ProtectedError):
            Currency.objects.get(code="EUR").delete()

    def test_a_currency_without_use_can_be_deleted(self):
        Currency.objects.create(code="XTS", name="Test").delete()
        self.assertFalse(Currency.objects.filter(code="XTS").exists())

    def test_a_currency_is_printed_as_its_code(self):
        self.assertEqual(str(Currency(code="SEK")), "SEK")


class TaxRateTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.standard = TaxClass.objects.get(code="standard")

    def test_a_class_has_one_rate_in_a_country(self):
        with self.assertRaises(IntegrityError), transaction.atomic():
            TaxRate.objects.create(tax_class=self.standard, country_id="DE")

    @skipUnlessDBFeature("supports_table_check_constraints")
    def test_the_database_refuses_rates_over_hundred(self):
        with self.assertRaises(IntegrityError), transaction.atomic():
            TaxRate.objects.create(tax_class=self.standard, country_id="US", percent=101)

    @skipIfDBFeature("supports_table_check_constraints")
    def test_databases_without_checks_take_any_rate(self):
        TaxRate.objects.create(tax_class=self.standard, country_id="US", percent=101)

    def test_a_rate_is_printed_with_its_country(self):
        rate = TaxRate.objects.get(tax_class=self.standard, country_id="AT")
        self.assertEqual(str(rate), "Standard rate in Austria: 20.00%")


class PriceTests(TestCase):
    def test_a_price_is_unique_for_its_quantity(self):
        prices = PriceList.objects.create(name="Retail", currency_id="EUR")
        variant = make_variant()
        Price.objects.create(price_list=prices, variant=variant, amount=Decimal("1.00"))
        with self.assertRaises(IntegrityError), transaction.atomic():
            Price.objects.create(price_list=prices, variant=variant, amount=Decimal("2.00"))

    def test_lists_are_sorted_by_priority(self):
        for name, priority in (("b", 1), ("a", 1), ("c", 2)):
            PriceList.objects.create(name=name, currency_id="EUR", priority=priority)
        self.assertEqual([row.name for row in PriceList.objects.all()], ["c", "a", "b"])

    def test_prices_go_with_their_list(self):
        prices = PriceList.objects.create(name="Retail", currency_id="EUR")
        Price.objects.create(price_list=prices, variant=make_variant(), amount=1)
        prices.delete()
        self.assertFalse(Price.objects.exists())


class SeededCountryTests(TransactionTestCase):
    serialized_rollback = True

    def test_countries_refer_to_their_currency(self):
        self.assertEqual(Country.objects.get(code="CH").currency.name, "Swiss franc")

    def test_all_tax_rates_can_be_deleted_outside_a_transaction(self):
        TaxRate.objects.all().delete()
        self.assertFalse(connection.in_atomic_block)
        self.assertEqual(TaxRate.objects.count(), 0)

    def test_twelve_tax_rates_are_known(self):
        self.assertEqual(TaxRate.objects.count(), 12)

    def test_ten_countries_are_known(self):
        self.assertEqual(Country.objects.count(), 10)


class CurrencyAdminTests(AdminPagesMixin, TestCase):
    model = Currency

    def test_currencies_are_found_by_name(self):
        self.client.force_login(self.superuser)
        response = self.client.get(self.page("changelist"), {"q": "franc"})
        self.assertContains(response, "CHF")
        self.assertNotContains(response, "SEK")


class PriceListAdminTests(AdminPagesMixin, TestCase):
    model = PriceList
