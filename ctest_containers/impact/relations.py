"""Describes how models refer to one another.

What refers to a row decides what happens when it is deleted, and which attributes it has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ctest_containers.fingerprint.values import describe
from ctest_containers.recording.digests import digest_of
from ctest_containers.recording.sources import Definition


def relations_of(modules: Collection[str]) -> Mapping[str, frozenset[Definition]]:
    """Return the fields that refer to each model, by its label and its table.

    Each is the module of the model that has the field, and a text that changes with the field; see
    `model_of`.

    Args:
        modules: The names of the project's modules.
    """
    from django.apps import apps

    relations: dict[str, set[Definition]] = defaultdict(set)
    for model in apps.get_models(include_auto_created=True):
        # Fields of hidden relations, whose names end with a plus sign, count as well.
        fields: Iterable[Any] = model._meta.get_fields(include_hidden=True)
        for relation in fields:
            other = relation.related_model
            if not relation.auto_created or relation.concrete or not isinstance(other, type):
                continue
            if other.__module__ in modules:
                text = describe(relation.field.deconstruct()[1:])
                name = f"{other.__qualname__} {relation.field.name} {digest_of(text)}"
                key = f"{model._meta.label_lower} {model._meta.db_table}"
                relations[key].add((other.__module__, name))
    return {key: frozenset(referring) for key, referring in relations.items()}


def label_of(key: str) -> str:
    """Return the label of the model that a key of `relations_of` names."""
    return key.partition(" ")[0]


def table_of(key: str) -> str:
    """Return the table of the model that a key of `relations_of` names."""
    return key.partition(" ")[2]


def model_of(relation: Definition) -> Definition:
    """Return the model that refers to another one."""
    return relation[0], relation[1].partition(" ")[0]
