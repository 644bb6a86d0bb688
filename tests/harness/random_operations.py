"""Draws operations of migrations that can follow those before them, of every kind Django has."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import django
from django.db import migrations, models
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

LABELS = ("shop", "stock")
VALUES = ("text", "number", "flag", "moment", "price")
PRIMARY_KEYS = (models.AutoField, models.BigAutoField)

Draw = Callable[["Operations"], "Operation | None"]


class BookManager(models.Manager[Any]):
    """A manager that migrations have, too."""

    use_in_migrations = True


class Named:
    """A base class that is no model."""

    def title(self) -> str:
        """Something that only this class has."""
        return "named"


class Operations:
    """Draws operations, and keeps the state that they lead to.

    Args:
        chance: Makes the choices.
    """

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.state = ProjectState()
        self._count = 0

    def draw(self) -> tuple[str, Operation]:
        """An app's label and an operation on its models."""
        while True:
            self.label = self.chance.choice(LABELS)
            operation = self.chance.choice(DRAWS)(self) if self._keys() else create_model(self)
            if operation is None:
                continue
            after = self.state.clone()
            # What cannot follow is found out with a copy.
            with suppress(Exception):
                operation.state_forwards(self.label, after)
                _ = ProjectState(after.models).apps
                self.state = after
                return self.label, operation

    def new_name(self, prefix: str) -> str:
        """A name that nothing has had."""
        self._count += 1
        return f"{prefix}{self._count}"

    def any_model(self) -> Any:
        """The state of a model of the app; None if it has none."""
        keys = self._keys()
        return self.state.models[self.chance.choice(keys)] if keys else None

    def any_label(self) -> str:
        """The label of any model."""
        model = self.state.models[self.chance.choice([*self.state.models])]
        return f"{model.app_label}.{model.name}"

    def any_field(self, model: Any, *kinds: type[Any]) -> str | None:
        """The name of a field of a model, other than its primary key and links to parents."""
        names = [
            name
            for name, field in model.fields.items()
            if not field.primary_key and (not kinds or isinstance(field, kinds))
        ]
        return self.chance.choice(names) if names else None

    def value(self) -> models.Field[Any, Any]:
        """A field without relations."""
        is_null = self.chance.random() < 0.5
        kinds: dict[str, models.Field[Any, Any]] = {
            "text": models.CharField(max_length=self.chance.choice((20, 50)), default="x"),
            "number": models.IntegerField(null=is_null, default=1, db_index=is_null),
            "flag": models.BooleanField(default=is_null),
            "moment": models.DateTimeField(null=True),
            "price": models.DecimalField(max_digits=9, decimal_places=2, default=1),
        }
        return kinds[self.chance.choice(VALUES)]

    def relation(self) -> models.Field[Any, Any]:
        """A field with a relation."""
        target = "self" if self.chance.random() < 0.2 else self.any_label()
        name: Any = self.chance.choice((None, "+", self.new_name("related")))
        kind = self.chance.choice(("foreign", "foreign", "one", "many"))
        if kind == "many":
            return models.ManyToManyField(target, related_name=name)
        if kind == "one":
            return models.OneToOneField(
                target, models.CASCADE, null=True, related_name=self.new_name("related")
            )
        return models.ForeignKey(target, models.SET_NULL, null=True, related_name=name)

    def _keys(self) -> list[tuple[str, str]]:
        return [key for key in self.state.models if key[0] == self.label]


def create_model(draw: Operations) -> Operation:
    """A model of its own, a child of another one, or a proxy."""
    name = draw.new_name("Model")
    kind = draw.chance.choice(("own", "own", "own", "child", "proxy", "mixed"))
    parent = draw.any_model()
    if parent is not None and kind == "proxy":
        base = f"{parent.app_label}.{parent.name}".lower()
        proxy: dict[str, Any] = {"proxy": True, "indexes": [], "constraints": []}
        return migrations.CreateModel(name, [], proxy, (base,))
    fields: list[tuple[str, Any]] = []
    bases: tuple[Any, ...] = (models.Model,)
    if parent is not None and kind == "child" and not parent.options.get("proxy"):
        label = f"{parent.app_label}.{parent.name}"
        link: Any = models.OneToOneField(
            label, models.CASCADE, parent_link=True, primary_key=True, serialize=False
        )
        fields.append((f"{parent.name_lower}_ptr", link))
        bases = (label.lower(),)
    else:
        fields.append(("id", draw.chance.choice(PRIMARY_KEYS)(primary_key=True)))
    if kind == "mixed":
        bases = (Named, models.Model)
    fields += [(draw.new_name("field"), draw.value()) for _ in range(draw.chance.randint(1, 3))]
    if draw.state.models and draw.chance.random() < 0.6:
        fields.append((draw.new_name("to"), draw.relation()))
    if draw.chance.random() < 0.2:
        # By its name, which is not the same as "self".
        own: Any = models.ForeignKey(
            f"{draw.label}.{name}", models.CASCADE, null=True, related_name="+"
        )
        fields.append((draw.new_name("own"), own))
    options: dict[str, Any] = {"ordering": ["pk"]} if draw.chance.random() < 0.3 else {}
    managers = [("objects", BookManager())] if draw.chance.random() < 0.2 else []
    return migrations.CreateModel(name, fields, options, bases, managers)


def create_later(draw: Operations) -> Operation:
    """A model, and one that the state has before it, and that refers to it."""
    name = draw.new_name("Model")
    key: tuple[str, Any] = ("id", models.BigAutoField(primary_key=True))
    link: Any = models.ForeignKey(f"{draw.label}.{name}", models.CASCADE, null=True)
    target = migrations.CreateModel(name, [key])
    referring = migrations.CreateModel(draw.new_name("Model"), [key, (draw.new_name("to"), link)])
    return migrations.SeparateDatabaseAndState([target, referring], [referring, target])


def delete_model(draw: Operations) -> Operation | None:
    model = draw.any_model()
    label = f"{model.app_label}.{model.name}".lower()
    for other in draw.state.models.values():
        if other is not model and label in [*other.bases, *_targets(other)]:
            return None
    return migrations.DeleteModel(model.name)


def rename_model(draw: Operations) -> Operation | None:
    model = draw.any_model()
    label = f"{model.app_label}.{model.name}".lower()
    if any(label in other.bases for other in draw.state.models.values()):
        return None
    return migrations.RenameModel(model.name, draw.new_name("Model"))


def add_field(draw: Operations) -> Operation | None:
    model = draw.any_model()
    if model.options.get("proxy"):
        return None
    field = draw.value() if draw.chance.random() < 0.5 else draw.relation()
    is_kept = draw.chance.random() < 0.7
    return migrations.AddField(model.name, draw.new_name("field"), field, is_kept)


def add_generated_field(draw: Operations) -> Operation | None:
    if django.VERSION < (5, 0):
        return None
    model = draw.any_model()
    name = draw.any_field(model, models.IntegerField)
    if name is None:
        return None
    field: Any = models.GeneratedField(
        expression=models.F(name) + 1, output_field=models.IntegerField(), db_persist=True
    )
    return migrations.AddField(model.name, draw.new_name("field"), field)


def remove_field(draw: Operations) -> Operation | None:
    model = draw.any_model()
    name = draw.any_field(model)
    if name is None or name in str(model.options) or name in _generating(model):
        return None
    return migrations.RemoveField(model.name, name)


def alter_field(draw: Operations) -> Operation | None:
    model = draw.any_model()
    name = draw.any_field(model)
    if name is None or name in _generating(model):
        return None
    field = model.fields[name]
    if isinstance(field, GENERATED):
        return None
    if field.many_to_many:
        new: Any = models.ManyToManyField(field.remote_field.model, blank=True)
    elif field.is_relation:
        new = draw.relation()
        if new.many_to_many:
            return None
    else:
        new = field.clone()
        new.null = True
        if draw.chance.random() < 0.4 and isinstance(field, models.IntegerField):
            new = models.BigIntegerField(null=True, unique=True)
    return migrations.AlterField(model.name, name, new, draw.chance.random() < 0.7)


def alter_primary_key(draw: Operations) -> Operation | None:
    model = draw.any_model()
    if "id" not in model.fields:
        return None
    field: Any = draw.chance.choice((*PRIMARY_KEYS, models.BigAutoField))(primary_key=True)
    return migrations.AlterField(model.name, "id", field)


def rename_field(draw: Operations) -> Operation | None:
    model = draw.any_model()
    name = draw.any_field(model)
    if name is None or name in str(model.options) or name in _generating(model):
        return None
    return migrations.RenameField(model.name, name, draw.new_name("field"))


def alter_table(draw: Operations) -> Operation | None:
    model = draw.any_model()
    table = draw.chance.choice((None, draw.new_name("a_table")))
    return None if model.options.get("proxy") else migrations.AlterModelTable(model.name, table)


def alter_table_comment(draw: Operations) -> Operation | None:
    model = draw.any_model()
    return migrations.AlterModelTableComment(model.name, draw.new_name("comment "))


def alter_options(draw: Operations) -> Operation:
    options = {"ordering": ["pk"], "verbose_name": draw.new_name("thing")}
    return migrations.AlterModelOptions(draw.any_model().name, options)


def alter_managers(draw: Operations) -> Operation:
    managers = [("books", BookManager())] if draw.chance.random() < 0.7 else []
    return migrations.AlterModelManagers(draw.any_model().name, managers)


def alter_unique_together(draw: Operations) -> Operation | None:
    model = draw.any_model()
    name, other = draw.any_field(model, *PLAIN), draw.any_field(model, *PLAIN, models.ForeignKey)
    if name is None or other is None or name == other or draw.chance.random() < 0.3:
        return migrations.AlterUniqueTogether(model.name, set())
    return migrations.AlterUniqueTogether(model.name, {(name, other)})


def alter_index_together(draw: Operations) -> Operation | None:
    model = draw.any_model()
    name, other = draw.any_field(model, *PLAIN), draw.any_field(model, *PLAIN)
    if name is None or other is None or name == other:
        return None
    return migrations.AlterIndexTogether(model.name, {(name, other)})


def order_with_respect_to(draw: Operations) -> Operation | None:
    model = draw.any_model()
    name = draw.any_field(model, models.ForeignKey)
    if model.options.get("order_with_respect_to"):
        name = None
    elif name is None or "ordering" in model.options:
        return None
    return migrations.AlterOrderWithRespectTo(model.name, name)


def add_index(draw: Operations) -> Operation | None:
    model = draw.any_model()
    name = draw.any_field(model, *PLAIN, models.ForeignKey)
    if name is None or model.options.get("proxy"):
        return None
    return migrations.AddIndex(model.name, models.Index(fields=[name], name=draw.new_name("i")))


def remove_index(draw: Operations) -> Operation | None:
    model = draw.any_model()
    indexes = model.options["indexes"]
    return migrations.RemoveIndex(model.name, indexes[0].name) if indexes else None


def rename_index(draw: Operations) -> Operation | None:
    model = draw.any_model()
    indexes = model.options["indexes"]
    if not indexes:
        return None
    return migrations.RenameIndex(model.name, draw.new_name("i"), old_name=indexes[0].name)


def add_constraint(draw: Operations) -> Operation | None:
    model = draw.any_model()
    number, name = draw.any_field(model, models.IntegerField), draw.new_name("c")
    if number is None or model.options.get("proxy"):
        return None
    if draw.chance.random() < 0.5:
        constraint: Any = models.UniqueConstraint(fields=[number], name=name)
    else:
        keyword = "check" if django.VERSION < (5, 1) else "condition"
        condition: Any = {keyword: models.Q(**{f"{number}__gt": -1})}
        constraint = models.CheckConstraint(name=name, **condition)
    return migrations.AddConstraint(model.name, constraint)


def remove_constraint(draw: Operations) -> Operation | None:
    model = draw.any_model()
    constraints = model.options["constraints"]
    return migrations.RemoveConstraint(model.name, constraints[0].name) if constraints else None


def separate(draw: Operations) -> Operation | None:
    """An operation whose effect on the state is said apart."""
    operation = draw.chance.choice([one for one in DRAWS if one is not separate])(draw)
    if operation is None:
        return None
    parts = [operation] if draw.chance.random() < 0.8 else []
    return migrations.SeparateDatabaseAndState(parts, [operation])


def run_sql(draw: Operations) -> Operation | None:
    """A statement, and what it does to the state."""
    number = draw.chance.randint(1, 99)
    options = [alter_options(draw)] if draw.chance.random() < 0.5 else []
    return migrations.RunSQL(f"SELECT {number}", state_operations=options)


class OwnAlterModelOptions(migrations.AlterModelOptions):
    """An operation of a project's own."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Look at the model before and after.

        What it refers to may be out of date with Django: see `ProjectState.is_delayed`.
        """
        for state in (from_state, to_state):
            model = state.apps.get_model(app_label, self.name)
            names = sorted(field.name for field in model._meta.local_fields)
            schema_editor.execute(f"SELECT '{' '.join(names)}'")


def own_operation(draw: Operations) -> Operation:
    return OwnAlterModelOptions(draw.any_model().name, {"verbose_name": draw.new_name("thing")})


class AddText(migrations.AddField):
    """An operation of a project's own that gives Django's its arguments."""

    def __init__(self, model_name: str, name: str) -> None:
        super().__init__(model_name, name, models.TextField(default="text"))


class DescribeAll(migrations.RunPython):
    """As above, with a function."""

    def __init__(self) -> None:
        super().__init__(describe_all)


def own_arguments(draw: Operations) -> Operation | None:
    model = draw.any_model()
    if model.options.get("proxy") or draw.chance.random() < 0.5:
        return DescribeAll()
    return AddText(model.name, draw.new_name("field"))


def run_python(_: Operations) -> Operation:
    return migrations.RunPython(describe_all)


def describe_all(apps: Any, schema_editor: Any) -> None:
    """Say in a statement what a migration can see of its models."""
    for line in descriptions(apps):
        schema_editor.execute("SELECT %s", [line])


def descriptions(apps: Any) -> Iterator[str]:
    """A line for each model, with all that its class has."""
    for model in apps.get_models(include_auto_created=True, include_swapped=True):
        options = model._meta
        related = sorted(
            (
                field.name,
                str(field.related_model),
                apps.get_model(field.related_model._meta.label) is field.related_model,
            )
            for field in options.get_fields(include_hidden=True)
            if field.is_relation
        )
        yield repr((
            str(model),
            [str(one) for one in model.__mro__],
            options.db_table,
            sorted(field.name for field in options.get_fields(include_hidden=True)),
            related,
            sorted(name for name in vars(model) if not name.startswith("__")),
            [str(manager) for manager in options.managers],
            sorted((name, str(value)) for name, value in options.original_attrs.items()
                   if name not in {"apps", "indexes", "constraints"}),
        ))  # fmt: skip


def _targets(model: Any) -> Iterator[str]:
    """The labels of the models that a model refers to."""
    for field in model.fields.values():
        if field.remote_field:
            yield str(field.remote_field.model).lower()


def _generating(model: Any) -> set[str]:
    """The names of fields from which others are generated."""
    fields = [field for field in model.fields.values() if isinstance(field, GENERATED)]
    return {field.expression.lhs.name for field in fields}


PLAIN = (models.CharField, models.IntegerField, models.DecimalField)
GENERATED: tuple[Any, ...] = (models.GeneratedField,) if django.VERSION >= (5, 0) else ()

DRAWS: list[Draw] = [
    *(create_model, create_model, create_later, delete_model, rename_model),
    *(add_field, add_field, add_generated_field, remove_field, alter_field, alter_field),
    *(alter_primary_key, rename_field, alter_table, alter_table_comment, alter_options),
    *(alter_managers, alter_unique_together, order_with_respect_to, add_index, remove_index),
    *(rename_index, add_constraint, remove_constraint, separate, run_sql, own_operation),
    *(own_arguments, run_python, run_python),
]
if django.VERSION < (5, 1):
    DRAWS.append(alter_index_together)
