"""Settings of the project: SQLite by default, or what LEAKS_DB says: postgresql, mysql."""

import os
from pathlib import Path

BASE = Path(__file__).resolve().parent.parent
SECRET_KEY = "not-a-secret"
INSTALLED_APPS = ["shop"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
MEDIA_ROOT = BASE / "media"
RATE = 0.1
ENGINE = os.environ.get("LEAKS_DB", "sqlite3")
DATABASES = {
    "default": {
        "ENGINE": f"django.db.backends.{ENGINE}",
        "NAME": BASE / "db.sqlite3" if ENGINE == "sqlite3" else "leaks",
        "USER": "" if ENGINE == "sqlite3" else "leaks",
    }
}
