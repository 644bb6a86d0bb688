"""Warehouses, stock, suppliers and purchase orders."""

from decimal import Decimal

from django.db import models

from shop.abstract import TimeStampedModel
from shop.constraints import check_constraint


class Warehouse(models.Model):
    code = models.CharField(max_length=10, unique=True)
    name = models.CharField(max_length=80)
    country = models.ForeignKey("pricing.Country", on_delete=models.PROTECT, null=True, blank=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code


class StockRecord(models.Model):
    warehouse = models.ForeignKey(Warehouse, on_delete=models.CASCADE, related_name="stock")
    variant = models.ForeignKey(
        "catalog.ProductVariant", on_delete=models.CASCADE, related_name="stock"
    )
    on_hand = models.IntegerField(default=0)
    reserved = models.IntegerField(default=0)
    reorder_level = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["warehouse", "variant"], name="inventory_stock_unique"),
            check_constraint(condition=models.Q(reserved__gte=0), name="inventory_reserved_gte_0"),
            check_constraint(condition=models.Q(on_hand__gte=0), name="inventory_on_hand_gte_0"),
        ]

    def __str__(self) -> str:
        return f"{self.variant} in {self.warehouse}"

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved

    @property
    def needs_reorder(self) -> bool:
        return self.available < self.reorder_level


class StockMovement(models.Model):
    class Reason(models.TextChoices):
        RECEIPT = "receipt", "Receipt"
        SALE = "sale", "Sale"
        CORRECTION = "correction", "Correction"
        RETURN = "return", "Return"

    record = models.ForeignKey(StockRecord, on_delete=models.CASCADE, related_name="movements")
    delta = models.IntegerField()
    reason = models.CharField(max_length=12, choices=Reason.choices, default=Reason.CORRECTION)
    created_at = models.DateTimeField(auto_now_add=True)
    by = models.ForeignKey("accounts.User", on_delete=models.SET_NULL, null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["reason", "created_at"], name="inventory_movement_reason")]


class Supplier(TimeStampedModel):
    name = models.CharField(max_length=120, unique=True)
    email = models.EmailField(blank=True)
    brands = models.ManyToManyField("catalog.Brand", blank=True, related_name="suppliers")

    def __str__(self) -> str:
        return self.name


class PurchaseOrder(TimeStampedModel):
    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        SENT = "sent", "Sent"
        RECEIVED = "received", "Received"

    supplier = models.ForeignKey(Supplier, on_delete=models.PROTECT, related_name="purchase_orders")
    warehouse = models.ForeignKey(
        Warehouse, on_delete=models.PROTECT, related_name="purchase_orders"
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    expected_on = models.DateField(null=True, blank=True)

    @property
    def total_cost(self) -> Decimal:
        return sum((line.quantity * line.unit_cost for line in self.lines.all()), Decimal("0.00"))


class PurchaseOrderLine(models.Model):
    purchase_order = models.ForeignKey(
        PurchaseOrder, on_delete=models.CASCADE, related_name="lines"
    )
    variant = models.ForeignKey("catalog.ProductVariant", on_delete=models.PROTECT)
    quantity = models.PositiveIntegerField()
    unit_cost = models.DecimalField(max_digits=12, decimal_places=2)

    class Meta:
        unique_together = [("purchase_order", "variant")]
