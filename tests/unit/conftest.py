"""What unit tests share."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def configured_django() -> None:
    """Django with an SQLite database in memory, unless it has settings already."""
    import django
    from django.conf import settings

    if not settings.configured:
        settings.configure(
            DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
            USE_TZ=True,
        )
        django.setup()
