"""Finds which models have to be rendered together, from the states of all models."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.migrations.state import ModelState
from django.db.migrations.utils import resolve_relation
from django.db.models.utils import make_model_tuple

from ctest_containers.rendering.registries import Key

CONTRIBUTING: Final = (
    *("contribute_to_class", "contribute_to_related_class", "do_related_class"),
    "related_query_name",
)
"""The methods of fields that decide which attributes a related model gets."""

DJANGO_S_FIELDS: Final = "django.db.models.fields."
"""The package of fields that add a single attribute, for the models that refer to a model."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A field through which a model refers to another one.

    Attributes:
        source: The model that has the field.
        accessor: The attribute of the other model that leads back.
    """

    source: Key
    accessor: str


class States:
    """The states of models, and their references.

    Args:
        states: The states, in Django's order.

    Attributes:
        by_key: The states by their keys.
        order: Their keys, in the order in which Django renders them.
        referring: The references to each model that only add one attribute to it.
        has_hooks: Whether a base class that is not Django's defines `__init_subclass__`.
        one_to_one: For models that inherit from no other, the names of what refers to them by a
            one-to-one field.
    """

    def __init__(self, states: Sequence[ModelState]) -> None:
        self.by_key = {(state.app_label, state.name_lower): state for state in states}
        self.order = [*_in_order(self.by_key)]
        self.has_hooks = any(map(_has_hook, states))
        self.referring: defaultdict[Key, list[Reference]] = defaultdict(list)
        self.one_to_one = {
            key: set[str]() for key, state in self.by_key.items() if not [*_bases(state)]
        }
        self._needed = {key: {*_bases(state)} for key, state in self.by_key.items()}
        for key, state in self.by_key.items():
            for field in state.fields.values():
                self._read(key, state, field)
            for base in _bases(state):
                # A model knows its subclasses.
                self._needed.get(base, set()).add(key)
                if not (state.options.get("proxy") or _has_link(key, state, base)):
                    # Django makes the field that refers to the base.
                    self.one_to_one.pop(base, None)
                    self.one_to_one.pop(self._concrete(base), None)

    def is_clear(self, keys: Iterable[Key]) -> bool:
        """Whether the accessors of these models are unambiguous."""
        return not any(
            count > 1
            for key in keys
            for count in Counter(reference.accessor for reference in self.referring[key]).values()
        )

    def closure(self, key: Key) -> set[Key]:
        """A model and those that have to be rendered with it."""
        closure: set[Key] = set()
        waiting = [key]
        while waiting:
            key = waiting.pop()
            if key not in closure:
                closure.add(key)
                waiting += self._needed.get(key, set()) & self.by_key.keys()
        return closure

    def _read(self, key: Key, state: ModelState, field: Any) -> None:
        """Add the reference of a field."""
        remote: Any = field.remote_field
        if not remote or not remote.model:
            return
        target = resolve_relation(remote.model, *key)
        self._needed[key].add(target)
        if through := getattr(remote, "through", None):
            self._needed[key].add(resolve_relation(through, *key))
        accessor = _accessor(state, field)
        # Django gives the attribute to the model that a proxy stands for.
        concrete = self._concrete(target)
        query_name = _filled_in(remote.related_query_name or "", state)
        is_plain = _is_plain(state, field) and None not in {accessor, query_name}
        if field.one_to_one and not is_plain:
            self.one_to_one.pop(concrete, None)
        elif field.one_to_one and accessor:
            self.one_to_one.get(concrete, set()).add(query_name or accessor)
        if target == key:
            return
        if not is_plain:
            # Such a field may change other models in any way.
            for other in {target, concrete}:
                self._needed.get(other, set()).add(key)
        elif accessor:
            owner = target if field.many_to_many else concrete
            self.referring[owner].append(Reference(key, accessor))

    def _concrete(self, key: Key) -> Key:
        """The model that has the table of a model."""
        state = self.by_key.get(key)
        if state is None or not state.options.get("proxy"):
            return key
        return next(map(self._concrete, _bases(state)), key)


def _in_order(states: Mapping[Key, ModelState]) -> Iterator[Key]:
    """The keys of states in the order of `StateApps.render_multiple`: after their bases."""
    known: set[Key] = set()
    waiting = [*states]
    while waiting:
        later: list[Key] = []
        for key in waiting:
            if known.issuperset(_bases(states[key])):
                known.add(key)
                yield key
            else:
                later.append(key)
        if len(later) == len(waiting):
            # Django rejects these.
            yield from later
            return
        waiting = later


def _bases(state: ModelState) -> Iterator[Key]:
    """The models of the state's registry that a model inherits from."""
    return (make_model_tuple(base) for base in state.bases if isinstance(base, str))


def _has_hook(state: ModelState) -> bool:
    """Whether a base class of a model defines `__init_subclass__`."""
    return any(
        "__init_subclass__" in vars(ancestor)
        for base in state.bases
        if not isinstance(base, str)
        for ancestor in base.__mro__
        if not f"{ancestor.__module__}.".startswith(("builtins.", "typing.", "django."))
    )


def _has_link(key: Key, state: ModelState, base: Key) -> bool:
    """Whether a model defines the field that refers to a base itself."""
    return any(
        getattr(field.remote_field, "parent_link", False)
        and resolve_relation(field.remote_field.model, *key) == base
        for field in state.fields.values()
        if field.remote_field
    )


def _is_plain(state: ModelState, field: Any) -> bool:
    """Whether a field adds an attribute to the model that it refers to, and nothing else."""
    owners = [getattr(type(field), name, None) for name in CONTRIBUTING]
    owners += [getattr(type(field), "related_accessor_class", None), type(field.remote_field)]
    return (
        all(owner is None or owner.__module__.startswith(DJANGO_S_FIELDS) for owner in owners)
        and not field.remote_field.limit_choices_to
        # A swapped model gets no attribute, and an ordered one gets two more.
        and not (state.options.get("swappable") or state.options.get("order_with_respect_to"))
    )


def _accessor(state: ModelState, field: Any) -> str | None:
    """The attribute of the target that leads back to the model with a field.

    Returns:
        An empty string for none; None where the name cannot be told. See
        `RelatedField.contribute_to_class` and `ForeignObjectRel.get_accessor_name`.
    """
    name = field.remote_field.related_name or state.options.get("default_related_name")
    if not name:
        is_multiple = field.many_to_many or field.many_to_one
        return state.name_lower + ("_set" if is_multiple else "")
    whole = _filled_in(name, state)
    return "" if whole is not None and whole.endswith("+") else whole


def _filled_in(name: str, state: ModelState) -> str | None:
    """A name with those of a model and of its app in it; None if it has others, too."""
    parts = {
        "class": state.name_lower,
        "model_name": state.name_lower,
        "app_label": state.app_label.lower(),
    }
    try:
        return str(name % parts)
    except (KeyError, TypeError, ValueError):
        return None
