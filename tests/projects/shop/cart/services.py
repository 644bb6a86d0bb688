"""Filling, merging and closing carts."""

from django.conf import settings
from django.db import transaction

from cart.models import Cart, CartLine, Wishlist
from catalog.models import Product, ProductVariant


class CartError(Exception):
    """The cart cannot be changed as asked."""


@transaction.atomic
def add_to_cart(cart: Cart, variant: ProductVariant, quantity: int = 1) -> CartLine:
    """Put a variant into the cart or increase its quantity."""
    if not cart.is_open:
        raise CartError("The cart is closed.")
    if quantity < 1:
        raise CartError("The quantity must be one or more.")
    if not variant.is_active:
        raise CartError(f"{variant} is not for sale.")
    line = cart.lines.filter(variant=variant).first()
    if line is None:
        if cart.lines.count() >= settings.SHOP_MAX_CART_LINES:
            raise CartError("The cart is full.")
        return cart.lines.create(variant=variant, quantity=quantity)
    line.quantity += quantity
    line.save(update_fields=["quantity"])
    return line


def set_quantity(cart: Cart, variant: ProductVariant, quantity: int) -> None:
    """Set the quantity of a line; zero removes it."""
    if quantity < 1:
        cart.lines.filter(variant=variant).delete()
    else:
        cart.lines.update_or_create(variant=variant, defaults={"quantity": quantity})


@transaction.atomic
def merge_carts(guest: Cart, own: Cart) -> Cart:
    """Move the lines of a guest's cart into the customer's own one."""
    for line in guest.lines.select_related("variant"):
        add_to_cart(own, line.variant, line.quantity)
    guest.delete()
    return own


def wish_for(user, product: Product, note: str = "") -> bool:
    """Put a product on the wish list and tell whether it is new there."""
    wishlist, _ = Wishlist.objects.get_or_create(user=user)
    _, created = wishlist.items.get_or_create(product=product, defaults={"note": note})
    return created
