"""Django's registry of a state, for functions of migrations, which renders what they ask for."""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from django.db.migrations.state import ModelState, StateApps
from django.db.migrations.utils import resolve_relation
from django.db.models.options import Options
from django.db.models.utils import make_model_tuple

from ctest_containers.rendering.registries import Key, key_of

CONTRIBUTING: Final = ("contribute_to_class", "contribute_to_related_class", "do_related_class")
"""The methods of fields that add attributes to a related model."""

DJANGO_S_FIELDS: Final = "django.db.models.fields."
"""The package of fields that add a single attribute, for the models that refer to a model."""


ONE_TO_ONE_NAMES: Final = "_reverse_one_to_one_field_names"
"""What `QuerySet.create` asks a model for in releases after Django 4.2."""


class OnDemandApps(StateApps):
    """Django's registry of a state, in which a model is rendered when it is asked for.

    With a model, those are rendered that it refers to. Who asks which models there are, or what
    refers to a model, gets all of them, in the order in which Django renders them: `get_models`,
    `order_set`, `_meta.related_objects`, the deletion of rows. A function of a migration that uses
    no model, such as `RunPython.noop`, renders none.

    Args:
        real_apps: The labels of the apps without migrations.
        models: The states of models.
    """

    def __init__(self, real_apps: Any, models: Mapping[Key, ModelState]) -> None:
        self._arguments = (real_apps, models)

    def __getattr__(self, name: str) -> Any:
        """Make the registry when it is first used."""
        arguments = vars(self).pop("_arguments", None)
        if arguments is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self._depth = 0
        self._is_complete = False
        self._states: States | None = None
        with self._working():
            StateApps.__init__(self, *arguments)
        return getattr(self, name)

    @property
    def all_models(self) -> Any:
        """See `Apps`; all models are rendered."""
        self.complete()
        return self._all_models

    @all_models.setter
    def all_models(self, value: Any) -> None:
        self._all_models = value

    @property
    def app_configs(self) -> Any:
        """See `Apps`; all models are rendered."""
        self.complete()
        return self._app_configs

    @app_configs.setter
    def app_configs(self, value: Any) -> None:
        self._app_configs = value

    def get_model(self, *arguments: Any, **options: Any) -> Any:
        """See `Apps.get_model`; the model is rendered, and what it refers to."""
        self._render_requested(key_of(*arguments, **options))
        with self._working():
            return super().get_model(*arguments, **options)

    def render_multiple(self, model_states: Any) -> None:
        """See `StateApps.render_multiple`; the first models, those of the state, are kept."""
        if self._states is None:
            self._states = States(model_states)
            return
        self.complete()
        super().render_multiple(model_states)

    def complete(self) -> None:
        """Render all models that have not been.

        Raises:
            InvalidBasesError: See `StateApps.render_multiple`.
        """
        # A model that is being rendered asks for its bases, which have been rendered before it.
        if self._is_complete or self._depth:
            return
        assert self._states is not None
        with self._working():
            super().render_multiple(self._missing(self._states.order))
            self._put_in_order(self._states)
            self._is_complete = True
            for models in self._all_models.values():
                for model in models.values():
                    for name in [*_placeholders(model)]:
                        # Nothing refers to the model by this name after all.
                        delattr(model, name)

    def _render_requested(self, key: Key) -> None:
        _ = self._all_models
        if self._is_complete or self._depth or self._has(key):
            return
        assert self._states is not None
        if key not in self._states.by_key:
            # It may be the table of a relation.
            self.complete()
            return
        closure = self._states.closure(key)
        new = [one for one in self._states.order if one in closure and not self._has(one)]
        with self._working():
            super().render_multiple(self._missing(new))
        is_clear = all(self._put_placeholders(self._states, one) for one in new)
        if vars(self)["_pending_operations"] or not is_clear:
            self.complete()
            return
        for one, names in self._states.one_to_one.items():
            if hasattr(Options, ONE_TO_ONE_NAMES) and self._has(one):
                vars(self._model(one)._meta)[ONE_TO_ONE_NAMES] = frozenset(names)

    def _put_placeholders(self, states: States, key: Key) -> bool:
        """Give a model attributes for those that refer to it and have not been rendered.

        Returns:
            Whether none of them is there already.
        """
        model = self._model(key)
        for reference in states.referring[key]:
            if self._has(reference.source):
                continue
            if inspect.getattr_static(model, reference.accessor, None) is not None:
                return False
            setattr(model, reference.accessor, Placeholder(self, reference.accessor))
        return True

    def _put_in_order(self, states: States) -> None:
        """Have models in the order in which Django registers them."""
        places = {key: number for number, key in enumerate(states.order)}

        def place(item: tuple[str, Any]) -> tuple[int, bool]:
            model = item[1]
            # The table of a relation is registered just before the model that has the relation.
            own = model._meta.auto_created or model
            key = (own._meta.app_label, own._meta.model_name)
            return places.get(key, len(places)), own is model

        for models in self._all_models.values():
            ordered = sorted(models.items(), key=place)
            models.clear()
            models.update(ordered)

    def _missing(self, keys: Iterable[Key]) -> list[ModelState]:
        assert self._states is not None
        return [self._states.by_key[key] for key in keys if not self._has(key)]

    def _model(self, key: Key) -> Any:
        return self._all_models[key[0]][key[1]]

    def _has(self, key: Key) -> bool:
        return key[1] in self._all_models.get(key[0], ())

    @contextmanager
    def _working(self) -> Iterator[None]:
        """Let Django's own methods see the registry as it is."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1


@dataclass(frozen=True, slots=True)
class Reference:
    """A field by which a model refers to another one.

    Attributes:
        source: The model that has the field.
        accessor: The attribute of the other model by which it is found.
    """

    source: Key
    accessor: str


class States:
    """The states of models, and what they refer to.

    Args:
        states: In the order in which Django gets them.

    Attributes:
        by_key: Each by its key.
        order: Their keys, in the order in which Django renders them.
        referring: What refers to each model by an attribute of that model, and nothing else.
        one_to_one: For models that inherit from no other, the names of what refers to them by a
            one-to-one field.
    """

    def __init__(self, states: Sequence[ModelState]) -> None:
        self.by_key = {(one.app_label, one.name_lower): one for one in states}
        self.order = [*_in_order(self.by_key)]
        self.referring: defaultdict[Key, list[Reference]] = defaultdict(list)
        self.one_to_one = {
            key: set[str]() for key, state in self.by_key.items() if not [*_bases(state)]
        }
        self._needed = {key: {*_bases(state)} for key, state in self.by_key.items()}
        for key, state in self.by_key.items():
            for field in state.fields.values():
                self._read(key, state, field)
            for base in _bases(state):
                if not (state.options.get("proxy") or _has_link(key, state, base)):
                    # Django makes the field that refers to the base.
                    self._needed.get(base, set()).add(key)
                    self.one_to_one.pop(base, None)

    def closure(self, key: Key) -> set[Key]:
        """A model and what has to be rendered with it."""
        found: set[Key] = set()
        waiting = [key]
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting += self._needed[one] & self.by_key.keys()
        return found

    def _read(self, key: Key, state: ModelState, field: Any) -> None:
        """Take in a field."""
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
            # It may do anything to the other models.
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


class Placeholder:
    """In place of an attribute that a model gets when all others are rendered."""

    def __init__(self, apps: OnDemandApps, name: str) -> None:
        self._apps = apps
        self._name = name

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        self._apps.complete()
        return getattr(owner if instance is None else instance, self._name)

    def __set__(self, instance: Any, value: Any) -> None:
        self._apps.complete()
        setattr(instance, self._name, value)

    def __delete__(self, instance: Any) -> None:
        self._apps.complete()
        delattr(instance, self._name)


def _placeholders(model: type) -> Iterator[str]:
    """The names of the placeholders that a model has itself."""
    for name, value in vars(model).items():
        if isinstance(value, Placeholder):
            yield name


def _in_order(states: Mapping[Key, ModelState]) -> Iterator[Key]:
    """The keys of states as `StateApps.render_multiple` goes through them: after their bases."""
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
            # Django refuses them.
            yield from later
            return
        waiting = later


def _bases(state: ModelState) -> Iterator[Key]:
    """The models of the state's registry that a model inherits from."""
    return (make_model_tuple(base) for base in state.bases if isinstance(base, str))


def _has_link(key: Key, state: ModelState, base: Key) -> bool:
    """Whether a model has the field that refers to a base among its own."""
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
        all(one is None or one.__module__.startswith(DJANGO_S_FIELDS) for one in owners)
        and not field.remote_field.limit_choices_to
        # One that is swapped out gets no attribute, and one that has an order gets two more.
        and not (state.options.get("swappable") or state.options.get("order_with_respect_to"))
    )


def _accessor(state: ModelState, field: Any) -> str | None:
    """The attribute by which a model is found from the one that its field refers to.

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
