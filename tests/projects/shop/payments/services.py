"""Capturing payments, refunds and gift cards."""

from datetime import date
from decimal import Decimal

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from orders.models import Order
from orders.services import change_status
from payments.models import GiftCard, GiftCardTransaction, Payment, PaymentMethod, Refund
from shop.money import percentage_of


class PaymentError(Exception):
    """The payment or refund is not possible."""


def methods_for(country_code: str) -> list[PaymentMethod]:
    """Return the active methods; a method without countries is valid everywhere."""
    methods = PaymentMethod.objects.filter(is_active=True).prefetch_related("countries")
    return [
        method
        for method in methods
        if not method.countries.all()
        or country_code in {country.code for country in method.countries.all()}
    ]


def fee(method: PaymentMethod, amount: Decimal) -> Decimal:
    return percentage_of(amount, method.fee_percent)


def paid_amount(order: Order) -> Decimal:
    captured = order.payments.filter(status=Payment.Status.CAPTURED)
    return captured.aggregate(n=Sum("amount"))["n"] or Decimal("0.00")


@transaction.atomic
def capture(payment: Payment) -> None:
    """Capture a pending payment; an order that is paid in full changes its status."""
    locked = Payment.objects.select_for_update().get(pk=payment.pk)
    if locked.status != Payment.Status.PENDING:
        raise PaymentError(f"The payment is {locked.status}.")
    payment.status = Payment.Status.CAPTURED
    payment.captured_at = timezone.now()
    payment.save()
    order = payment.order
    if order.status == Order.Status.NEW and paid_amount(order) >= order.total:
        change_status(order, Order.Status.PAID)


@transaction.atomic
def refund(payment: Payment, amount: Decimal, reason: str = "") -> Refund:
    """Give money back, at most what was captured."""
    if payment.status != Payment.Status.CAPTURED:
        raise PaymentError("Only captured payments can be refunded.")
    refunded = payment.refunds.aggregate(n=Sum("amount"))["n"] or Decimal("0.00")
    if amount <= 0 or refunded + amount > payment.amount:
        raise PaymentError("The amount cannot be refunded.")
    if refunded + amount == payment.amount:
        payment.status = Payment.Status.REFUNDED
        payment.save(update_fields=["status", "updated_at"])
    return payment.refunds.create(amount=amount, reason=reason)


@transaction.atomic
def spend_gift_card(card: GiftCard, amount: Decimal, on: date, order=None) -> GiftCardTransaction:
    """Take an amount off a gift card."""
    if card.expires_on is not None and card.expires_on < on:
        raise PaymentError("The gift card has expired.")
    if amount > card.balance:
        raise PaymentError("The balance of the gift card is too low.")
    return card.transactions.create(amount=amount, order=order)
