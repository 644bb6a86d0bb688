"""Tests of payments, refunds and gift cards."""

import unittest
from datetime import date
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.test import TestCase, TransactionTestCase, skipUnlessDBFeature

from orders.models import Order
from payments.models import GiftCard, Payment, PaymentMethod
from payments.services import (
    PaymentError,
    capture,
    fee,
    methods_for,
    paid_amount,
    refund,
    spend_gift_card,
)
from shop.factories import make_country, make_line, make_order, make_payment, unique
from shop.tests.mixins import AdminPagesMixin

MAY = date(2024, 5, 1)


class MethodTests(TestCase):
    def codes(self, country="DE"):
        return [method.code for method in methods_for(country)]

    def test_inactive_methods_are_not_offered(self):
        self.assertEqual(self.codes(), ["card", "gift-card", "invoice", "transfer"])

    def test_a_method_can_be_limited_to_countries(self):
        PaymentMethod.objects.get(code="invoice").countries.add(make_country("AT"))
        self.assertNotIn("invoice", self.codes("DE"))
        self.assertIn("invoice", self.codes("AT"))

    def test_two_queries_are_enough(self):
        with self.assertNumQueries(2):
            self.codes()

    def test_an_invoice_costs_a_fee(self):
        invoice = PaymentMethod.objects.get(code="invoice")
        self.assertEqual(fee(invoice, Decimal("200.00")), Decimal("3.00"))

    def test_a_card_costs_no_fee(self):
        self.assertEqual(fee(PaymentMethod.objects.get(code="card"), Decimal("200.00")), 0)

    def test_a_method_in_use_cannot_be_deleted(self):
        with self.assertRaises(ProtectedError):
            make_payment().method.delete()


class CaptureTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.order = make_order()
        make_line(cls.order, unit_price=Decimal("30.00"))

    def test_a_full_payment_pays_the_order(self):
        capture(make_payment(self.order, "30.00"))
        self.order.refresh_from_db()
        self.assertEqual(self.order.status, Order.Status.PAID)

    def test_a_partial_payment_leaves_the_order_new(self):
        capture(make_payment(self.order, "29.99"))
        self.assertEqual(self.order.status, Order.Status.NEW)

    def test_two_payments_pay_the_order_together(self):
        capture(make_payment(self.order, "10.00"))
        capture(make_payment(self.order, "20.00"))
        self.assertEqual(self.order.status, Order.Status.PAID)

    def test_a_payment_is_captured_once(self):
        payment = make_payment(self.order)
        capture(payment)
        with self.assertRaisesMessage(PaymentError, "captured"):
            capture(payment)

    def test_failed_payments_cannot_be_captured(self):
        with self.assertRaises(PaymentError):
            capture(make_payment(self.order, status=Payment.Status.FAILED))

    def test_the_time_of_the_capture_is_stored(self):
        payment = make_payment(self.order)
        capture(payment)
        payment.refresh_from_db()
        self.assertIsNotNone(payment.captured_at)

    def test_pending_payments_do_not_count(self):
        make_payment(self.order, "30.00")
        self.assertEqual(paid_amount(self.order), Decimal("0.00"))

    @skipUnlessDBFeature("supports_table_check_constraints")
    def test_the_database_refuses_payments_of_nothing(self):
        with self.assertRaises(IntegrityError), transaction.atomic():
            make_payment(self.order, "0.00")

    def test_the_response_of_the_gateway_is_searched(self):
        payment = make_payment(self.order, gateway_response={"risk": {"score": 7}})
        make_payment(self.order, gateway_response={"risk": {"score": 2}})
        self.assertEqual(Payment.objects.get(gateway_response__risk__score=7), payment)


class RefundTests(TestCase):
    def setUp(self):
        self.payment = make_payment(amount="30.00", status=Payment.Status.CAPTURED)

    def test_part_of_a_payment_is_refunded(self):
        self.assertEqual(refund(self.payment, Decimal("10.00"), "late").reason, "late")
        self.assertEqual(self.payment.status, Payment.Status.CAPTURED)

    def test_a_full_refund_changes_the_status(self):
        refund(self.payment, Decimal("10.00"))
        refund(self.payment, Decimal("20.00"))
        self.assertEqual(self.payment.status, Payment.Status.REFUNDED)

    def test_more_than_paid_is_never_refunded(self):
        refund(self.payment, Decimal("20.00"))
        with self.assertRaises(PaymentError):
            refund(self.payment, Decimal("10.01"))

    def test_nothing_cannot_be_refunded(self):
        with self.assertRaises(PaymentError):
            refund(self.payment, Decimal("0.00"))

    def test_pending_payments_are_not_refunded(self):
        with self.assertRaisesMessage(PaymentError, "Only captured"):
            refund(make_payment(), Decimal("1.00"))


class GiftCardTests(TestCase):
    def setUp(self):
        self.card = GiftCard.objects.create(
            code=unique("GIFT"), currency_id="EUR", initial_balance=Decimal("50.00")
        )

    def test_a_new_card_is_full(self):
        self.assertEqual(self.card.balance, Decimal("50.00"))

    def test_spending_lowers_the_balance(self):
        spend_gift_card(self.card, Decimal("12.34"), MAY)
        self.assertEqual(self.card.balance, Decimal("37.66"))

    def test_more_than_the_balance_is_refused(self):
        with self.assertRaisesMessage(PaymentError, "too low"):
            spend_gift_card(self.card, Decimal("50.01"), MAY)

    def test_a_card_is_valid_on_its_last_day(self):
        self.card.expires_on = MAY
        spend_gift_card(self.card, Decimal("1.00"), MAY)
        self.assertEqual(self.card.transactions.count(), 1)

    def test_an_expired_card_is_refused(self):
        self.card.expires_on = date(2024, 4, 30)
        with self.assertRaisesMessage(PaymentError, "expired"):
            spend_gift_card(self.card, Decimal("1.00"), MAY)


class GatewayTests(TestCase):
    """These tests need a contract with a payment gateway."""

    gateway = None

    def setUp(self):
        if self.gateway is None:
            raise unittest.SkipTest("no gateway is configured")

    def test_a_card_is_charged(self):
        self.fail("never run")

    def test_a_card_is_refused(self):
        self.fail("never run")


class SeededMethodTests(TransactionTestCase):
    serialized_rollback = True

    def test_methods_exist_before_the_first_order(self):
        self.assertEqual(PaymentMethod.objects.get(code="cheque").is_active, False)

    def test_methods_can_be_changed(self):
        PaymentMethod.objects.update(is_active=True)
        self.assertTrue(PaymentMethod.objects.get(code="cheque").is_active)


class PaymentAdminTests(AdminPagesMixin, TestCase):
    model = Payment


class GiftCardAdminTests(AdminPagesMixin, TestCase):
    model = GiftCard
