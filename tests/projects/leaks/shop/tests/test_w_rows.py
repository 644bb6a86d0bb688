"""Tests without a rollback: Django runs them last, in the order of this module."""

import unittest

from django.db import connection

from shop.models import Customer, Order


class RowTests(unittest.TestCase):
    def test_order(self):
        Order.objects.create(name="left over")


class SequenceTests(unittest.TestCase):
    def test_customer(self):
        Customer.objects.create(name="gone").delete()


class VictimOfRowsTests(unittest.TestCase):
    def test_orders(self):
        self.assertEqual(Order.objects.filter(name="left over").count(), 0)


@unittest.skipIf(connection.vendor == "sqlite", "SQLite counts from the highest row.")
class VictimOfSequenceTests(unittest.TestCase):
    def test_key(self):
        customer = Customer.objects.create(name="first")
        try:
            self.assertEqual(customer.pk, 1)
        finally:
            customer.delete()


class WithOrderTests(unittest.TestCase):
    def test_needs_an_order(self):
        self.assertTrue(Order.objects.exists())
