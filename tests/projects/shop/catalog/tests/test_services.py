"""Tests of the operations on the catalogue."""

from django.core.cache import cache
from django.test import TestCase

from catalog.models import Product, Tag
from catalog.services import (
    category_menu,
    copy_product,
    forget_category_menu,
    retire_products_of,
)
from shop.factories import make_category, make_product


class CategoryMenuTests(TestCase):
    def setUp(self):
        cache.clear()
        self.addCleanup(cache.clear)
        self.home = make_category("Home")
        make_category("Kitchen", parent=self.home)

    def test_children_are_listed_under_their_parent(self):
        self.assertEqual(category_menu(), [{"name": "Home", "children": ["Kitchen"]}])

    def test_the_menu_is_read_with_two_queries(self):
        with self.assertNumQueries(2):
            category_menu()

    def test_the_second_call_needs_no_query(self):
        category_menu()
        with self.assertNumQueries(0):
            category_menu()

    def test_changes_are_seen_after_forgetting(self):
        category_menu()
        make_category("Garden")
        self.assertEqual(len(category_menu()), 1)
        forget_category_menu()
        self.assertEqual(len(category_menu()), 2)

    def test_the_view_shows_the_menu(self):
        response = self.client.get("/catalog/menu/")
        self.assertEqual(response.json()["menu"][0]["name"], "Home")


class CopyProductTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.mug = make_product("Mug", slug="mug")
        cls.mug.tags.add(Tag.objects.create(label="new"))
        cls.mug.images.create(path="mug.jpg")

    def test_the_copy_is_a_draft(self):
        self.assertEqual(copy_product(self.mug, "Big mug").status, Product.Status.DRAFT)

    def test_the_copy_gets_a_free_slug(self):
        self.assertEqual(copy_product(self.mug, "Mug").slug, "mug-2")

    def test_tags_are_copied(self):
        copy = copy_product(self.mug, "Big mug")
        self.assertEqual([tag.label for tag in copy.tags.all()], ["new"])

    def test_images_are_copied_and_not_moved(self):
        copy = copy_product(self.mug, "Big mug")
        self.assertEqual((copy.images.count(), self.mug.images.count()), (1, 1))


class RetireTests(TestCase):
    def test_published_products_are_retired(self):
        product = make_product()
        self.assertEqual(retire_products_of(product.category), 1)
        product.refresh_from_db()
        self.assertEqual(product.get_status_display(), "Retired")

    def test_drafts_stay_drafts(self):
        product = make_product(status=Product.Status.DRAFT)
        self.assertEqual(retire_products_of(product.category), 0)

    def test_other_categories_are_left_alone(self):
        make_product()
        self.assertEqual(retire_products_of(make_category()), 0)
