"""Copies the fields of states without deconstructing them each time."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Field

from ctest_containers.rendering.support import is_known

PLAIN_FIELDS: Final = frozenset({"django.db.models.fields", "django.db.models.fields.related"})
"""The modules of fields that their attributes, and those of their relation, determine."""

RELATIONS: Final = "django.db.models.fields.reverse_related"
"""The module of Django's relations."""

MAYBE_SHARED: Final = frozenset({"choices", "validators"})
"""Arguments that `deconstruct` may copy."""

CLONE: Final = "clone"
"""The method of fields that copies them."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The result of deconstructing a field.

    Attributes:
        field: The field, which is kept so that no other gets its id.
        attributes: The attributes of the field and of its relation at that time.
        positional: Positional arguments of the copy.
        keywords: Keyword arguments of the copy.
    """

    field: Any
    attributes: tuple[Mapping[str, Any], ...]
    positional: Sequence[Any]
    keywords: Mapping[str, Any]

    def are_current(self) -> bool:
        """Whether nothing has changed the field since then."""
        attributes = _attributes(self.field)
        # There were no validators then, but the list may have got some since.
        return not attributes[0].get("_validators") and all(
            map(_are_identical, self.attributes, attributes)
        )


@contextmanager
def cloning_from_parts() -> Iterator[None]:
    """Deconstruct each field of a state only once in this block.

    Django takes a field apart and makes another from the parts each time when it renders the
    field's model, which is half of what copying takes.
    """
    clone = Field.clone
    known: dict[int, Parts] = {}
    plain: dict[type, bool] = {}

    def clone_from_parts(field: Any) -> Any:
        parts = known.get(id(field))
        if parts is None or not parts.are_current():
            kind = type(field)
            if kind not in plain:
                plain[kind] = _is_plain(kind)
            if not plain[kind] or not _belongs_to_state(field):
                return clone(field)
            _, _, positional, keywords = field.deconstruct()
            if not MAYBE_SHARED.isdisjoint(keywords):
                return clone(field)
            attributes = tuple({**each} for each in _attributes(field))
            parts = known[id(field)] = Parts(field, attributes, positional, keywords)
        return type(field)(*parts.positional, **parts.keywords)

    setattr(Field, CLONE, clone_from_parts)
    try:
        yield
    finally:
        setattr(Field, CLONE, clone)


def _attributes(field: Any) -> tuple[Mapping[str, Any], ...]:
    """The attributes that decide the result of `deconstruct`."""
    relation = field.remote_field
    return (vars(field),) if relation is None else (vars(field), vars(relation))


def _are_identical(some: Mapping[str, Any], others: Mapping[str, Any]) -> bool:
    """Whether mappings have the same keys in the same order, and the very same values."""
    return (
        len(some) == len(others)
        and all(map(operator.eq, some, others))
        and all(map(operator.is_, some.values(), others.values()))
    )


def _is_plain(kind: type) -> bool:
    """Whether a field's class, and the methods that deconstruct it, are Django's own."""
    methods = (vars(base).get("deconstruct") for base in kind.__mro__)
    return kind.__module__ in PLAIN_FIELDS and all(
        method is None or (hasattr(method, "__code__") and is_known(method.__code__.co_filename))
        for method in methods
    )


def _belongs_to_state(field: Any) -> bool:
    """Whether a field refers to models by their names.

    Fields of rendered models do not, and are too many to be kept.
    """
    relation = field.remote_field
    return "model" not in vars(field) and (
        relation is None
        or (
            type(relation).__module__ == RELATIONS
            and isinstance(relation.model, str)
            and isinstance(getattr(relation, "through", None), str | None)
        )
    )
