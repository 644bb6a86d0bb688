"""Tests that leave nothing behind."""

from django.test import TestCase

from shop.models import Order


def innocent(number):
    def test_names(self):
        self.assertEqual(Order(name=str(number)).name, str(number))

    def test_prices(self):
        self.assertEqual(Order(price=number).price, number)

    members = {"test_names": test_names, "test_prices": test_prices, "__module__": __name__}
    return type(f"Innocent{number:02}Tests", (TestCase,), members)


for number in range(12):
    kind = innocent(number)
    globals()[kind.__name__] = kind
del kind
