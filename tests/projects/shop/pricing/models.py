"""Currencies, countries, taxes and price lists."""

from decimal import Decimal

from django.db import models
from django.utils import timezone

from shop.constraints import check_constraint


class Currency(models.Model):
    code = models.CharField(max_length=3, primary_key=True)
    name = models.CharField(max_length=60)
    symbol = models.CharField(max_length=4, blank=True)
    decimals = models.PositiveSmallIntegerField(default=2)

    class Meta:
        ordering = ["code"]
        verbose_name_plural = "currencies"

    def __str__(self) -> str:
        return self.code


class Country(models.Model):
    code = models.CharField(max_length=2, primary_key=True)
    name = models.CharField(max_length=80)
    in_eu = models.BooleanField(default=False)
    currency = models.ForeignKey(
        Currency, on_delete=models.PROTECT, null=True, blank=True, related_name="countries"
    )

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "countries"

    def __str__(self) -> str:
        return self.name


class TaxClass(models.Model):
    code = models.SlugField(max_length=30, unique=True)
    name = models.CharField(max_length=60)
    is_default = models.BooleanField(default=False)

    class Meta:
        ordering = ["code"]
        verbose_name_plural = "tax classes"

    def __str__(self) -> str:
        return self.name


class TaxRate(models.Model):
    tax_class = models.ForeignKey(TaxClass, on_delete=models.CASCADE, related_name="rates")
    country = models.ForeignKey(Country, on_delete=models.CASCADE, related_name="tax_rates")
    percent = models.DecimalField(max_digits=5, decimal_places=2, default=Decimal("0.00"))
    valid_from = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tax_class", "country"], name="pricing_taxrate_unique"),
            check_constraint(
                condition=models.Q(percent__gte=0, percent__lte=100),
                name="pricing_taxrate_percent_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tax_class} in {self.country}: {self.percent}%"


class PriceList(models.Model):
    name = models.CharField(max_length=80, unique=True)
    currency = models.ForeignKey(Currency, on_delete=models.PROTECT, related_name="price_lists")
    customers = models.ManyToManyField("accounts.User", blank=True, related_name="price_lists")
    priority = models.IntegerField(default=0)

    class Meta:
        ordering = ["-priority", "name"]

    def __str__(self) -> str:
        return self.name


class Price(models.Model):
    price_list = models.ForeignKey(PriceList, on_delete=models.CASCADE, related_name="prices")
    variant = models.ForeignKey(
        "catalog.ProductVariant", on_delete=models.CASCADE, related_name="prices"
    )
    min_quantity = models.PositiveIntegerField(default=1)
    amount = models.DecimalField(max_digits=12, decimal_places=2)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["price_list", "variant", "min_quantity"], name="pricing_price_unique"
            ),
            check_constraint(condition=models.Q(amount__gte=0), name="pricing_price_amount_gte_0"),
        ]


class ExchangeRate(models.Model):
    base = models.ForeignKey(Currency, on_delete=models.CASCADE, related_name="rates_from")
    quote = models.ForeignKey(Currency, on_delete=models.CASCADE, related_name="rates_to")
    rate = models.DecimalField(max_digits=14, decimal_places=6)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        get_latest_by = "at"
        indexes = [models.Index(fields=["at"], name="pricing_exchangerate_at")]
