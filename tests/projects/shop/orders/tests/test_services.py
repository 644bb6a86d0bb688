"""Tests of placing, changing and cancelling orders."""

from decimal import Decimal

from django.core import mail
from django.db import IntegrityError, transaction
from django.test import TestCase, TransactionTestCase, skipUnlessDBFeature, tag

from cart.services import add_to_cart
from inventory.services import OutOfStock, available_quantity
from orders.models import Order, ReturnRequest
from orders.services import OrderError, cancel_order, change_status, place_order, request_return
from shop.factories import (
    make_address,
    make_cart,
    make_line,
    make_order,
    make_product,
    make_stock,
    make_tax_class,
    make_variant,
)

Status = Order.Status


class OrderMixin:
    """Prepare a cart with two mugs of which five are on the shelf."""

    def fill_cart(self, quantity=2):
        self.variant = make_variant(make_product("Mug", tax_class=make_tax_class()), sku="MUG")
        make_stock(self.variant, 5)
        self.cart = make_cart()
        add_to_cart(self.cart, self.variant, quantity)


@tag("smoke")
class PlaceOrderTests(OrderMixin, TestCase):
    def setUp(self):
        self.fill_cart()

    def test_the_order_has_the_lines_of_the_cart(self):
        line = place_order(self.cart, "A-1").lines.get()
        self.assertEqual((line.description, line.quantity), ("Mug", 2))

    def test_the_total_is_computed(self):
        self.assertEqual(place_order(self.cart, "A-1").total, Decimal("20.00"))

    def test_the_stock_is_reserved(self):
        place_order(self.cart, "A-1")
        self.assertEqual(available_quantity(self.variant), 3)

    def test_the_cart_is_closed(self):
        place_order(self.cart, "A-1")
        self.cart.refresh_from_db()
        self.assertFalse(self.cart.is_open)

    def test_a_cart_is_ordered_once(self):
        place_order(self.cart, "A-1")
        with self.assertRaisesMessage(OrderError, "nothing to order"):
            place_order(self.cart, "A-2")

    def test_an_empty_cart_cannot_be_ordered(self):
        with self.assertRaises(OrderError):
            place_order(make_cart(), "A-1")

    def test_the_tax_of_the_country_is_stored(self):
        address = make_address(self.cart.user)
        line = place_order(self.cart, "A-1", ship_to=address).lines.get()
        self.assertEqual(line.tax_percent, Decimal("19.00"))

    def test_the_confirmation_waits_for_the_commit(self):
        with self.captureOnCommitCallbacks() as callbacks:
            place_order(self.cart, "A-1")
        self.assertEqual((len(callbacks), len(mail.outbox)), (1, 0))

    def test_the_confirmation_is_sent(self):
        with self.captureOnCommitCallbacks(execute=True):
            place_order(self.cart, "A-1")
        self.assertEqual(mail.outbox[0].subject, "Your order A-1")
        self.assertEqual(mail.outbox[0].to, [self.cart.user.email])

    def test_the_confirmation_names_the_total(self):
        with self.captureOnCommitCallbacks(execute=True):
            place_order(self.cart, "A-1")
        self.assertIn("20.00 EUR", mail.outbox[0].body)

    def test_the_outbox_is_empty_at_first(self):
        self.assertEqual(mail.outbox, [])

    def test_the_first_status_is_remembered(self):
        change = place_order(self.cart, "A-1").status_changes.get()
        self.assertEqual((change.old, change.new), ("", "new"))


class PlaceOrderTransactionTests(OrderMixin, TransactionTestCase):
    def test_the_confirmation_is_sent_after_the_commit(self):
        self.fill_cart()
        with transaction.atomic():
            place_order(self.cart, "A-1")
            self.assertEqual(mail.outbox, [])
        self.assertEqual(len(mail.outbox), 1)

    def test_no_order_is_left_when_stock_is_missing(self):
        self.fill_cart(quantity=6)
        with self.assertRaises(OutOfStock):
            place_order(self.cart, "A-1")
        self.assertFalse(Order.objects.exists())
        self.assertEqual(mail.outbox, [])

    def test_a_number_that_is_taken_leaves_the_cart_open(self):
        self.fill_cart()
        make_order(number="A-1")
        with self.assertRaises(IntegrityError):
            place_order(self.cart, "A-1")
        self.cart.refresh_from_db()
        self.assertTrue(self.cart.is_open)


class StatusTests(TestCase):
    def test_allowed_changes(self):
        for old, new in (
            (Status.NEW, Status.PAID),
            (Status.NEW, Status.CANCELLED),
            (Status.PAID, Status.SHIPPED),
            (Status.SHIPPED, Status.DELIVERED),
        ):
            with self.subTest(old=old, new=new):
                order = make_order(status=old)
                change_status(order, new)
                order.refresh_from_db()
                self.assertEqual(order.status, new)

    def test_refused_changes(self):
        for old, new in (
            (Status.NEW, Status.SHIPPED),
            (Status.SHIPPED, Status.CANCELLED),
            (Status.DELIVERED, Status.NEW),
            (Status.CANCELLED, Status.PAID),
        ):
            with self.subTest(old=old, new=new), self.assertRaises(OrderError):
                change_status(make_order(status=old), new)

    def test_an_order_cannot_be_paid_twice(self):
        order = make_order()
        change_status(order, Status.PAID)
        with self.assertRaisesMessage(OrderError, "from paid to paid"):
            change_status(order, Status.PAID)

    def test_changes_are_listed_in_their_order(self):
        order = make_order()
        for new in (Status.PAID, Status.SHIPPED, Status.DELIVERED):
            change_status(order, new)
        news = list(order.status_changes.values_list("new", flat=True))
        self.assertEqual(news, ["paid", "shipped", "delivered"])


class CancelTests(OrderMixin, TestCase):
    def test_the_stock_is_released(self):
        self.fill_cart()
        cancel_order(place_order(self.cart, "A-1"))
        self.assertEqual(available_quantity(self.variant), 5)

    def test_shipped_orders_cannot_be_cancelled(self):
        with self.assertRaises(OrderError):
            cancel_order(make_order(status=Status.SHIPPED))


class ReturnTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.line = make_line(make_order(status=Status.DELIVERED), quantity=2)

    def test_part_of_an_order_is_returned(self):
        request = request_return(self.line, 1, "too small")
        self.assertEqual(request.lines.get().quantity, 1)

    def test_a_new_request_is_undecided(self):
        self.assertIsNone(request_return(self.line, 1, "too small").approved)

    def test_more_than_ordered_cannot_be_returned(self):
        with self.assertRaisesMessage(OrderError, "More was returned"):
            request_return(self.line, 3, "too many")

    def test_orders_on_their_way_cannot_be_returned(self):
        with self.assertRaises(OrderError):
            request_return(make_line(make_order(status=Status.SHIPPED)), 1, "late")

    def test_a_refused_return_leaves_no_request(self):
        with self.assertRaises(OrderError):
            request_return(self.line, 3, "too many")
        self.assertFalse(ReturnRequest.objects.exists())

    def test_a_line_is_returned_once_in_a_request(self):
        request = request_return(self.line, 1, "too small")
        with self.assertRaises(IntegrityError), transaction.atomic():
            request.lines.create(order_line=self.line)

    @skipUnlessDBFeature("supports_table_check_constraints")
    def test_the_database_refuses_negative_discounts(self):
        with self.assertRaises(IntegrityError), transaction.atomic():
            make_order(discount=Decimal("-1.00"))
