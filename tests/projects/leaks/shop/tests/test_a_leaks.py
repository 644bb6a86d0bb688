"""Tests that leave something behind, each of another kind."""

import logging
import os
import tempfile
import threading

from django.conf import settings
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models.signals import post_save
from django.test import TestCase, override_settings
from django.utils import translation

from shop import prices
from shop.models import Order


def on_save(sender, instance, **kwargs):
    instance.name = "changed by a receiver"


def free(self):
    return 0


class SettingsTests(TestCase):
    def test_rate(self):
        override_settings(RATE=0.2).enable()
        self.assertEqual(settings.RATE, 0.2)


class CacheTests(TestCase):
    def test_cache(self):
        cache.set("rate", 7)


class EnvironmentTests(TestCase):
    def test_environment(self):
        os.environ["SHOP_MODE"] = "night"


class FolderTests(TestCase):
    def test_folder(self):
        os.chdir(tempfile.gettempdir())


class FileTests(TestCase):
    def test_upload(self):
        default_storage.save("logo.txt", ContentFile(b"logo"))


class GlobalTests(TestCase):
    def test_currencies(self):
        prices.CURRENCIES.append("USD")


class ClassTests(TestCase):
    def test_limit(self):
        prices.Basket.limit = 50


class ThreadTests(TestCase):
    def test_poll(self):
        threading.Thread(target=threading.Event().wait, name="poller", daemon=True).start()


class ReceiverTests(TestCase):
    def test_receiver(self):
        post_save.connect(on_save, sender=Order)


class PatchTests(TestCase):
    def test_total(self):
        Order.total = free


class LanguageTests(TestCase):
    def test_language(self):
        translation.activate("de")


class LoggingTests(TestCase):
    def test_logging(self):
        logging.disable(logging.CRITICAL)


class FirstHalfTests(TestCase):
    def test_first(self):
        prices.DISCOUNTS["first"] = 1


class SecondHalfTests(TestCase):
    def test_second(self):
        prices.DISCOUNTS["second"] = 1
