"""Registries for operations on the schema, which render models on demand."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from django.apps.registry import Apps
from django.db.migrations.state import AppConfigStub, ModelState, StateApps
from django.db.migrations.utils import resolve_relation
from django.db.models.options import Options
from django.db.models.utils import make_model_tuple

from ctest_containers.errors import RenderingError

Key = tuple[str, str]
"""A model's app label, and its name in lower case."""


GET_MODELS: Final = inspect.unwrap(Apps.get_models)
"""Django's own function, without its cache and without recorders around it."""


class LocalApps(StateApps):
    """A registry that clears only its own caches.

    Django's caches answers of all registries in one place, where those of the project's own apps
    stay the same as long as migrations run.
    """

    def clear_cache(self) -> None:
        """See `Apps.clear_cache`."""
        if self.ready:
            for models in self.all_models.values():
                for model in models.values():
                    vars(Options)["_expire_cache"](model._meta)

    def get_models(self, *arguments: Any, **options: Any) -> Any:
        """See `Apps.get_models`; answers are not cached."""
        return GET_MODELS(self, *arguments, **options)


class PartialApps(LocalApps):
    """The models that operations on the schema have asked for, and those that they refer to.

    Its models are the same as Django's, except that an attribute for the models that refer to a
    model, such as `order_set`, may be missing or out of date. Only operations that do not use such
    attributes may use this registry.

    Args:
        models: The states of models; others may be added to it, or take the place of these.
        real_models: The states of models of apps without migrations.
        labels: The labels of apps in their order.
    """

    def __init__(
        self,
        models: Mapping[Key, ModelState],
        real_models: Iterable[ModelState],
        labels: Iterable[str],
    ) -> None:
        super().__init__([], {})
        self.real_models = [*real_models]
        self._models = models
        self._real = {(state.app_label, state.name_lower): state for state in self.real_models}
        self._references: dict[Key, frozenset[Key]] = {}
        self._noted: set[Key] = set()
        self._earlier: EarlierApps | None = None
        self._is_rendering = False
        for label in labels:
            self._add_label(label)

    def get_model(self, *arguments: Any, **options: Any) -> Any:
        """See `Apps.get_model`."""
        self.render([key_of(*arguments, **options)])
        return super().get_model(*arguments, **options)

    def get_models(self, *arguments: Any, **options: Any) -> Any:
        """See `Apps.get_models`."""
        self.render([*self._models, *self._real])
        return super().get_models(*arguments, **options)

    def render(self, keys: Iterable[Key]) -> None:
        """Render models, and those that they refer to, unless they are rendered already."""
        waiting = [key for key in keys if not self.has(key)]
        # A model that is being rendered asks for its bases, which have been rendered before it.
        if not waiting or self._is_rendering:
            return
        pending: Mapping[Key, Any] = vars(self)["_pending_operations"]
        self._is_rendering = True
        try:
            with self.bulk_update():
                while waiting:
                    if self._render(waiting.pop()):
                        waiting += pending
        finally:
            self._is_rendering = False
        for label, models in self.all_models.items():
            for name, model in models.items():
                if (label, name) not in self._references:
                    self._references[label, name] = frozenset(_references(model))

    def _render(self, key: Key) -> bool:
        """Render a model after its bases; return false if it was rendered already."""
        state = self._real.get(key) or self._models.get(key)
        if state is None or self.has(key):
            return False
        for base in state.bases:
            if isinstance(base, str):
                self._render(make_model_tuple(base))
        self._add_label(state.app_label)
        state.render(self)
        return True

    def has(self, key: Key) -> bool:
        """Whether a model has been rendered."""
        return key[1] in self.all_models[key[0]]

    def note_referring(self, keys: Iterable[Key]) -> None:
        """Update what models know about references to them."""
        for label, name in keys:
            if self.has((label, name)):
                self._noted.add((label, name))
                options = self.all_models[label][name]._meta
                _ = options.related_objects
                options.get_fields(include_hidden=True)
                vars(type(options))["_get_fields"](
                    options,
                    forward=False,
                    reverse=True,
                    include_hidden=True,
                    include_parents=False,
                )

    def update(self, keys: Collection[Key]) -> None:
        """Update the registry after models have changed.

        They are rendered, as are those that inherit from them: Django finds errors in them now.
        """

        def children(parents: set[Key]) -> set[Key]:
            return {
                key
                for key, state in self._models.items()
                for base in state.bases
                if isinstance(base, str) and make_model_tuple(base) in parents
            }

        # Caches are cleared once, as in `StateApps`.
        with self.bulk_update():
            self._forget(keys)
            self.render(_closure({*keys}, children))

    def _forget(self, keys: Collection[Key]) -> None:
        """Drop models that have changed, and those that refer to them."""

        def referring(models: set[Key]) -> set[Key]:
            return {
                key
                for key, references in self._references.items()
                if not references.isdisjoint(models)
            }

        # The remaining models forget references to them.
        gone = _closure({*keys, *self._noted}, referring)
        self._noted.clear()
        with self.bulk_update():
            for key in gone & self._references.keys():
                del self._references[key]
                model = self.all_models[key[0]][key[1]]
                # Its references have changed.
                model._meta.apps = self._earlier or self
                self.unregister_model(*key)

    def earlier(self) -> EarlierApps:
        """Everything rendered until now, for an operation that is about to change the state."""
        self._earlier = EarlierApps(self)
        return self._earlier

    def end_operation(self) -> None:
        """Release the models from before an operation that has ended."""
        if self._earlier is not None:
            self._earlier.all_models.clear()
            self._earlier.app_configs.clear()
            self._earlier = None

    def _add_label(self, label: str) -> None:
        if label not in self.app_configs:
            stub = self.app_configs[label] = AppConfigStub(label)
            stub.apps = self
            stub.models = self.all_models[label]


class EarlierApps(LocalApps):
    """The models that a partial registry had rendered before an operation changed the state.

    Raises:
        RenderingError: A method was asked for a model that had not been rendered.
    """

    def __init__(self, apps: PartialApps) -> None:
        super().__init__([], {})
        self.real_models = apps.real_models
        for label, models in apps.all_models.items():
            self.all_models[label].update(models)
            stub = self.app_configs[label] = AppConfigStub(label)
            stub.apps = self
            stub.models = self.all_models[label]

    def get_model(self, *arguments: Any, **options: Any) -> Any:
        """See `Apps.get_model`."""
        try:
            return super().get_model(*arguments, **options)
        except LookupError as error:
            name = ".".join(key_of(*arguments, **options))
            raise RenderingError(f"An operation used {name} as it was before.") from error

    def get_models(self, *_: Any, **__: Any) -> Any:
        """See `Apps.get_models`; it is not available here."""
        raise RenderingError("An operation used all models as they were before.")


def key_of(app_label: str, model_name: str | None = None, *_: Any, **__: Any) -> Key:
    """The key of a model, from the arguments of `Apps.get_model`."""
    if model_name is None:
        app_label, model_name = app_label.split(".")
    return app_label, model_name.lower()


def _closure(models: set[Key], more: Callable[[set[Key]], set[Key]]) -> set[Key]:
    """Models, and those that a function returns for them, transitively."""
    while not (new := more(models)) <= models:
        models = models | new
    return models


def _references(model: Any) -> Iterator[Key]:
    """The models that a class needs: the targets of its fields, and its bases.

    A field may have the name of a model that does not exist yet.
    """
    options = model._meta
    fields = (*options.local_fields, *options.local_many_to_many, *options.private_fields)
    related = [
        kind
        for field in fields
        if field.remote_field is not None
        for kind in (field.remote_field.model, getattr(field.remote_field, "through", None))
    ]
    for kind in (*related, *model.__mro__[1:]):
        if isinstance(kind, str):
            yield resolve_relation(kind, options.app_label, options.model_name)
        elif (meta := getattr(kind, "_meta", None)) is not None and not meta.abstract:
            yield meta.app_label, meta.model_name
