"""Payment methods, payments, refunds and gift cards."""

import uuid
from decimal import Decimal

from django.conf import settings
from django.db import models

from shop.abstract import TimeStampedModel
from shop.constraints import check_constraint


class PaymentMethod(models.Model):
    code = models.SlugField(max_length=30, unique=True)
    name = models.CharField(max_length=60)
    is_active = models.BooleanField(default=True)
    fee_percent = models.DecimalField(max_digits=5, decimal_places=2, default=Decimal("0.00"))
    countries = models.ManyToManyField(
        "pricing.Country", blank=True, related_name="payment_methods"
    )

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class Payment(TimeStampedModel):
    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        CAPTURED = "captured", "Captured"
        FAILED = "failed", "Failed"
        REFUNDED = "refunded", "Refunded"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="payments")
    method = models.ForeignKey(PaymentMethod, on_delete=models.PROTECT, related_name="payments")
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    reference = models.CharField(max_length=64, blank=True)
    gateway_response = models.JSONField(default=dict, blank=True)
    captured_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [models.Index(fields=["reference"], name="payments_reference")]
        constraints = [
            check_constraint(condition=models.Q(amount__gt=0), name="payments_amount_gt_0")
        ]


class Refund(TimeStampedModel):
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    reason = models.CharField(max_length=200, blank=True)


class GiftCard(TimeStampedModel):
    code = models.CharField(max_length=20, unique=True)
    currency = models.ForeignKey("pricing.Currency", on_delete=models.PROTECT)
    initial_balance = models.DecimalField(max_digits=12, decimal_places=2)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True
    )
    expires_on = models.DateField(null=True, blank=True)

    def __str__(self) -> str:
        return self.code

    @property
    def balance(self) -> Decimal:
        spent = self.transactions.aggregate(n=models.Sum("amount"))["n"] or Decimal("0.00")
        return self.initial_balance - spent


class GiftCardTransaction(TimeStampedModel):
    card = models.ForeignKey(GiftCard, on_delete=models.CASCADE, related_name="transactions")
    order = models.ForeignKey("orders.Order", on_delete=models.SET_NULL, null=True, blank=True)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
