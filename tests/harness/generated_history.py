"""Writes apps with long histories of migrations: 150 tables and 400 migrations."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Final

APPS: Final = 10
MODELS: Final = 15
MIGRATIONS: Final = 40

HEADER: Final = """\
from django.db import migrations, models


def count(apps, schema_editor):
    for model in ("{model}",):
        apps.get_model("{app}", model).objects.filter(number__gt=5).update(number=5)


class Migration(migrations.Migration):
    dependencies = {dependencies!r}
    operations = [
"""


def write_history(folder: Path, seed: int = 7) -> list[str]:
    """Write the apps into a folder; return their names.

    Args:
        seed: Other numbers give other histories.
    """
    chance = random.Random(seed)
    names = [f"app{number:02}" for number in range(APPS)]
    for number, name in enumerate(names):
        package = folder / name / "migrations"
        package.mkdir(parents=True, exist_ok=True)
        (folder / name / "__init__.py").touch()
        (package / "__init__.py").touch()
        earlier = names[:number]
        for place in range(MIGRATIONS):
            text = _migration(chance, name, earlier, place)
            (package / f"{place:04}_step.py").write_text(text)
    return names


def _migration(chance: random.Random, app: str, earlier: list[str], place: int) -> str:
    """The text of a migration: early ones make models, later ones change them."""
    dependencies = [(app, f"{place - 1:04}_step")] if place else []
    if not place:
        dependencies += [(other, f"{MODELS - 1:04}_step") for other in earlier]
        dependencies.append(("auth", "0001_initial"))
    model = f"model{min(place, chance.randrange(MODELS)):02}"
    if place < MODELS:
        targets = [f"{app}.model{chance.randrange(place):02}"] if place else ["auth.user"]
        targets += [f"{other}.model{chance.randrange(MODELS):02}" for other in earlier[-2:]]
        lines = _create(f"model{place:02}", targets)
    elif place % 13 == 0:
        lines = ["migrations.RunPython(count, migrations.RunPython.noop)"]
    else:
        field = chance.choice(("text", "number", "price"))
        added = f"'extra{place}', models.IntegerField(default=1)"
        index = f"models.Index(fields=['number'], name='{app}_{place}')"
        key = f"models.ForeignKey('{app}.model00', models.SET_NULL, null=True, related_name='+')"
        lines = {
            0: [f"migrations.AddField({model!r}, {added})"],
            1: [_alter(model, field)],
            2: [
                f"migrations.AddIndex({model!r}, {index})",
                f"migrations.AlterModelOptions({model!r}, {{'verbose_name': 'v{place}'}})",
            ],
            3: [f"migrations.AddField({model!r}, 'to{place}', {key})", _alter(model, field)],
        }[place % 4]
    body = "".join(f"        {line},\n" for line in lines)
    return HEADER.format(model=model, app=app, dependencies=dependencies) + body + "    ]\n"


def _create(model: str, targets: list[str]) -> list[str]:
    fields = [
        "('id', models.BigAutoField(primary_key=True))",
        "('text', models.CharField(max_length=50))",
        "('number', models.IntegerField(default=0))",
        "('price', models.DecimalField(max_digits=9, decimal_places=2, default=0))",
        *(
            f"('to_{number}', models.ForeignKey({target!r}, models.CASCADE, null=True, "
            f"related_name='+'))"
            for number, target in enumerate(targets)
        ),
    ]
    return [f"migrations.CreateModel({model!r}, [{', '.join(fields)}])"]


def _alter(model: str, field: str) -> str:
    kinds = {
        "text": "models.CharField(max_length=80, blank=True)",
        "number": "models.BigIntegerField(default=0)",
        "price": "models.DecimalField(max_digits=12, decimal_places=2, default=0)",
    }
    return f"migrations.AlterField({model!r}, {field!r}, {kinds[field]})"
