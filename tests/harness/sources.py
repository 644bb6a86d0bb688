"""Projects whose migrations take rows from everywhere, and edits of what they take."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

SETTINGS = """
import json
import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent
SECRET_KEY = "not-a-secret"
INSTALLED_APPS = [
    "django.contrib.auth", "django.contrib.contenttypes", "stock.apps.StockConfig"
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("DATABASE", "db.sqlite3"),
    }
}
OWN_NUMBER = json.loads((BASE_DIR / "numbers.json").read_text())["setting"]
DEFAULT_FROM_EMAIL = json.loads((BASE_DIR / "numbers.json").read_text())["sender"]
"""

MANAGE = """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""

FILES = {
    "settings.py": SETTINGS,
    "manage.py": MANAGE,
    "numbers.json": "{numbers}",
    "stock/__init__.py": "",
    "stock/models.py": "",
    "stock/tests.py": """
from django.test import TestCase

class AnyTest(TestCase):
    def test_it(self):
        pass
""",
    "stock/apps.py": """
from django.apps import AppConfig

class StockConfig(AppConfig):
    name = "stock"
    number = {attribute_of_an_app}

    def ready(self):
        from stock import patched

        def number():
            return {replaced_function}

        patched.number = number
""",
    "stock/patched.py": "def number():\n    return 0\n",
    "stock/far.py": """
VALUE = {constant}
UNUSED = 1

def function():
    return {function}

def unused():
    return 'unused'

def with_default(number={default}):
    return number
""",
    "stock/near.py": "from stock.far import *\nfrom stock import far\n",
    "stock/registry.py": """
KINDS = {{}}

class Kind:
    number = 0

    def __init_subclass__(cls):
        KINDS[cls.__name__] = cls

    def value(self):
        return self.number
""",
    "stock/kinds.py": """
import os
from stock.registry import Kind

class Plain(Kind):
    number = {attribute}

class FromEnvironment(Kind):
    number = int(os.environ.get("AT_IMPORT", "0"))
""",
    "stock/first.py": "def chosen():\n    return 1\n",
    "stock/second.py": "def chosen():\n    return 2\n",
    "stock/choice.py": """
import os

if os.environ.get("CHOICE", "0") == "0":
    from stock.first import chosen
else:
    from stock.second import chosen
""",
    "stock/rows.py": """
import json
import os
from pathlib import Path

from django.apps import apps as real_apps
from django.conf import settings

from stock import choice, kinds, near, patched
from stock.registry import KINDS

BASE = Path(__file__).resolve().parent.parent

def rows():
    yield near.VALUE
    yield near.far.function()
    yield near.with_default()
    yield from (kind().value() for _, kind in sorted(KINDS.items()))
    yield int(os.environ.get("WHEN_CALLED", "0"))
    yield choice.chosen()
    yield (BASE / "seed" / "rows.txt").read_text().strip()
    yield len([*(BASE / "seed").glob("*.txt")])
    yield getattr(settings, "OWN_" + "NUMBER")
    yield getattr(settings, "DEFAULT_FROM_" + "EMAIL")
    yield patched.number()
    yield real_apps.get_app_config("stock").number
""",
    "stock/migrations/__init__.py": "",
    "stock/migrations/0001_first.py": """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("auth", "0012_alter_user_first_name_max_length")]
    operations = [
        migrations.CreateModel(
            "Item", [("id", models.BigAutoField(primary_key=True)), ("text", models.TextField())]
        )
    ]
""",
    "seed/rows.txt": "{file}\n",
}

MIGRATION = """
from django.db import migrations
from stock.rows import rows

def fill(apps, schema_editor):
    Item = apps.get_model("stock", "Item")
    Permission = apps.get_model("auth", "Permission")
    for one in rows():
        Item.objects.create(text=f"{literal} {{one}}")
    if {grants}:
        Item.objects.create(text=f"permissions {{Permission.objects.count()}}")

class Migration(migrations.Migration):
    dependencies = [("stock", {before!r})]
    operations = [migrations.RunPython(fill)]
"""

NUMBERS = (
    *("attribute_of_an_app", "replaced_function", "constant", "function", "default"),
    *("attribute", "file"),
)
"""What is a number in a file of the project."""

VARIABLES = ("AT_IMPORT", "WHEN_CALLED", "CHOICE")
IN_JSON = ("setting", "sender")


@dataclass(slots=True)
class Sources:
    """Such a project, and what its files and environment say now.

    Args:
        folder: Where the project is.
    """

    folder: Path
    numbers: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys((*NUMBERS, *VARIABLES, *IN_JSON), 0)
    )
    migrations: list[tuple[int, bool]] = field(default_factory=lambda: [(0, False)])
    files: int = 1
    comments: int = 0
    line_end: str = "\n"
    neutral: dict[str, str] = field(default_factory=dict)

    @property
    def variables(self) -> dict[str, str]:
        """Those of its environment."""
        return {name: str(self.numbers[name] % 2 if name == "CHOICE" else self.numbers[name])
                for name in VARIABLES} | self.neutral  # fmt: skip

    def write(self) -> None:
        """Write all files as they are to be now."""
        in_json = json.dumps({name: self.numbers[name] for name in IN_JSON})
        for name, text in FILES.items():
            filled = text
            if name not in {"settings.py", "manage.py", "stock/rows.py", "stock/registry.py"}:
                filled = text.format(numbers=in_json, **{n: self.numbers[n] for n in NUMBERS})
            elif name == "stock/registry.py":
                filled = text.format()
            self._write(name, filled)
        before = "0001_first"
        for number, (literal, grants) in enumerate(self.migrations, 2):
            text = MIGRATION.format(literal=literal, grants=grants, before=before)
            before = f"{number:04}_fill"
            self._write(f"stock/migrations/{before}.py", text)
        for number in range(2, self.files + 1):
            self._write(f"seed/more{number}.txt", "")

    def edit(self, kind: int, number: int) -> None:
        """Change something that migrations use."""
        names = list(self.numbers)
        if kind < len(names):
            self.numbers[names[kind]] += 1 + number % 3
        elif kind == len(names):
            self.files += 1
        elif kind == len(names) + 1:
            self.migrations.append((number, number % 3 == 0))
        else:
            index = number % len(self.migrations)
            literal, grants = self.migrations[index]
            self.migrations[index] = (literal + 1, not grants)
        self.write()

    def edit_nothing(self, kind: int, number: int) -> None:
        """Change something that they do not use."""
        if kind == 0:
            self.comments += 1
        elif kind == 1:
            self.line_end = "\r\n" if self.line_end == "\n" else "\n"
        elif kind == 2:
            self.neutral["UNRELATED"] = str(number)
        elif kind == 3:
            self.neutral["PYTHONHASHSEED"] = str(number)
        elif kind == 4:
            moved = self.folder.parent.with_name(f"elsewhere{number}") / self.folder.name
            moved.parent.mkdir(exist_ok=True)
            if not moved.exists():
                shutil.move(self.folder, moved)
                self.folder = moved
        elif kind == 5:
            (self.folder / f"notes{number}.md").write_text("notes\n")
        self.write()

    def _write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name == "stock/far.py":
            text = text.replace("return 'unused'", f"return {self.comments}")
        if name.endswith(".py") and "migrations" not in name:
            text = f"# {self.comments}\n{text}"
        data = text.replace("\n", self.line_end).encode()
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)


EDITS = len(NUMBERS) + len(VARIABLES) + len(IN_JSON) + 3
"""How many kinds of edits there are."""

NEUTRAL_EDITS = 6
"""How many kinds of those that change nothing."""
