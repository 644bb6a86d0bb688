"""Mutations that add migrations: columns, defaults, constraints, indexes and rows."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Final

from harness.mutants.model import Mutation

OPERATIONS: Final = {
    "a nullable column": "migrations.AddField('{model}', 'mutant', IntegerField(null=True))",
    "a required column": "migrations.AddField('{model}', 'mutant', IntegerField(default=3))",
    "a constraint": "migrations.AddConstraint('{model}', CONSTRAINT)",
    "an index": "migrations.AddIndex('{model}', Index(fields=['pk'], name='mutant'))",
    "no rows": "migrations.RunPython(without_rows)",
    "no table": "migrations.DeleteModel('{model}')",
}

TEXT: Final = """\
from django.db import migrations
from django.db.models import CheckConstraint, Index, IntegerField, Q


def without_rows(apps, editor):
    apps.get_model("{app}", "{model}").objects.all().delete()


CONSTRAINT = CheckConstraint(condition=Q(pk__lte=2), name="mutant")


class Migration(migrations.Migration):
    dependencies = [("{app}", "{last}")]
    operations = [{operation}]
"""


def added_migrations(paths: Iterable[str], contents: dict[str, str]) -> Iterator[Mutation]:
    """For each model of each app with migrations, one migration for each of `OPERATIONS`."""
    by_folder: dict[PurePosixPath, list[str]] = defaultdict(list)
    for path in sorted(paths):
        file = PurePosixPath(path)
        if file.parent.name == "migrations" and re.match(r"\d{4}_", file.name):
            by_folder[file.parent].append(path)
    for folder, files in by_folder.items():
        last, app = PurePosixPath(files[-1]).stem, folder.parent.name
        texts = "\n".join(contents[path] for path in files)
        for model in re.findall(r"CreateModel\(\s*(?:name\s*=\s*)?[\"'](\w+)[\"']", texts):
            for words, operation in OPERATIONS.items():
                filled = operation.format(model=model)
                yield Mutation(
                    kind="migrations",
                    path=str(folder / f"{int(last[:4]) + 1:04}_mutant.py"),
                    words=f"new: {app}.{model} gets {words}",
                    text=TEXT.format(app=app, model=model, last=last, operation=filled),
                )
