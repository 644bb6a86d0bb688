"""Placing, changing and cancelling orders."""

from functools import partial

from django.core.mail import send_mail
from django.db import transaction

from cart.models import Cart
from inventory.services import release, reserve
from orders.models import Order, OrderLine, ReturnRequest
from pricing.services import tax_percent, unit_price

ALLOWED = {
    Order.Status.NEW: {Order.Status.PAID, Order.Status.CANCELLED},
    Order.Status.PAID: {Order.Status.SHIPPED, Order.Status.CANCELLED},
    Order.Status.SHIPPED: {Order.Status.DELIVERED},
    Order.Status.DELIVERED: set(),
    Order.Status.CANCELLED: set(),
}


class OrderError(Exception):
    """The order cannot be placed or changed as asked."""


def send_confirmation(order: Order) -> None:
    send_mail(
        f"Your order {order.number}",
        f"Thank you for your order of {order.total} {order.currency_id}.",
        None,
        [order.customer.email],
    )


@transaction.atomic
def place_order(cart: Cart, number: str, ship_to=None) -> Order:
    """Turn an open cart into an order, reserve its stock and confirm it by mail."""
    lines = list(cart.lines.select_related("variant__product__tax_class"))
    if not cart.is_open or not lines:
        raise OrderError("There is nothing to order.")
    order = Order.objects.create(
        number=number, customer=cart.user, currency=cart.currency, cart=cart, ship_to=ship_to
    )
    for line in lines:
        reserve(line.variant, line.quantity)
        product = line.variant.product
        country = ship_to.country if ship_to else None
        OrderLine.objects.create(
            order=order,
            variant=line.variant,
            description=product.name,
            quantity=line.quantity,
            unit_price=unit_price(line.variant, line.quantity, cart.user),
            tax_percent=tax_percent(product.tax_class, country) if country else 0,
        )
    cart.is_open = False
    cart.save(update_fields=["is_open"])
    order.status_changes.create(new=order.status)
    transaction.on_commit(partial(send_confirmation, order))
    return order


@transaction.atomic
def change_status(order: Order, new: str) -> None:
    """Move the order to a new status if that is allowed, and remember the change."""
    if new not in ALLOWED[order.status]:
        raise OrderError(f"{order} cannot go from {order.status} to {new}.")
    order.status_changes.create(old=order.status, new=new)
    order.status = new
    order.save(update_fields=["status", "updated_at"])


@transaction.atomic
def cancel_order(order: Order) -> None:
    """Cancel an order that was not shipped and release its stock."""
    change_status(order, Order.Status.CANCELLED)
    for line in order.lines.select_related("variant"):
        release(line.variant, line.quantity)


@transaction.atomic
def request_return(line: OrderLine, quantity: int, reason: str) -> ReturnRequest:
    """Register that a customer wants to send back part of a delivered order."""
    if line.order.status != Order.Status.DELIVERED:
        raise OrderError("Only delivered orders can be returned.")
    if quantity > line.quantity:
        raise OrderError("More was returned than ordered.")
    request = ReturnRequest.objects.create(order=line.order, reason=reason)
    request.lines.create(order_line=line, quantity=quantity)
    return request
