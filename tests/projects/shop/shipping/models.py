"""Carriers, zones, shipping methods, shipments and tracking."""

from decimal import Decimal

from django.db import models
from django.utils import timezone

from shop.abstract import TimeStampedModel
from shop.constraints import check_constraint


class Carrier(models.Model):
    code = models.SlugField(max_length=20, unique=True)
    name = models.CharField(max_length=60)
    tracking_template = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name

    def tracking_link(self, number: str) -> str:
        return self.tracking_template.replace("{number}", number)


class ShippingZone(models.Model):
    name = models.CharField(max_length=60, unique=True)
    countries = models.ManyToManyField("pricing.Country", blank=True, related_name="shipping_zones")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ShippingMethod(models.Model):
    carrier = models.ForeignKey(Carrier, on_delete=models.PROTECT, related_name="methods")
    zone = models.ForeignKey(ShippingZone, on_delete=models.CASCADE, related_name="methods")
    name = models.CharField(max_length=60)
    base_cost = models.DecimalField(max_digits=12, decimal_places=2)
    cost_per_kg = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal("0.00"))
    max_weight_grams = models.PositiveIntegerField(null=True, blank=True)
    free_from = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)

    class Meta:
        ordering = ["base_cost", "id"]
        constraints = [
            check_constraint(condition=models.Q(base_cost__gte=0), name="shipping_base_cost_gte_0")
        ]

    def __str__(self) -> str:
        return self.name


class Shipment(TimeStampedModel):
    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="shipments")
    method = models.ForeignKey(ShippingMethod, on_delete=models.PROTECT, null=True, blank=True)
    tracking_number = models.CharField(max_length=40, blank=True)
    shipped_at = models.DateTimeField(null=True, blank=True)
    warehouse = models.ForeignKey(
        "inventory.Warehouse", on_delete=models.PROTECT, null=True, blank=True
    )

    class Meta:
        indexes = [models.Index(fields=["tracking_number"], name="shipping_tracking_number")]

    @property
    def is_shipped(self) -> bool:
        return self.shipped_at is not None


class ShipmentLine(models.Model):
    shipment = models.ForeignKey(Shipment, on_delete=models.CASCADE, related_name="lines")
    order_line = models.ForeignKey(
        "orders.OrderLine", on_delete=models.PROTECT, related_name="shipment_lines"
    )
    quantity = models.PositiveIntegerField(default=1)

    class Meta:
        unique_together = [("shipment", "order_line")]


class TrackingEvent(models.Model):
    shipment = models.ForeignKey(Shipment, on_delete=models.CASCADE, related_name="events")
    code = models.CharField(max_length=20)
    place = models.CharField(max_length=80, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["at", "id"]
