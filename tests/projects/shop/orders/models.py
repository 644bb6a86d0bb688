"""Orders, their lines, notes, history and returns."""

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.utils import timezone

from shop.abstract import TimeStampedModel
from shop.constraints import check_constraint


class OrderQuerySet(models.QuerySet):
    def open(self) -> "OrderQuerySet":
        return self.exclude(status__in=[Order.Status.CANCELLED, Order.Status.DELIVERED])

    def with_line_totals(self) -> "OrderQuerySet":
        amount = models.F("lines__quantity") * models.F("lines__unit_price")
        field = models.DecimalField(max_digits=14, decimal_places=2)
        return self.annotate(lines_total=models.Sum(models.ExpressionWrapper(amount, field)))


class Order(TimeStampedModel):
    class Status(models.TextChoices):
        NEW = "new", "New"
        PAID = "paid", "Paid"
        SHIPPED = "shipped", "Shipped"
        DELIVERED = "delivered", "Delivered"
        CANCELLED = "cancelled", "Cancelled"

    number = models.CharField(max_length=20, unique=True)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders"
    )
    currency = models.ForeignKey("pricing.Currency", on_delete=models.PROTECT)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.NEW)
    placed_at = models.DateTimeField(default=timezone.now)
    cart = models.OneToOneField("cart.Cart", on_delete=models.SET_NULL, null=True, blank=True)
    ship_to = models.ForeignKey(
        "accounts.Address", on_delete=models.SET_NULL, null=True, blank=True
    )
    discount = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal("0.00"))
    shipping_cost = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal("0.00"))
    extra = models.JSONField(default=dict, blank=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        ordering = ["-placed_at", "-id"]
        indexes = [
            models.Index(fields=["status", "placed_at"], name="orders_status_placed"),
            models.Index(
                fields=["placed_at"], condition=models.Q(status="new"), name="orders_unpaid_placed"
            ),
        ]
        constraints = [
            check_constraint(condition=models.Q(discount__gte=0), name="orders_discount_gte_0"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def subtotal(self) -> Decimal:
        return sum((line.total for line in self.lines.all()), Decimal("0.00"))

    @property
    def total(self) -> Decimal:
        return max(self.subtotal - self.discount, Decimal("0.00")) + self.shipping_cost


class OrderLine(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    variant = models.ForeignKey("catalog.ProductVariant", on_delete=models.PROTECT)
    description = models.CharField(max_length=200)
    quantity = models.PositiveIntegerField(default=1)
    unit_price = models.DecimalField(max_digits=12, decimal_places=2)
    tax_percent = models.DecimalField(max_digits=5, decimal_places=2, default=Decimal("0.00"))

    class Meta:
        ordering = ["id"]
        constraints = [
            check_constraint(
                condition=models.Q(quantity__gte=1), name="orders_line_quantity_gte_1"
            ),
        ]

    @property
    def total(self) -> Decimal:
        return self.unit_price * self.quantity


class OrderNote(TimeStampedModel):
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="notes")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    text = models.TextField()
    is_public = models.BooleanField(default=False)


class StatusChange(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="status_changes")
    old = models.CharField(max_length=12, blank=True)
    new = models.CharField(max_length=12)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["at", "id"]


class ReturnRequest(TimeStampedModel):
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="returns")
    reason = models.CharField(max_length=200)
    approved = models.BooleanField(null=True, default=None)


class ReturnLine(models.Model):
    request = models.ForeignKey(ReturnRequest, on_delete=models.CASCADE, related_name="lines")
    order_line = models.ForeignKey(OrderLine, on_delete=models.CASCADE, related_name="return_lines")
    quantity = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["request", "order_line"], name="orders_return_line_unique"
            )
        ]
