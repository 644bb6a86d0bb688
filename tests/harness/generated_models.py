"""Resets databases of generated models both ways, and fails where they do not end alike.

    python -m harness.generated_models ENGINE EXAMPLES [HOST]

It prints, as JSON, how often a database was reset, and why that was left to Django, how often.
"""

from __future__ import annotations

import json
import random
import sys
import uuid
from collections import Counter
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import django
from django.apps import AppConfig, apps
from django.conf import settings
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ctest_containers.reset import COMPARE, Flushes
from harness.databases import generated_database

LABEL = "generated"
FIELDS = ("text", "number", "moment", "money", "json", "bytes", "maybe")
KEYS = ("auto", "big", "uuid", "text")


class GeneratedConfig(AppConfig):
    """An app whose models come and go."""

    name = "harness.generated_models"
    label = LABEL
    path = "."


MODELS = st.lists(
    st.fixed_dictionaries(
        {
            "key": st.sampled_from(KEYS),
            "fields": st.lists(st.sampled_from(FIELDS), max_size=4, unique=True),
            "to_itself": st.booleans(),
            "to_user": st.booleans(),
            "foreign": st.lists(st.integers(0, 4), max_size=2, unique=True),
            "many": st.lists(st.integers(0, 4), max_size=1),
            "permissions": st.integers(0, 2),
        }
    ),
    min_size=1,
    max_size=5,
)
STEPS = st.lists(
    st.fixed_dictionaries(
        {
            "seed": st.integers(0, 2**16),
            "rows": st.integers(0, 25),
            "users": st.integers(0, 3),
            "lost_types": st.booleans(),
            "cascade": st.booleans(),
            "inhibit": st.booleans(),
        }
    ),
    min_size=1,
    max_size=4,
)


def main(engine: str, examples: int, host: str) -> None:
    """Set Django up on a server, or in memory, and go through the examples."""
    settings.configure(
        SECRET_KEY="of a test",
        USE_TZ=True,
        SITE_ID=3,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        DATABASES={"default": generated_database(engine, host)},
        INSTALLED_APPS=[
            *("django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sites"),
            "harness.generated_models.GeneratedConfig",
        ],
    )
    django.setup()
    apps.get_app_config(LABEL).models_module = sys.modules[__name__]
    from django.db import connection
    from django.test import utils

    utils.setup_test_environment()
    created = utils.setup_databases(verbosity=0, interactive=False)
    left: Counter[str] = Counter()
    flushed: Counter[str] = Counter()
    flushes = Flushes(COMPARE, 1, lambda event: left.update([event.reason]))

    @hypothesis_settings(
        max_examples=examples,
        deadline=None,
        database=None,
        # What is found is small enough; to make it smaller would take minutes.
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(MODELS, STEPS)
    def ends_alike(described: list[dict[str, Any]], steps: list[dict[str, Any]]) -> None:
        models: list[Any] = []
        for one in described:
            models.append(_model(one, models))
        with connection.schema_editor() as editor:
            for model in models:
                editor.create_model(model)
        try:
            for step in steps:
                _fill(models, step)
                _flush(step)
                flushed["flushes"] += 1
        finally:
            _drop(models)

    try:
        with flushes.installed():
            ends_alike()
    finally:
        utils.teardown_databases(created, verbosity=0)
    print(json.dumps({"flushes": flushed["flushes"], "left": dict(left)}))


def _model(described: dict[str, Any], earlier: list[Any]) -> Any:
    """A model that refers to itself, to users and to earlier models, as described."""
    from django.db import models

    name = f"Thing{len(earlier)}"
    keys: dict[str, dict[str, Any]] = {
        "auto": {},
        "big": {"id": models.BigAutoField(primary_key=True)},
        "uuid": {"id": models.UUIDField(primary_key=True, default=uuid.uuid4)},
        "text": {"id": models.CharField(max_length=40, primary_key=True, default=_word)},
    }
    kinds: dict[str, Any] = {
        "text": models.TextField(default="a 'quoted' ü"),
        "number": models.IntegerField(default=1, db_index=True),
        "moment": models.DateTimeField(default=_moment),
        "money": models.DecimalField(max_digits=9, decimal_places=2, default=Decimal("1.20")),
        "json": models.JSONField(default=dict),
        "bytes": models.BinaryField(default=b"\x00\xff"),
        "maybe": models.CharField(max_length=10, null=True),
    }
    fields = {**keys[described["key"]], **{f"a_{one}": kinds[one] for one in described["fields"]}}
    cascade: dict[str, Any] = {"on_delete": models.CASCADE, "null": True, "related_name": "+"}
    if described["to_itself"]:
        fields["parent"] = models.ForeignKey("self", **cascade)
    if described["to_user"]:
        fields["user"] = models.ForeignKey("auth.User", **cascade)
    for place in described["foreign"]:
        if place < len(earlier):
            fields[f"to_{place}"] = models.ForeignKey(earlier[place], **cascade)
    for place in described["many"]:
        if place < len(earlier):
            fields[f"many_{place}"] = models.ManyToManyField(earlier[place], related_name="+")
    permissions = [(f"may_{one}", f"May {one}") for one in range(described["permissions"])]
    meta = type("Meta", (), {"app_label": LABEL, "permissions": permissions})
    return type(name, (models.Model,), {"__module__": __name__, "Meta": meta, **fields})


def _fill(models: list[Any], step: dict[str, Any]) -> None:
    """Leave rows behind, as tests do: made, changed, deleted and rolled back."""
    from django.contrib.auth.models import Group, Permission, User
    from django.contrib.contenttypes.models import ContentType
    from django.db import transaction

    chance = random.Random(step["seed"])
    users = [User.objects.create(username=_word()) for _ in range(step["users"])]
    for user in users:
        group = Group.objects.create(name=_word())
        user.groups.add(group)
        group.permissions.add(*Permission.objects.all()[:3])
    made: dict[Any, list[Any]] = {}
    for model in models:
        rows = made[model] = []
        for _ in range(chance.randint(0, step["rows"])):
            row = model()
            for field in model._meta.concrete_fields:
                if field.is_relation and chance.random() < 0.7:
                    choices = users if field.related_model is User else made[field.related_model]
                    if choices:
                        setattr(row, field.name, chance.choice(choices))
            row.save()
            rows.append(row)
        for field in model._meta.many_to_many:
            for row in rows[:5]:
                getattr(row, field.name).add(*made[field.related_model][:3])
        for row in rows[: chance.randint(0, 5)]:
            row.save()
        with transaction.atomic():
            model().save()
            transaction.set_rollback(True)
    for model, rows in made.items():
        if rows and chance.random() < 0.3:
            model.objects.filter(pk=rows[-1].pk).delete()
    if step["lost_types"]:
        ContentType.objects.filter(app_label=LABEL).delete()
    ContentType.objects.get_for_model(User)


def _flush(step: dict[str, Any]) -> None:
    """Ask for a flush as TransactionTestCase does, of all apps or of some."""
    from django.test import testcases

    if step["cascade"]:
        apps.set_available_apps(["django.contrib.auth", "django.contrib.contenttypes"])
    ask: Any = testcases
    try:
        ask.call_command(
            "flush",
            verbosity=0,
            interactive=False,
            database="default",
            reset_sequences=False,
            allow_cascade=step["cascade"],
            inhibit_post_migrate=step["cascade"] or step["inhibit"],
        )
    finally:
        if step["cascade"]:
            apps.unset_available_apps()


def _drop(models: list[Any]) -> None:
    """Forget models and their tables, and all that was said of them."""
    from django.contrib.auth.models import Group, Permission, User
    from django.contrib.contenttypes.models import ContentType
    from django.db import connection

    with connection.schema_editor() as editor:
        for model in reversed(models):
            editor.delete_model(model)
    # SQLite's backend remembers which tables refer to which.
    connection.ops.__dict__.pop("_references_graph", None)
    apps.all_models[LABEL].clear()
    apps.clear_cache()
    for model in (User, Group, Permission, ContentType):
        model.objects.all().delete()


def _word() -> str:
    return uuid.uuid4().hex[:12]


def _moment() -> datetime:
    return datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=123456)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), (sys.argv[3:4] or [""])[0])
