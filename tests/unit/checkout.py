"""Small Django projects in folders, and what the toolkit reads from them in a fresh interpreter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SETTINGS = """
from pathlib import Path
BASE_DIR = Path(__file__).parent
SECRET_KEY = "secret"
INSTALLED_APPS = ["shop", "plain"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "shop",
        "USER": "shop",
        "PASSWORD": "hunter2",
        "HOST": "db.example",
        "PORT": "5432",
    },
    "other": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "other.sqlite3"},
}
"""

MIGRATION = """
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel("Item", [("id", models.BigAutoField(primary_key=True))]),
    ]
"""

SHOP_MODELS = """
from django.db import models


class Item(models.Model):
    pass
"""

PLAIN_MODELS = """
from django.db import models


def code():
    return 1


class Note(models.Model):
    text = models.CharField(max_length=10, default="x")
    number = models.IntegerField(default=code)
    tags = models.ManyToManyField("self")

    class Meta:
        constraints = [
            models.CheckConstraint(CONDITION=models.Q(number__gt=0), name="number_positive")
        ]
"""

_PROGRAM = """
import json, os, sys

import django.db.backends.postgresql.base, django.db.backends.sqlite3.base
import django.core.files.storage
from ctest_containers.errors import CtestError
from ctest_containers.project.databases import plan_databases
from ctest_containers.project.migrations import migrations_of, read_plan
from ctest_containers.project.schema import schema_inputs


def misplaced(added):
    plan = read_plan()
    return plan.misplaced([name for name in plan.steps if name not in added])


def answer(question):
    os.chdir(question["folder"])
    sys.path.insert(0, question["folder"])
    django.setup()
    plans = plan_databases()
    used = question["used"]
    groups = plans.groups if used is None else plans.select(used)
    described = {
        group.label: [[one.name, list(one.aliases), list(one.users)] for one in group.databases]
        for group in groups
    }
    inputs = []
    for group in groups:
        if group.label == question["group"]:
            inputs = list(schema_inputs(group, extra_files=question["files"]))
    return {
        "groups": described,
        "inputs": [[one.name, one.digest] for one in inputs],
        "misplaced": misplaced(question["added"]) if question["added"] else [],
        "migrations": migrations_of(["default"]) if question["added"] else [],
    }


for line in sys.stdin:
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        continue
    try:
        found = answer(json.loads(line))
    except CtestError as error:
        found = {"error": [type(error).__name__, error.message, error.hint]}
    except BaseException as error:
        found = {"error": [type(error).__name__, repr(error), ""]}
    print(json.dumps(found), flush=True)
    os._exit(0)
"""


class Interpreter:
    """An interpreter that has Django loaded, and loads each project in a fork of its own."""

    def __init__(self, *, hash_seed: str = "random") -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": str(Path(__file__).parents[2]),
                "PYTHONHASHSEED": hash_seed,
                "PYTHONDONTWRITEBYTECODE": "1",
                "DJANGO_SETTINGS_MODULE": "settings",
            },
        )

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Put a question and wait for the answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        """Let it end, and wait for that."""
        self._process.communicate()


@dataclass(frozen=True, slots=True)
class Checkout:
    """A project in a folder."""

    folder: Path
    interpreter: Interpreter

    @classmethod
    def make(cls, folder: Path, interpreter: Interpreter) -> Checkout:
        """A project with an app that has migrations, and one that has none."""
        import django

        condition = "condition" if django.VERSION >= (5, 1) else "check"
        checkout = cls(folder, interpreter)
        checkout.write("settings.py", SETTINGS)
        checkout.write("shop/__init__.py", "")
        checkout.write("shop/models.py", SHOP_MODELS)
        checkout.write("shop/migrations/__init__.py", "")
        checkout.write("shop/migrations/0001_initial.py", MIGRATION)
        checkout.write("plain/__init__.py", "")
        checkout.write("plain/models.py", PLAIN_MODELS.replace("CONDITION", condition))
        checkout.write("data/rows.json", "[]\n")
        return checkout

    def write(self, path: str, content: str | bytes) -> None:
        """Write a file of the project."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)

    def replace(self, path: str, before: str, after: str) -> None:
        """Edit a file of the project."""
        content = (self.folder / path).read_text()
        assert before in content
        self.write(path, content.replace(before, after))

    def add_settings(self, lines: str) -> None:
        """Add to the end of the settings."""
        self.write("settings.py", (self.folder / "settings.py").read_text() + lines)

    def ask(
        self,
        *,
        group: str | None = None,
        used: list[str] | None = None,
        files: tuple[str, ...] = (),
        added: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        """What the toolkit reads from the project: its groups, or what it says is wrong.

        Args:
            added: The migrations of which it is asked whether they rewrite the history.
        """
        question = {
            "folder": str(self.folder),
            "group": group,
            "used": used,
            "files": files,
            "added": added,
        }
        return self.interpreter.ask(question)

    def inputs(
        self, *, group: str = "postgresql", files: tuple[str, ...] = ()
    ) -> list[tuple[str, str]]:
        """The inputs of a group's fingerprint, as names and digests."""
        answer = self.ask(group=group, files=files)
        assert "error" not in answer, answer
        return [(name, digest) for name, digest in answer["inputs"]]
