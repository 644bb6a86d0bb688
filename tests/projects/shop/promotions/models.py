"""Promotions, their rules, coupons and redemptions."""

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.utils import timezone

from shop.abstract import TimeStampedModel
from shop.constraints import check_constraint


class PromotionQuerySet(models.QuerySet):
    def active_at(self, moment) -> "PromotionQuerySet":
        ended = models.Q(ends_at__isnull=False, ends_at__lte=moment)
        return self.filter(is_enabled=True, starts_at__lte=moment).exclude(ended)


class Promotion(TimeStampedModel):
    class Kind(models.TextChoices):
        PERCENT = "percent", "Percentage"
        FIXED = "fixed", "Fixed amount"
        FREE_SHIPPING = "shipping", "Free shipping"

    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.PERCENT)
    value = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal("0.00"))
    starts_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField(null=True, blank=True)
    is_enabled = models.BooleanField(default=True)
    products = models.ManyToManyField("catalog.Product", blank=True, related_name="promotions")
    conditions = models.JSONField(default=dict, blank=True)

    objects = PromotionQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            check_constraint(condition=models.Q(value__gte=0), name="promotions_value_gte_0"),
            check_constraint(
                condition=models.Q(ends_at__isnull=True)
                | models.Q(ends_at__gt=models.F("starts_at")),
                name="promotions_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PromotionRule(models.Model):
    promotion = models.ForeignKey(Promotion, on_delete=models.CASCADE, related_name="rules")
    category = models.ForeignKey(
        "catalog.Category", on_delete=models.CASCADE, null=True, blank=True
    )
    min_total = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal("0.00"))


class Coupon(TimeStampedModel):
    promotion = models.ForeignKey(Promotion, on_delete=models.CASCADE, related_name="coupons")
    code = models.CharField(max_length=30, unique=True)
    usage_limit = models.PositiveIntegerField(null=True, blank=True)
    redeemers = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="CouponRedemption", related_name="coupons"
    )

    def __str__(self) -> str:
        return self.code

    @property
    def is_used_up(self) -> bool:
        return self.usage_limit is not None and self.redemptions.count() >= self.usage_limit


class CouponRedemption(models.Model):
    coupon = models.ForeignKey(Coupon, on_delete=models.CASCADE, related_name="redemptions")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="redemptions"
    )
    order = models.ForeignKey("orders.Order", on_delete=models.SET_NULL, null=True, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["coupon", "user"], name="promotions_coupon_once")
        ]
