"""Page views, searches, daily sales and saved reports."""

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.utils import timezone

from shop.constraints import check_constraint


class PageView(models.Model):
    path = models.CharField(max_length=200)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True
    )
    product = models.ForeignKey(
        "catalog.Product",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="page_views",
    )
    at = models.DateTimeField(default=timezone.now)
    query = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["path", "at"], name="analytics_view_path_at")]


class SearchQuery(models.Model):
    text = models.CharField(max_length=120)
    results = models.PositiveIntegerField(default=0)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "search queries"


class DailySales(models.Model):
    day = models.DateField()
    currency = models.ForeignKey("pricing.Currency", on_delete=models.PROTECT, default="EUR")
    order_count = models.PositiveIntegerField(default=0)
    revenue = models.DecimalField(max_digits=14, decimal_places=2, default=Decimal("0.00"))

    class Meta:
        ordering = ["day"]
        verbose_name_plural = "daily sales"
        constraints = [
            check_constraint(condition=models.Q(revenue__gte=0), name="analytics_revenue_gte_0"),
            models.UniqueConstraint(fields=["day", "currency"], name="analytics_day_currency"),
        ]

    @property
    def average_order(self) -> Decimal:
        if not self.order_count:
            return Decimal("0.00")
        return (self.revenue / self.order_count).quantize(Decimal("0.01"))


class ReportDefinition(models.Model):
    code = models.SlugField(max_length=40, unique=True)
    title = models.CharField(max_length=120)
    options = models.JSONField(default=dict, blank=True)
    readers = models.ManyToManyField("accounts.StaffRole", blank=True, related_name="reports")

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.title
