from django.contrib.auth import get_user_model
from django.template.loader import render_to_string
from django.test import SimpleTestCase, TestCase

from parts.forms import PartForm
from parts.models import Part
from parts.tests.base import PartCase


class PageTests(PartCase):
    def test_detail(self):
        self.assertContains(self.client.get(f"/parts/{self.part.pk}/"), "7 EUR v7")

    def test_badge(self):
        self.assertContains(self.client.get(f"/parts/{self.part.pk}/"), "<b>BOLT</b>", html=True)

    def test_footer(self):
        self.assertContains(self.client.get(f"/parts/{self.part.pk}/"), "made by Acme")

    def test_title(self):
        self.assertContains(self.client.get(f"/parts/{self.part.pk}/"), "<title>Reach</title>")

    def test_missing(self):
        self.assertEqual(self.client.get("/parts/99/").status_code, 404)

    def test_list(self):
        self.assertContains(self.client.get("/parts/"), "<li>bolt</li>")


class CreateTests(TestCase):
    def test_create(self):
        response = self.client.post("/parts/create/", {"name": "x", "price": 3})
        self.assertRedirects(response, f"/parts/{Part.objects.get().pk}/")

    def test_forbidden(self):
        response = self.client.post("/parts/create/", {"name": "bad", "price": 3})
        self.assertEqual(response.status_code, 400)

    def test_form(self):
        self.assertEqual(PartForm().fields["name"].help_text, "short")
        self.assertEqual(PartForm().fields["note"].initial, "none")


class PingTests(SimpleTestCase):
    def test_ping(self):
        self.assertEqual(self.client.get("/parts/ping/").content, b"pong")

    def test_stamp(self):
        self.assertEqual(self.client.get("/parts/ping/")["X-Stamp"], "stamp v1")

    def test_mail(self):
        self.assertEqual(render_to_string("parts/mail.txt", {"name": "A"}), "Dear A, welcome\n")


class AdminTests(PartCase):
    @classmethod
    def setUpTestData(cls):
        super().setUpTestData()
        cls.user = get_user_model().objects.create_superuser("root", "r@example.com", "root")

    def setUp(self):
        self.client.force_login(self.user)

    def test_list(self):
        response = self.client.get("/admin/parts/part/")
        self.assertContains(response, "14 EUR")
        self.assertContains(response, "Total")

    def test_search(self):
        self.assertContains(self.client.get("/admin/parts/part/?q=zzz"), "0 parts")

    def test_colour(self):
        self.assertContains(self.client.get("/admin/parts/colour/"), "2 colours")
