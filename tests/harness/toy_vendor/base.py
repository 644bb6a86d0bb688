"""Django's backend for the toy vendor."""

from __future__ import annotations

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """PostgreSQL's under another name."""

    vendor = "toy"
    display_name = "ToyDB"
