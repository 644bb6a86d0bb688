"""Settings of the depots: several databases, on servers that the DEPOT variables name."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = "not-a-secret"
ALLOWED_HOSTS = ["localhost"]

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "catalogue",
    "ledger",
    "legacy",
    "archive",
]
ROOT_URLCONF = "depot.urls"

if os.environ.get("DEPOT_DB_DRIVER") == "pymysql":
    import pymysql

    # Django asks for a version of the driver that PyMySQL stands in for.
    pymysql.version_info = (2, 2, 1, "final", 0)
    pymysql.install_as_MySQLdb()

POSTGRESQL = {
    "ENGINE": "django.db.backends.postgresql",
    "NAME": "depot",
    "USER": os.environ.get("DEPOT_PG_USER", "depot"),
    "PASSWORD": "",
    "HOST": os.environ.get("DEPOT_PG_HOST", "127.0.0.1"),
    "PORT": os.environ.get("DEPOT_PG_PORT", ""),
}

DATABASES = {
    "default": POSTGRESQL,
    "replica": {**POSTGRESQL, "TEST": {"MIRROR": "default"}},
    "ledger": {**POSTGRESQL, "NAME": "depot_ledger", "TEST": {"DEPENDENCIES": ["default"]}},
    "legacy": {
        "ENGINE": "django.db.backends.mysql",
        "NAME": "legacy",
        "USER": os.environ.get("DEPOT_MYSQL_USER", "depot"),
        "PASSWORD": "",
        "HOST": os.environ.get("DEPOT_MYSQL_HOST", "127.0.0.1"),
        "PORT": os.environ.get("DEPOT_MYSQL_PORT", ""),
        "OPTIONS": {"charset": "utf8mb4"},
        "ATOMIC_REQUESTS": True,
        "TEST": {
            "CHARSET": "utf8mb4",
            "COLLATION": "utf8mb4_unicode_ci",
            "DEPENDENCIES": ["default"],
        },
    },
    "archive": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"},
    # A second server, which no test uses.
    "unused": {**POSTGRESQL, "NAME": "unused", "HOST": "nowhere.invalid"},
}
DATABASE_ROUTERS = ["depot.routers.DepotRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TIME_ZONE = "Europe/Berlin"
USE_TZ = True

# Their rows are created anew after a flush, with other keys.
TEST_NON_SERIALIZED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]
