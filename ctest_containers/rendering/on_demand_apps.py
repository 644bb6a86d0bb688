"""The registry that functions of migrations get, which renders the models that they ask for."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from django.db.migrations.state import ModelState, StateApps
from django.db.models.options import Options
from django.db.models.signals import class_prepared

from ctest_containers.rendering.fallback import leaving_to_django
from ctest_containers.rendering.registries import Key, key_of
from ctest_containers.rendering.states import States

LOCK: Final = threading.RLock()
"""Keeps threads of a function from seeing a registry while a model is rendered."""

MISSING: Final = object()
"""Stands for an attribute that a class does not have."""

ONE_TO_ONE_NAMES: Final = "_reverse_one_to_one_field_names"
"""The attribute of models that `QuerySet.create` reads in releases after Django 4.2."""


class OnDemandApps(StateApps):
    """Django's registry of a state, in which models are rendered on demand.

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
        with LOCK:
            arguments = vars(self).pop("_arguments", None)
            if arguments is not None:
                self._depth = 0
                self._is_complete = False
                self._states: States | None = None
                self._settled: set[type] = set()
                self._placed: list[tuple[Any, str]] = []
                with self._working():
                    StateApps.__init__(self, *arguments)
            elif name not in vars(self):
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
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
        if not self._is_complete:
            try:
                key = key_of(*arguments, **options)
            except (AttributeError, TypeError, ValueError):
                # Django raises the error.
                self.complete()
            else:
                self._render_requested(key)
        with self._working():
            return super().get_model(*arguments, **options)

    def render_multiple(self, model_states: Any) -> None:
        """See `StateApps.render_multiple`; the first models, those of the state, are kept."""
        if self._states is None:
            self._states = States(model_states)
            return
        self.complete()
        super().render_multiple(model_states)

    def clear_cache(self) -> None:
        """See `Apps.clear_cache`; models that a function has already got keep their managers."""
        if not self._depth:
            super().clear_cache()
        elif self.ready:
            for models in self._all_models.values():
                for model in models.values():
                    vars(Options)["_expire_cache"](model._meta, forward=model not in self._settled)

    def complete(self) -> None:
        """Render all remaining models.

        Raises:
            RenderingError: One cannot be rendered.
        """
        with LOCK:
            # A model that is being rendered asks for its bases, which were rendered before it.
            if self._is_complete or self._depth:
                return
            assert self._states is not None
            with self._rendering():
                super().render_multiple(self._missing(self._states.order))
                self._put_in_order(self._states)
                self._is_complete = True
            for model, name in self._placed:
                if isinstance(vars(model).get(name), Placeholder):
                    # Nothing refers to the model by this name after all.
                    delattr(model, name)

    def _render_requested(self, key: Key) -> None:
        with LOCK:
            if self._is_complete or self._depth or self._has(key):
                return
            assert self._states is not None
            closure = self._states.closure(key)
            # A model that is in no state may be the table of a relation.
            is_known = key in self._states.by_key and self._states.is_clear(closure)
            if not is_known or self._states.has_hooks or class_prepared.receivers:
                self.complete()
                return
            new = [key for key in self._states.order if key in closure and not self._has(key)]
            with self._rendering():
                super().render_multiple(self._missing(new))
            has_names = all(self._put_placeholders(self._states, key) for key in new)
            if vars(self)["_pending_operations"] or not has_names:
                self.complete()
                return
            for owner, names in self._states.one_to_one.items():
                if hasattr(Options, ONE_TO_ONE_NAMES) and self._has(owner):
                    vars(self._model(owner)._meta)[ONE_TO_ONE_NAMES] = frozenset(names)

    def _put_placeholders(self, states: States, key: Key) -> bool:
        """Give a model placeholders for models that refer to it and are not rendered yet.

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
            self._placed.append((model, reference.accessor))
        return True

    def _put_in_order(self, states: States) -> None:
        """Sort models in the order in which Django registers them."""
        places = {key: number for number, key in enumerate(states.order)}

        for label, models in self._all_models.items():

            def rank(item: tuple[str, Any], label: str = label) -> tuple[int, bool]:
                name, model = item
                if (label, name) in places:
                    return places[label, name], True
                # The table of a relation is registered just before the model that has the relation.
                owner = model._meta.auto_created
                key = (owner._meta.app_label, owner._meta.model_name) if owner else (label, name)
                return places.get(key, len(places)), False

            ordered = sorted(models.items(), key=rank)
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
        """Let Django's own methods use the registry without rendering models."""
        with LOCK:
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1

    @contextmanager
    def _rendering(self) -> Iterator[None]:
        """Preserve a function's changes to its models while others are rendered.

        Raises:
            RenderingError: Something failed that fails before the function in Django's own way.
        """
        changed = [
            (model, name, value)
            for model, name in self._placed
            if not isinstance(value := vars(model).get(name, MISSING), Placeholder)
        ]
        with leaving_to_django(), self._working():
            yield
        for model, name, value in changed:
            if value is not MISSING:
                setattr(model, name, value)
            elif name in vars(model):
                delattr(model, name)
        self._settled.update(
            model for models in self._all_models.values() for model in models.values()
        )


class Placeholder:
    """Stands for an attribute that a model gets when all others are rendered."""

    def __init__(self, apps: OnDemandApps, name: str) -> None:
        self._apps = apps
        self._name = name

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        self._apps.complete()
        return getattr(owner if instance is None else instance, self._name)

    def __set__(self, instance: Any, value: Any) -> None:
        self._apps.complete()
        # The metaclass may react to assignments.
        object.__setattr__(instance, self._name, value)

    def __delete__(self, instance: Any) -> None:
        self._apps.complete()
        object.__delattr__(instance, self._name)
