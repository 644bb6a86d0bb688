"""Tests of products, categories and collections."""

from decimal import Decimal
from unittest import expectedFailure

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.test import TestCase, skipUnlessDBFeature, tag

from catalog.models import (
    Attribute,
    AttributeValue,
    Category,
    Collection,
    DigitalProduct,
    Product,
    ProductVariant,
    Tag,
)
from content.models import Attachment
from shop.factories import make_brand, make_category, make_product, make_variant


class CategoryTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.home = make_category("Home")
        cls.kitchen = make_category("Kitchen", parent=cls.home)
        cls.cups = make_category("Cups", parent=cls.kitchen)

    def test_a_path_names_all_ancestors(self):
        self.assertEqual(self.cups.path, "Home / Kitchen / Cups")

    def test_a_top_category_has_no_ancestors(self):
        self.assertEqual(self.home.ancestors(), [])

    def test_children_go_with_their_parent(self):
        self.home.delete()
        self.assertFalse(Category.objects.filter(pk=self.cups.pk).exists())

    def test_a_category_with_products_cannot_be_deleted(self):
        make_product(category=self.cups)
        with self.assertRaises(ProtectedError):
            self.cups.delete()

    def test_categories_are_sorted_by_position(self):
        make_category("Garden", parent=self.home, position=0)
        Category.objects.filter(pk=self.kitchen.pk).update(position=1)
        names = [child.name for child in self.home.children.all()]
        self.assertEqual(names, ["Garden", "Kitchen"])


@tag("smoke")
class ProductTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.product = make_product("Mug", slug="mug", description="Holds a lot of coffee.")

    def test_a_product_has_a_page(self):
        self.assertEqual(self.product.get_absolute_url(), "/catalog/mug/")

    def test_slugs_are_unique(self):
        with self.assertRaises(IntegrityError), transaction.atomic():
            make_product(slug="mug")

    def test_published_products_are_found(self):
        make_product(status=Product.Status.DRAFT)
        self.assertEqual(list(Product.objects.published()), [self.product])

    def test_the_name_is_searched(self):
        self.assertEqual(list(Product.objects.search("MUG")), [self.product])

    def test_the_description_is_searched(self):
        self.assertEqual(list(Product.objects.search("coffee")), [self.product])

    def test_other_words_find_nothing(self):
        self.assertFalse(Product.objects.search("tea").exists())

    def test_products_of_subcategories_are_included(self):
        child = make_category(parent=self.product.category)
        other = make_product("Cup", category=child)
        found = Product.objects.in_category(self.product.category)
        self.assertEqual(list(found), [other, self.product])

    def test_products_survive_their_brand(self):
        product = make_product(brand=make_brand())
        product.brand.delete()
        product.refresh_from_db()
        self.assertIsNone(product.brand)

    def test_a_number_in_the_specification_is_compared(self):
        make_product(specification={"volume": 200})
        large = make_product(specification={"volume": 500})
        self.assertEqual(list(Product.objects.filter(specification__volume__gt=300)), [large])

    def test_attachments_belong_to_one_product(self):
        self.product.attachments.create(title="Manual", path="manual.pdf")
        make_product().attachments.create(title="Photo", path="photo.jpg")
        self.assertEqual([row.title for row in self.product.attachments.all()], ["Manual"])

    def test_attachments_go_with_their_product(self):
        product = make_product()
        attachment = product.attachments.create(title="Manual", path="manual.pdf")
        product.delete()
        self.assertFalse(Attachment.objects.filter(pk=attachment.pk).exists())

    @skipUnlessDBFeature("supports_table_check_constraints")
    def test_the_database_refuses_negative_prices(self):
        with self.assertRaises(IntegrityError), transaction.atomic():
            make_product(base_price=Decimal("-0.01"))

    @expectedFailure
    def test_a_search_finds_misspelled_words(self):
        self.assertTrue(Product.objects.search("cofee").exists())


class TagTests(TestCase):
    def test_products_are_found_by_tag(self):
        new = Tag.objects.create(label="new")
        product = make_product()
        product.tags.add(new)
        self.assertEqual(list(new.products.all()), [product])

    def test_a_product_with_two_tags_is_listed_twice_without_distinct(self):
        product = make_product()
        product.tags.set([Tag.objects.create(label=label) for label in ("new", "sale")])
        found = Product.objects.filter(tags__label__in=["new", "sale"])
        self.assertEqual((found.count(), found.distinct().count()), (2, 1))


class DigitalProductTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.book = DigitalProduct.objects.create(
            name="Cook book", slug="cook-book", category=make_category(), file_name="book.pdf"
        )

    def test_a_digital_product_is_a_product(self):
        self.assertEqual(Product.objects.get(slug="cook-book").digitalproduct, self.book)

    def test_other_products_are_not_digital(self):
        self.assertFalse(hasattr(make_product(), "digitalproduct"))

    def test_both_rows_are_deleted(self):
        self.book.delete()
        self.assertFalse(Product.objects.filter(slug="cook-book").exists())

    def test_five_downloads_are_the_default(self):
        self.assertEqual(self.book.download_limit, 5)


class VariantTests(TestCase):
    def test_the_own_price_comes_first(self):
        self.assertEqual(make_variant(price=Decimal("3.00")).unit_price, Decimal("3.00"))

    def test_a_price_of_zero_is_a_price(self):
        self.assertEqual(make_variant(price=Decimal("0.00")).unit_price, Decimal("0.00"))

    def test_variants_are_found_by_attribute(self):
        colour = Attribute.objects.get(code="colour")
        red = AttributeValue.objects.create(attribute=colour, value="red")
        variant = make_variant()
        variant.values.add(red)
        make_variant()
        self.assertEqual(list(ProductVariant.objects.filter(values__value="red")), [variant])

    def test_an_attribute_value_is_unique(self):
        size = Attribute.objects.get(code="size")
        AttributeValue.objects.create(attribute=size, value="L")
        with self.assertRaises(IntegrityError), transaction.atomic():
            AttributeValue.objects.create(attribute=size, value="L")


class CollectionTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.collection = Collection.objects.create(name="Summer", slug="summer")

    def test_items_keep_their_position(self):
        first, second = make_product("First"), make_product("Second")
        self.collection.items.create(product=second, position=2)
        self.collection.items.create(product=first, position=1)
        names = [item.product.name for item in self.collection.items.select_related("product")]
        self.assertEqual(names, ["First", "Second"])

    def test_a_product_is_in_a_collection_once(self):
        product = make_product()
        self.collection.items.create(product=product)
        with self.assertRaises(IntegrityError), transaction.atomic():
            self.collection.items.create(product=product)
