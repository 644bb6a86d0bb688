"""Settings of the shop back-office; SHOP_DB selects the database engine."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = "insecure-key-for-development"
DEBUG = False
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "accounts",
    "pricing",
    "catalog",
    "inventory",
    "cart",
    "orders",
    "payments",
    "shipping",
    "promotions",
    "reviews",
    "support",
    "content",
    "analytics",
    "auditing",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "shop.middleware.MaintenanceMiddleware",
]

ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

if os.environ.get("SHOP_DB_DRIVER") == "pymysql":
    import pymysql

    # Django asks for a version of the driver that PyMySQL stands in for.
    pymysql.version_info = (2, 2, 1, "final", 0)
    pymysql.install_as_MySQLdb()

ENGINES = {
    "sqlite": ("django.db.backends.sqlite3", ""),
    "postgresql": ("django.db.backends.postgresql", "5432"),
    "mysql": ("django.db.backends.mysql", "3306"),
    "mariadb": ("django.db.backends.mysql", "3306"),
}


def database_from_environment() -> dict:
    """Return the DATABASES entry that the SHOP_DB variables ask for."""
    choice = os.environ.get("SHOP_DB") or "sqlite"
    engine, default_port = ENGINES[choice]
    if choice == "sqlite":
        return {"ENGINE": engine, "NAME": BASE_DIR / "db.sqlite3"}
    entry = {
        "ENGINE": engine,
        "NAME": "shop",
        "USER": os.environ.get("SHOP_DB_USER", "shop"),
        "PASSWORD": os.environ.get("SHOP_DB_PASSWORD", ""),
        "HOST": os.environ.get("SHOP_DB_HOST", "127.0.0.1"),
        "PORT": os.environ.get("SHOP_DB_PORT", default_port),
    }
    if choice != "postgresql":
        entry["OPTIONS"] = {"charset": "utf8mb4"}
        entry["TEST"] = {"CHARSET": "utf8mb4"}
    return entry


DATABASES = {"default": database_from_environment()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "admin:login"
# A back-office for demonstrations; what Django uses otherwise would take most of a test's time.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "shop",
    },
}

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
MEDIA_URL = "/media/"
MEDIA_ROOT = BASE_DIR / "media"

DEFAULT_FROM_EMAIL = "shop@example.com"

# Their rows are created anew after a flush, with other keys.
TEST_NON_SERIALIZED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]

SHOP_MAX_CART_LINES = 50
SHOP_MAINTENANCE = False
