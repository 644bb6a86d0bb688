"""Settings of a project with places on the map; PLACES_DB is postgis or spatialite."""

import os

SECRET_KEY = "not-a-secret"
INSTALLED_APPS = ["django.contrib.gis", "places"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

if os.environ.get("PLACES_DB") == "spatialite":
    DATABASES = {
        "default": {
            "ENGINE": "django.contrib.gis.db.backends.spatialite",
            "NAME": "db.sqlite3",
        }
    }
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.contrib.gis.db.backends.postgis",
            "NAME": "places",
            "USER": "places",
            "HOST": "127.0.0.1",
            "PORT": "1",
        }
    }
