"""Tests with the products of the kitchen fixture."""

from django.test import TestCase

from catalog.models import Category, Product, ProductVariant


class KitchenTestCase(TestCase):
    fixtures = ["kitchen"]


class KitchenTests(KitchenTestCase):
    def test_two_products_are_published(self):
        self.assertEqual(Product.objects.published().count(), 2)

    def test_the_category_of_cups_is_within_the_kitchen(self):
        self.assertEqual(Category.objects.get(slug="cups").path, "Kitchen / Cups")

    def test_the_blue_cup_has_its_own_price(self):
        self.assertEqual(str(ProductVariant.objects.get(sku="CUP-BLUE").unit_price), "15.00")

    def test_large_things_are_found_by_volume(self):
        large = Product.objects.filter(specification__volume_ml__gte=500)
        self.assertEqual([product.slug for product in large], ["tea-pot"])

    def test_new_products_get_a_free_key(self):
        product = Product.objects.create(
            name="Jug", slug="jug", category=Category.objects.get(slug="kitchen")
        )
        self.assertEqual(Product.objects.filter(pk=product.pk).count(), 1)

    def test_deleting_the_fixture_is_undone_after_the_test(self):
        ProductVariant.objects.all().delete()
        self.assertFalse(ProductVariant.objects.exists())


class KitchenListTests(KitchenTests):
    """The list shows the same products, whatever the parent class checks."""

    def test_the_list_contains_the_published_products(self):
        rows = self.client.get("/catalog/").json()["products"]
        self.assertEqual([row["slug"] for row in rows], ["tea-cup", "tea-pot"])

    def test_the_brand_is_shown(self):
        rows = self.client.get("/catalog/", {"q": "pot"}).json()["products"]
        self.assertEqual(rows[0]["brand"], "Clay & Co")

    def test_only_active_variants_are_shown(self):
        self.assertEqual(self.client.get("/catalog/tea-cup/").json()["variants"], ["CUP-WHITE"])
