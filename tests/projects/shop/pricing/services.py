"""Prices, taxes and conversion between currencies."""

from datetime import datetime
from decimal import Decimal

from django.db.models import Q

from catalog.models import ProductVariant
from pricing.models import Country, Currency, ExchangeRate, Price, TaxClass, TaxRate
from shop.money import percentage_of, round_money


class NoExchangeRate(LookupError):
    """No exchange rate is known for a pair of currencies."""


def tax_percent(tax_class: TaxClass | None, country: Country) -> Decimal:
    """Return the tax rate in a country; products without a class have the default one."""
    if tax_class is None:
        tax_class = TaxClass.objects.filter(is_default=True).first()
    rate = TaxRate.objects.filter(tax_class=tax_class, country=country).first()
    return rate.percent if rate else Decimal("0.00")


def gross_amount(net: Decimal, percent: Decimal) -> Decimal:
    return round_money(net + percentage_of(net, percent))


def net_amount(gross: Decimal, percent: Decimal) -> Decimal:
    return round_money(gross / (1 + percent / 100))


def unit_price(variant: ProductVariant, quantity: int = 1, user=None) -> Decimal:
    """Return the best price of the user's lists, or else the variant's own price."""
    if user is not None:
        price = (
            Price.objects.filter(variant=variant, min_quantity__lte=quantity)
            .filter(Q(price_list__customers=user))
            .order_by("-price_list__priority", "amount")
            .first()
        )
        if price is not None:
            return price.amount
    return variant.unit_price


def convert(amount: Decimal, base: Currency, quote: Currency, at: datetime) -> Decimal:
    """Convert an amount with the latest rate known at the given time."""
    if base == quote:
        return round_money(amount, quote.decimals)
    rates = ExchangeRate.objects.filter(at__lte=at).order_by("-at")
    direct = rates.filter(base=base, quote=quote).first()
    if direct is not None:
        return round_money(amount * direct.rate, quote.decimals)
    inverse = rates.filter(base=quote, quote=base).first()
    if inverse is None:
        raise NoExchangeRate(f"{base} to {quote}")
    return round_money(amount / inverse.rate, quote.decimals)
