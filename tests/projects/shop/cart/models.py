"""Shopping carts and wish lists."""

import secrets
import uuid
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.utils import timezone

from shop.abstract import TimeStampedModel
from shop.constraints import check_constraint


def new_share_token() -> str:
    """Return a random token for sharing a wish list by link."""
    return secrets.token_urlsafe(16)


class Cart(TimeStampedModel):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="carts",
    )
    currency = models.ForeignKey("pricing.Currency", on_delete=models.PROTECT, default="EUR")
    is_open = models.BooleanField(default=True)
    coupon_code = models.CharField(max_length=30, blank=True)
    metadata = models.JSONField(default=dict, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["user"], condition=models.Q(is_open=True), name="cart_open_by_user"
            )
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def subtotal(self) -> Decimal:
        return sum(
            (line.total for line in self.lines.select_related("variant__product")), Decimal("0.00")
        )

    @property
    def item_count(self) -> int:
        return self.lines.aggregate(n=models.Sum("quantity"))["n"] or 0


class CartLine(models.Model):
    cart = models.ForeignKey(Cart, on_delete=models.CASCADE, related_name="lines")
    variant = models.ForeignKey("catalog.ProductVariant", on_delete=models.CASCADE)
    quantity = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["cart", "variant"], name="cart_variant_once"),
            check_constraint(condition=models.Q(quantity__gte=1), name="cart_line_quantity_gte_1"),
        ]

    @property
    def total(self) -> Decimal:
        return self.variant.unit_price * self.quantity


class Wishlist(models.Model):
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="wishlist"
    )
    products = models.ManyToManyField(
        "catalog.Product", through="WishlistItem", related_name="wishlists"
    )
    share_token = models.CharField(max_length=40, default=new_share_token, unique=True)


class WishlistItem(models.Model):
    wishlist = models.ForeignKey(Wishlist, on_delete=models.CASCADE, related_name="items")
    product = models.ForeignKey("catalog.Product", on_delete=models.CASCADE)
    added_at = models.DateTimeField(default=timezone.now)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        unique_together = [("wishlist", "product")]
