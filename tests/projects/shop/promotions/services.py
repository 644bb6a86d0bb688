"""Discounts and coupons."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from promotions.models import Coupon, CouponRedemption, Promotion
from shop.money import percentage_of, round_money
from shop.text import normalise_code


class CouponError(Exception):
    """The coupon cannot be redeemed."""


def discount(promotion: Promotion, total: Decimal) -> Decimal:
    """Return what a promotion takes off a total, never more than the total."""
    if promotion.kind == Promotion.Kind.PERCENT:
        return min(percentage_of(total, promotion.value), total)
    if promotion.kind == Promotion.Kind.FIXED:
        return min(round_money(promotion.value), total)
    return Decimal("0.00")


def best_promotion(total: Decimal, at: datetime) -> Promotion | None:
    """Return the active promotion with the highest discount for a total."""
    candidates = [
        promotion
        for promotion in Promotion.objects.active_at(at).prefetch_related("rules")
        if all(rule.min_total <= total for rule in promotion.rules.all())
    ]
    return max(candidates, key=lambda promotion: discount(promotion, total), default=None)


@transaction.atomic
def redeem(code: str, user, at: datetime, order=None) -> CouponRedemption:
    """Redeem a coupon once for a user."""
    coupon = Coupon.objects.select_for_update().filter(code=normalise_code(code)).first()
    if coupon is None:
        raise CouponError("There is no such coupon.")
    if not Promotion.objects.active_at(at).filter(pk=coupon.promotion_id).exists():
        raise CouponError("The promotion is not active.")
    if coupon.is_used_up:
        raise CouponError("The coupon is used up.")
    if coupon.redemptions.filter(user=user).exists():
        raise CouponError("The coupon was redeemed before.")
    return coupon.redemptions.create(user=user, order=order, at=at)
