"""Menus and the newsletter."""

from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.validators import validate_email

from content.models import FaqEntry, MenuItem, NewsletterSubscriber

FAQ_KEY = "content:faq"


def subscribe(email: str, source: str = "") -> bool:
    """Subscribe an address and tell whether it is new."""
    email = email.strip().lower()
    validate_email(email)
    _, created = NewsletterSubscriber.objects.get_or_create(
        email=email, defaults={"source": source}
    )
    if created:
        send_mail("Please confirm", "Please confirm your subscription.", None, [email])
    return created


def is_email(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def menu_tree() -> list[dict]:
    """Return the menu as nested lists of labels."""
    items = list(MenuItem.objects.all())

    def branch(parent_id: int | None) -> list[dict]:
        return [
            {"label": item.label, "children": branch(item.pk)}
            for item in items
            if item.parent_id == parent_id
        ]

    return branch(None)


def cached_faq() -> list[tuple[str, str]]:
    """Return questions with their answers, from the cache if possible."""
    return cache.get_or_set(
        FAQ_KEY, lambda: list(FaqEntry.objects.values_list("question", "answer")), 60
    )
