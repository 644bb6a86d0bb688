"""Helpers for slugs, codes and short texts."""

from django.utils.text import slugify


def unique_slug(name: str, taken: set[str]) -> str:
    """Return a slug of the name that is not among the taken ones."""
    base = slugify(name) or "item"
    slug, number = base, 2
    while slug in taken:
        slug, number = f"{base}-{number}", number + 1
    return slug


def mask_email(email: str) -> str:
    """Hide the local part of an address except its first letter."""
    local, _, domain = email.partition("@")
    if not local or not domain:
        raise ValueError(f"{email!r} is not an e-mail address.")
    return f"{local[0]}***@{domain}"


def normalise_code(code: str) -> str:
    """Return a code in capitals without spaces, as printed on coupons."""
    return "".join(code.split()).upper()


def ean_check_digit(digits: str) -> int:
    """Return the check digit of the first twelve digits of an EAN-13 number."""
    if len(digits) != 12 or not digits.isdigit():
        raise ValueError("An EAN-13 number has twelve digits before its check digit.")
    total = sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(digits))
    return -total % 10


def is_valid_ean(number: str) -> bool:
    """Tell whether the number is a well-formed EAN-13 number."""
    if len(number) != 13 or not number.isdigit():
        return False
    return ean_check_digit(number[:12]) == int(number[12])
