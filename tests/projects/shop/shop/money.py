"""Rounding, formatting and splitting of amounts of money.

>>> round_money("2.345")
Decimal('2.35')
>>> format_money("1234.5", "EUR")
'1,234.50 EUR'
>>> split_evenly("10.00", 3)
[Decimal('3.34'), Decimal('3.33'), Decimal('3.33')]
"""

from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


def round_money(amount: Decimal | str | int, decimals: int = 2) -> Decimal:
    """Round half up to the given number of decimals.

    >>> round_money("0.125")
    Decimal('0.13')
    >>> round_money("149.5", decimals=0)
    Decimal('150')
    """
    return Decimal(amount).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)


def format_money(amount: Decimal | str | int, currency: str) -> str:
    """Format an amount with thousands separators and its currency code.

    >>> format_money(7, "CHF")
    '7.00 CHF'
    """
    return f"{round_money(amount):,} {currency}"


def split_evenly(amount: Decimal | str, parts: int) -> list[Decimal]:
    """Split an amount into parts that differ by one cent at most.

    >>> sum(split_evenly("0.05", 2))
    Decimal('0.05')
    """
    if parts < 1:
        raise ValueError("An amount can only be split into one part or more.")
    cents = int(round_money(amount) / CENT)
    share, rest = divmod(cents, parts)
    return [CENT * (share + (1 if index < rest else 0)) for index in range(parts)]


def percentage_of(amount: Decimal | str, percent: Decimal | str | int) -> Decimal:
    """Return the given percentage of an amount, rounded to cents.

    >>> percentage_of("19.99", 10)
    Decimal('2.00')
    """
    return round_money(Decimal(amount) * Decimal(percent) / 100)
