"""Tests of the public views and the administration of products."""

import json
from urllib.error import HTTPError

from django.test import LiveServerTestCase, TestCase, tag
from django.urls import reverse

from analytics.models import PageView, SearchQuery
from catalog.models import Brand, Collection, Product, Tag
from shop.factories import make_product, make_user
from shop.tests.http import open_url
from shop.tests.mixins import AdminPagesMixin


class ProductListTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.mug = make_product("Mug", slug="mug")
        cls.draft = make_product("Jug", slug="jug", status=Product.Status.DRAFT)

    def test_drafts_are_hidden(self):
        rows = self.client.get(reverse("catalog:product-list")).json()["products"]
        self.assertEqual(rows, [{"slug": "mug", "name": "Mug", "brand": None}])

    def test_a_search_is_recorded(self):
        self.client.get(reverse("catalog:product-list"), {"q": "MUG"})
        query = SearchQuery.objects.get()
        self.assertEqual((query.text, query.results), ("mug", 1))

    def test_an_empty_search_is_not_recorded(self):
        self.client.get(reverse("catalog:product-list"), {"q": "  "})
        self.assertFalse(SearchQuery.objects.exists())

    def test_posting_is_not_allowed(self):
        self.assertEqual(self.client.post(reverse("catalog:product-list")).status_code, 405)

    def test_a_plain_list_needs_one_query(self):
        with self.assertNumQueries(1):
            self.client.get(reverse("catalog:product-list"))


class ProductDetailTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.mug = make_product("Mug", slug="mug")

    def test_the_price_is_shown(self):
        self.assertEqual(self.client.get("/catalog/mug/").json()["price"], "10.00")

    def test_a_draft_is_not_found(self):
        Product.objects.update(status=Product.Status.DRAFT)
        self.assertEqual(self.client.get("/catalog/mug/").status_code, 404)

    def test_the_view_is_recorded(self):
        self.client.get("/catalog/mug/")
        self.assertEqual(PageView.objects.get().product, self.mug)

    def test_the_view_of_a_customer_is_recorded_with_the_user(self):
        user = make_user()
        self.client.force_login(user)
        self.client.get("/catalog/mug/")
        self.assertEqual(PageView.objects.get().user, user)


class AsyncClientTests(TestCase):
    async def test_the_list_is_served_to_asynchronous_clients(self):
        response = await self.async_client.get("/catalog/")
        self.assertEqual(response.json(), {"products": []})

    async def test_a_missing_product_is_not_found(self):
        response = await self.async_client.get("/catalog/nothing/")
        self.assertEqual(response.status_code, 404)


@tag("slow")
class LiveCatalogTests(LiveServerTestCase):
    def test_the_list_is_served_over_http(self):
        make_product("Mug", slug="mug")
        with open_url(f"{self.live_server_url}/catalog/") as response:
            rows = json.load(response)["products"]
        self.assertIn("mug", [row["slug"] for row in rows])

    def test_a_missing_product_is_not_found_over_http(self):
        with self.assertRaises(HTTPError) as caught:
            open_url(f"{self.live_server_url}/catalog/nothing/")
        self.assertEqual(caught.exception.code, 404)
        caught.exception.close()


class ProductAdminTests(AdminPagesMixin, TestCase):
    model = Product

    def test_selected_products_are_published(self):
        draft = make_product(status=Product.Status.DRAFT)
        self.client.force_login(self.superuser)
        data = {"action": "publish", "_selected_action": [draft.pk]}
        response = self.client.post(self.page("changelist"), data, follow=True)
        self.assertContains(response, "1 products published.")
        draft.refresh_from_db()
        self.assertEqual(draft.status, Product.Status.PUBLISHED)

    def test_products_are_filtered_by_status(self):
        make_product("Visible mug")
        make_product("Hidden mug", status=Product.Status.DRAFT)
        self.client.force_login(self.superuser)
        response = self.client.get(self.page("changelist"), {"status__exact": "published"})
        self.assertContains(response, "Visible mug")
        self.assertNotContains(response, "Hidden mug")


class BrandAdminTests(AdminPagesMixin, TestCase):
    model = Brand


class TagAdminTests(AdminPagesMixin, TestCase):
    model = Tag


class CollectionAdminTests(AdminPagesMixin, TestCase):
    model = Collection
