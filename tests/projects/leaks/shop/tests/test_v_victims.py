"""Tests that fail after those of `test_a_leaks`, each after another one."""

import logging
import os
import threading
from pathlib import Path

from django.conf import settings
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.test import TestCase
from django.utils import translation

from shop import prices
from shop.models import Order


class VictimTests(TestCase):
    def test_settings(self):
        self.assertEqual(settings.RATE, 0.1)

    def test_cache(self):
        self.assertIsNone(cache.get("rate"))

    def test_environment(self):
        self.assertNotIn("SHOP_MODE", os.environ)

    def test_folder(self):
        self.assertTrue(Path("manage.py").exists())

    def test_file(self):
        self.assertFalse(default_storage.exists("logo.txt"))

    def test_global(self):
        self.assertEqual(prices.CURRENCIES, ["EUR"])

    def test_class(self):
        self.assertEqual(prices.Basket.limit, 5)

    def test_thread(self):
        self.assertNotIn("poller", [thread.name for thread in threading.enumerate()])

    def test_receiver(self):
        self.assertEqual(Order.objects.create(name="as it was").name, "as it was")

    def test_patch(self):
        self.assertEqual(Order(price=3).total(), 3)

    def test_language(self):
        self.assertEqual(translation.get_language(), "en-us")

    def test_logging(self):
        self.assertTrue(logging.getLogger("shop").isEnabledFor(logging.ERROR))

    def test_two(self):
        self.assertLess(len(prices.DISCOUNTS), 2)
