"""Tests of carts, their views and wish lists."""

import uuid
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.test import TestCase, override_settings, skipUnlessDBFeature

from cart.models import Cart, CartLine, Wishlist
from cart.services import CartError, add_to_cart, merge_carts, set_quantity, wish_for
from shop.factories import make_cart, make_product, make_user, make_variant
from shop.tests.mixins import AdminPagesMixin, LoginNeededMixin


class CartTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.cart = make_cart()
        cls.variant = make_variant(sku="MUG", price=Decimal("12.50"))

    def test_keys_are_random(self):
        self.assertIsInstance(self.cart.pk, uuid.UUID)

    def test_an_empty_cart_costs_nothing(self):
        self.assertEqual((self.cart.subtotal, self.cart.item_count), (Decimal("0.00"), 0))

    def test_an_article_is_put_into_the_cart(self):
        add_to_cart(self.cart, self.variant, 2)
        self.assertEqual(self.cart.subtotal, Decimal("25.00"))

    def test_the_same_article_adds_up(self):
        add_to_cart(self.cart, self.variant, 2)
        add_to_cart(self.cart, self.variant)
        self.assertEqual((self.cart.lines.count(), self.cart.item_count), (1, 3))

    def test_a_closed_cart_cannot_be_filled(self):
        self.cart.is_open = False
        with self.assertRaisesMessage(CartError, "closed"):
            add_to_cart(self.cart, self.variant)

    def test_quantities_start_at_one(self):
        for quantity in (0, -1):
            with self.subTest(quantity=quantity), self.assertRaises(CartError):
                add_to_cart(self.cart, self.variant, quantity)

    def test_articles_off_sale_are_refused(self):
        with self.assertRaisesMessage(CartError, "not for sale"):
            add_to_cart(self.cart, make_variant(is_active=False))

    @override_settings(SHOP_MAX_CART_LINES=1)
    def test_a_cart_can_be_full(self):
        add_to_cart(self.cart, self.variant)
        with self.assertRaisesMessage(CartError, "full"):
            add_to_cart(self.cart, make_variant())

    def test_a_quantity_is_replaced(self):
        add_to_cart(self.cart, self.variant, 2)
        set_quantity(self.cart, self.variant, 5)
        self.assertEqual(self.cart.item_count, 5)

    def test_a_quantity_of_zero_removes_the_line(self):
        add_to_cart(self.cart, self.variant, 2)
        set_quantity(self.cart, self.variant, 0)
        self.assertFalse(self.cart.lines.exists())

    @skipUnlessDBFeature("supports_table_check_constraints")
    def test_the_database_refuses_lines_without_quantity(self):
        with self.assertRaises(IntegrityError), transaction.atomic():
            CartLine.objects.create(cart=self.cart, variant=self.variant, quantity=0)

    def test_metadata_are_searched(self):
        make_cart(metadata={"campaign": {"name": "spring"}})
        self.assertEqual(Cart.objects.filter(metadata__campaign__name="spring").count(), 1)


class MergeTests(TestCase):
    def test_quantities_are_added(self):
        guest, own, variant = make_cart(), make_cart(), make_variant()
        add_to_cart(guest, variant, 2)
        add_to_cart(own, variant, 1)
        self.assertEqual(merge_carts(guest, own).item_count, 3)

    def test_the_cart_of_the_guest_is_gone(self):
        guest = make_cart()
        key = guest.pk
        merge_carts(guest, make_cart())
        self.assertFalse(Cart.objects.filter(pk=key).exists())

    def test_a_failed_merge_changes_nothing(self):
        guest, own = make_cart(), make_cart(is_open=False)
        add_to_cart(guest, make_variant())
        with self.assertRaises(CartError):
            merge_carts(guest, own)
        self.assertEqual(guest.item_count, 1)


class CartViewTests(LoginNeededMixin, TestCase):
    needs_login = "/cart/"

    @classmethod
    def setUpTestData(cls):
        cls.user = make_user()
        cls.variant = make_variant(sku="MUG")

    def setUp(self):
        if "visitors" not in self._testMethodName:
            self.client.force_login(self.user)

    def add(self, **data):
        return self.client.post("/cart/add/", {"sku": "MUG", **data})

    def test_a_new_cart_is_empty(self):
        self.assertEqual(self.client.get("/cart/").json(), {"lines": [], "subtotal": "0.00"})

    def test_an_article_is_added(self):
        self.assertEqual(self.add(quantity=2).status_code, 201)
        self.assertEqual(self.client.get("/cart/").json()["subtotal"], "20.00")

    def test_a_bad_quantity_is_refused(self):
        for quantity in ("0", "many", ""):
            with self.subTest(quantity=quantity):
                self.assertEqual(self.add(quantity=quantity).status_code, 400)

    def test_an_unknown_article_is_not_found(self):
        self.assertEqual(self.add(sku="NOTHING").status_code, 404)

    def test_adding_needs_a_post(self):
        self.assertEqual(self.client.get("/cart/add/").status_code, 405)

    def test_one_cart_is_used_again(self):
        self.add()
        self.add()
        self.assertEqual(self.user.carts.count(), 1)


class WishlistTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.user = make_user()
        cls.product = make_product()

    def test_the_first_wish_creates_the_list(self):
        self.assertTrue(wish_for(self.user, self.product, "for Ada"))
        self.assertEqual(self.user.wishlist.items.get().note, "for Ada")

    def test_a_wish_counts_once(self):
        wish_for(self.user, self.product)
        self.assertFalse(wish_for(self.user, self.product))

    def test_share_tokens_differ(self):
        tokens = {Wishlist.objects.create(user=make_user()).share_token for _ in range(5)}
        self.assertEqual(len(tokens), 5)

    def test_products_know_their_wish_lists(self):
        wish_for(self.user, self.product)
        self.assertEqual(list(self.product.wishlists.all()), [self.user.wishlist])


class CartAdminTests(AdminPagesMixin, TestCase):
    model = Cart
