"""Settings of the project: SQLite by default, or what OUTCOMES_DB says: postgresql, mysql."""

import os
from pathlib import Path

SECRET_KEY = "not-a-secret"
INSTALLED_APPS = ["django.contrib.contenttypes", "library"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
# A flush makes content types again, under other keys than those in the serialized contents.
TEST_NON_SERIALIZED_APPS = ["django.contrib.contenttypes"]

if os.environ.get("OUTCOMES_DB_DRIVER") == "pymysql":
    import pymysql

    pymysql.version_info = (2, 2, 1, "final", 0)
    pymysql.install_as_MySQLdb()

if (engine := os.environ.get("OUTCOMES_DB", "sqlite")) != "sqlite":
    DATABASES = {
        "default": {
            "ENGINE": f"django.db.backends.{engine}",
            "NAME": "outcomes",
            "USER": os.environ.get("OUTCOMES_DB_USER", "outcomes"),
            "PASSWORD": os.environ.get("OUTCOMES_DB_PASSWORD", ""),
            "HOST": os.environ.get("OUTCOMES_DB_HOST", "127.0.0.1"),
            "PORT": os.environ.get("OUTCOMES_DB_PORT", ""),
        }
    }
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": Path(__file__).resolve().parent.parent / "db.sqlite3",
        }
    }
