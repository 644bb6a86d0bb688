"""The loaded project says which classes are models, views and tests, and which register."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FILES = {
    "config/__init__.py": "",
    "config/base.py": "NAME = 'a'\n",
    "config/settings.py": """
from config.base import *
SECRET_KEY = "secret"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "shop"]
MIDDLEWARE = ["shop.views.Middleware"]
STORAGES = {"default": {"BACKEND": "shop.views.Storage"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
""",
    "shop/__init__.py": "",
    "shop/migrations/__init__.py": "",
    "shop/models.py": """
from django.db import models

class Named(models.Model):
    name = models.CharField(max_length=10)
    class Meta:
        abstract = True

class Customer(Named):
    friends = models.ManyToManyField("self")

class Order(Named):
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE)
""",
    "shop/views.py": """
from django.views import View

class Middleware: pass
class Storage: pass

class OrderView(View): pass

class Meta(type): pass
class WithMeta(metaclass=Meta): pass

class Plugin:
    def __init_subclass__(cls): pass
class Own(Plugin): pass
""",
    "shop/tests.py": """
from django.test import SimpleTestCase
from shop import views

class Mixin: pass
class OrderTests(Mixin, SimpleTestCase): pass
""",
}

PROGRAM = """
import json, os, sys
sys.path.insert(0, os.getcwd())
import django
django.setup()
from shop.tests import OrderTests
from ctest_containers.impact.loaded import loaded_project
from ctest_containers.recording.portable_paths import PortablePaths
loaded = loaded_project(PortablePaths.here(), {OrderTests})

def plain(value):
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return sorted(".".join(item) if isinstance(item, tuple) else item for item in value)

print(json.dumps({
    "modules": plain(loaded.modules),
    "hooked": {name: plain(kinds) for name, kinds in loaded.hints.hooked.items() if kinds},
    "settings": plain(loaded.hints.settings),
    "skipped": plain(loaded.hints.skipped),
    "named": [name for name in plain(loaded.named) if name.startswith("shop.")],
    "names": [name for name in plain(loaded.settings) if name in {"NAME", "MIDDLEWARE"}],
    "observed": plain(loaded.observed),
    "tables": plain(loaded.tables),
    "models": plain(loaded.models),
    "relations": plain(loaded.relations),
    "tests": plain(loaded.tests),
    "migrations": plain(loaded.migrations),
}))
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("loaded")
    for name, text in FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    here = str(Path(__file__).parents[3])
    environment = {"PYTHONPATH": here, "DJANGO_SETTINGS_MODULE": "config.settings"}
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=folder,
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
    )
    facts: dict[str, Any] = json.loads(answer.stdout)
    return facts


def test_the_modules_are_the_project_s(loaded: dict[str, Any]) -> None:
    assert loaded["modules"] == sorted(
        name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for name in FILES
        if name != "shop/migrations/__init__.py"
    )
    assert loaded["settings"] == ["config.base", "config.settings"]
    assert loaded["skipped"] == ["shop.migrations."]
    assert loaded["migrations"] == ["shop.migrations"]
    assert loaded["names"] == ["MIDDLEWARE", "NAME"]


def test_classes_that_may_register_themselves_are_hooked(loaded: dict[str, Any]) -> None:
    assert loaded["hooked"] == {"shop.views": ["Own", "WithMeta"]}


def test_classes_are_named_in_settings(loaded: dict[str, Any]) -> None:
    assert loaded["named"] == ["shop.views.Middleware", "shop.views.Storage"]


def test_models_views_and_tests_are_observed(loaded: dict[str, Any]) -> None:
    assert loaded["observed"] == [
        "shop.models.Customer",
        "shop.models.Named",
        "shop.models.Order",
        "shop.tests.OrderTests",
        "shop.views.OrderView",
    ]
    assert loaded["tests"] == {
        "shop.tests.OrderTests": ["shop.tests.Mixin", "shop.tests.OrderTests"]
    }


def test_a_table_belongs_to_its_models(loaded: dict[str, Any]) -> None:
    tables = {name: kinds for name, kinds in loaded["tables"].items() if name.startswith("shop_")}
    assert tables == {
        "shop_customer": ["shop.models.Customer", "shop.models.Named"],
        "shop_customer_friends": ["shop.models.Customer"],
        "shop_order": ["shop.models.Named", "shop.models.Order"],
    }
    assert loaded["models"]["shop.order"] == ["shop.models.Named", "shop.models.Order"]


def test_a_model_has_relations_to_those_that_refer_to_it(loaded: dict[str, Any]) -> None:
    relations = {
        key: sorted({name.rpartition(" ")[0] for name in names})
        for key, names in loaded["relations"].items()
        if key.startswith("shop.")
    }

    assert relations == {
        "shop.customer shop_customer": [
            "shop.models.Customer friends",
            "shop.models.Customer_friends from_customer",
            "shop.models.Customer_friends to_customer",
            "shop.models.Order customer",
        ]
    }
