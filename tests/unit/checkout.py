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
import json, sys
import django

django.setup()
from ctest_containers.errors import CtestError
from ctest_containers.project.databases import plan_groups
from ctest_containers.project.schema import schema_inputs

question = json.loads(sys.argv[1])
try:
    groups = plan_groups(question["used"])
    answer = {"groups": {
        group.label: [[one.name, list(one.aliases), one.user] for one in group.databases]
        for group in groups
    }}
    if question["group"] is not None:
        [group] = [one for one in groups if one.label == question["group"]]
        inputs = schema_inputs(group, extra_files=question["files"])
        answer["inputs"] = [[one.name, one.digest] for one in inputs]
except CtestError as error:
    answer = {"error": [type(error).__name__, error.message, error.hint]}
print(json.dumps(answer))
"""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A project in a folder."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Checkout:
        """A project with an app that has migrations, and one that has none."""
        import django

        condition = "condition" if django.VERSION >= (5, 1) else "check"
        checkout = cls(folder)
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
    ) -> dict[str, Any]:
        """What the toolkit reads from the project: its groups, or what it says is wrong."""
        question = json.dumps({"group": group, "used": used, "files": files})
        search_path = os.pathsep.join([str(self.folder), str(Path(__file__).parents[2])])
        output = subprocess.check_output(
            [sys.executable, "-c", _PROGRAM, question],
            cwd=self.folder,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": search_path,
                "DJANGO_SETTINGS_MODULE": "settings",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
        )
        answer: dict[str, Any] = json.loads(output)
        return answer

    def inputs(
        self, *, group: str = "postgresql", files: tuple[str, ...] = ()
    ) -> list[tuple[str, str]]:
        """The inputs of a group's fingerprint, as names and digests."""
        answer = self.ask(group=group, files=files)
        assert "error" not in answer, answer
        return [(name, digest) for name, digest in answer["inputs"]]
