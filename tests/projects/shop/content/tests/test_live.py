"""Tests of pages and the newsletter with a running server."""

import json
from urllib.parse import urlencode

from django.test import LiveServerTestCase, tag

from content.models import NewsletterSubscriber, Page
from shop.tests.http import open_url


@tag("slow")
class LiveNewsletterTests(LiveServerTestCase):
    def post(self, **data):
        body = urlencode(data).encode()
        with open_url(f"{self.live_server_url}/newsletter/", data=body) as response:
            return response.status, json.load(response)

    def test_a_subscription_is_written_to_the_database(self):
        self.assertEqual(self.post(email="ada@example.com"), (201, {"created": True}))
        subscriber = NewsletterSubscriber.objects.get(email="ada@example.com")
        self.assertEqual(subscriber.source, "web")

    def test_rows_of_the_test_are_seen_by_the_server(self):
        NewsletterSubscriber.objects.create(email="bob@example.com")
        self.assertEqual(self.post(email="bob@example.com"), (200, {"created": False}))

    def test_pages_are_served(self):
        Page.objects.create(name="About us", slug="about-us", body="We like mugs.")
        with open_url(f"{self.live_server_url}/pages/about-us/") as response:
            self.assertIn(b"We like mugs.", response.read())


@tag("slow")
class LiveSeededPageTests(LiveServerTestCase):
    serialized_rollback = True

    def test_default_pages_are_served(self):
        with open_url(f"{self.live_server_url}/pages/delivery/") as response:
            self.assertIn(b"four working days", response.read())
