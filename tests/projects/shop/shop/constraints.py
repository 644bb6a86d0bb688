"""Check constraints that can be declared on every supported Django version."""

import django
from django.db import models


def check_constraint(*, condition: models.Q, name: str) -> models.CheckConstraint:
    """Build a check constraint; its condition argument was called check before Django 5.1."""
    keyword = "condition" if django.VERSION >= (5, 1) else "check"
    return models.CheckConstraint(**{keyword: condition}, name=name)
