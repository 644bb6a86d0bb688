"""Tests of amounts of money, with the examples of the module."""

import doctest
from decimal import Decimal

from django.test import SimpleTestCase, tag

from shop import money


def load_tests(loader, tests, pattern):
    tests.addTests(doctest.DocTestSuite(money))
    return tests


@tag("smoke")
class RoundMoneyTests(SimpleTestCase):
    def test_half_a_cent_is_rounded_up(self):
        self.assertEqual(money.round_money("0.005"), Decimal("0.01"))

    def test_less_than_half_a_cent_is_dropped(self):
        self.assertEqual(money.round_money("0.0049"), Decimal("0.00"))

    def test_negative_amounts_are_rounded_away_from_zero(self):
        self.assertEqual(money.round_money("-0.005"), Decimal("-0.01"))

    def test_whole_numbers_get_two_decimals(self):
        self.assertEqual(str(money.round_money(3)), "3.00")

    def test_three_decimals_can_be_asked_for(self):
        self.assertEqual(money.round_money("1.23456", decimals=3), Decimal("1.235"))


class FormatMoneyTests(SimpleTestCase):
    def test_small_amounts_have_no_separator(self):
        self.assertEqual(money.format_money("999.9", "EUR"), "999.90 EUR")

    def test_millions_have_two_separators(self):
        self.assertEqual(money.format_money(1234567, "USD"), "1,234,567.00 USD")

    def test_negative_amounts_keep_their_sign(self):
        self.assertEqual(money.format_money("-5", "EUR"), "-5.00 EUR")

    @tag("locale")
    def test_many_currencies_are_printed_the_same_way(self):
        for currency in ("EUR", "USD", "GBP", "CHF"):
            with self.subTest(currency=currency):
                self.assertEqual(money.format_money("1", currency), f"1.00 {currency}")


class SplitEvenlyTests(SimpleTestCase):
    def test_one_part_is_the_whole_amount(self):
        self.assertEqual(money.split_evenly("9.99", 1), [Decimal("9.99")])

    def test_the_first_parts_get_the_odd_cents(self):
        self.assertEqual(money.split_evenly("0.02", 3), [Decimal("0.01")] * 2 + [Decimal("0.00")])

    def test_no_cent_is_lost(self):
        for parts in range(1, 12):
            with self.subTest(parts=parts):
                self.assertEqual(sum(money.split_evenly("100.00", parts)), Decimal("100.00"))

    def test_zero_parts_are_refused(self):
        with self.assertRaisesMessage(ValueError, "one part or more"):
            money.split_evenly("1.00", 0)


class PercentageTests(SimpleTestCase):
    def test_a_tenth_is_taken(self):
        self.assertEqual(money.percentage_of("50.00", 10), Decimal("5.00"))

    def test_zero_percent_is_nothing(self):
        self.assertEqual(money.percentage_of("50.00", 0), Decimal("0.00"))

    def test_the_result_is_rounded(self):
        self.assertEqual(money.percentage_of("0.99", "33.3"), Decimal("0.33"))
