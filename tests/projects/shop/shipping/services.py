"""Shipping quotes and shipments."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from orders.models import Order
from orders.services import change_status
from pricing.models import Country
from shipping.models import Shipment, ShippingMethod
from shop.money import round_money


class ShippingError(Exception):
    """The order cannot be shipped as asked."""


def cost(method: ShippingMethod, weight_grams: int, subtotal: Decimal) -> Decimal:
    """Return what a method costs for a parcel."""
    if method.free_from is not None and subtotal >= method.free_from:
        return Decimal("0.00")
    return round_money(method.base_cost + method.cost_per_kg * weight_grams / 1000)


def methods_for(country: Country, weight_grams: int = 0) -> list[ShippingMethod]:
    """Return the methods that deliver a parcel of this weight to the country."""
    methods = ShippingMethod.objects.filter(zone__countries=country).select_related("carrier")
    return [
        method
        for method in methods
        if method.max_weight_grams is None or weight_grams <= method.max_weight_grams
    ]


def weight_of(order: Order) -> int:
    lines = order.lines.select_related("variant__product")
    return sum(line.quantity * line.variant.product.weight_grams for line in lines)


@transaction.atomic
def ship(order: Order, at: datetime, method=None, tracking_number: str = "") -> Shipment:
    """Ship all lines of a paid order in one parcel."""
    if order.status != Order.Status.PAID:
        raise ShippingError("Only paid orders are shipped.")
    shipment = Shipment.objects.create(
        order=order, method=method, shipped_at=at, tracking_number=tracking_number
    )
    for line in order.lines.all():
        shipment.lines.create(order_line=line, quantity=line.quantity)
    shipment.events.create(code="shipped", at=at)
    change_status(order, Order.Status.SHIPPED)
    return shipment


@transaction.atomic
def register_event(shipment: Shipment, code: str, at: datetime, place: str = "") -> None:
    """Store a tracking event; the delivery completes the order."""
    shipment.events.create(code=code, at=at, place=place)
    if code == "delivered":
        change_status(shipment.order, Order.Status.DELIVERED)
