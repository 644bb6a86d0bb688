"""Records settings and definitions that a process looks up by computed names."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from ctest_containers.recording import registry
from ctest_containers.recording.askers import Askers
from ctest_containers.recording.sources import Definition

UNWATCHED: Final = frozenset(
    {
        # Tests replace these, whatever the project sets.
        *("ALLOWED_HOSTS", "DATABASES", "DEBUG", "EMAIL_BACKEND"),
        # These decide which migrations and cache tables exist, which are separate inputs.
        *("CACHES", "INSTALLED_APPS", "MIGRATION_MODULES"),
    }
)
"""Settings that are not inputs."""


class LookupRecorder:
    """Records what this process looks up from `start` on, until it is paused.

    Attributes:
        settings: Names of settings that were read, by any code.
        definitions: Modules, and names in them, that the project looked up by name.
    """

    def __init__(self, askers: Askers) -> None:
        self._askers = askers
        self._is_on = False
        self.settings: set[str] = set()
        self.definitions: set[Definition] = set()

    def start(self) -> None:
        """Start recording."""
        self._is_on = True
        self._watch_settings()
        self._watch_imports()
        self._watch_registry()

    def pause(self) -> None:
        """Record nothing until `resume`."""
        self._is_on = False

    def resume(self) -> None:
        """Continue after `pause`."""
        self._is_on = True

    def _watch_settings(self) -> None:
        """Record the settings that are read.

        Django 6.1 looks at the caller of `LazySettings.__getattr__` to decide whether it warns of a
        deprecated setting. If that were a function of ours, Django's own reads would look like the
        project's.
        """
        import django
        from django.conf import settings

        kind: Any = type(settings)
        original = kind.__getattribute__
        # Before, it is an ordinary attribute.
        unwatched = UNWATCHED | ({"MAILERS"} if django.VERSION >= (6, 1) else set())

        def noted(lazy: Any, name: str) -> Any:
            if name.isupper() and self._is_on and name not in unwatched:
                self.settings.add(name)
            return original(lazy, name)

        kind.__getattribute__ = noted

    def _watch_imports(self) -> None:
        from django.utils import module_loading

        bootstrap: Any = vars(importlib)["_bootstrap"]
        bootstrap._gcd_import = self._noting(
            bootstrap._gcd_import, lambda _, arguments: [(arguments[0], "")]
        )
        vars(module_loading)["cached_import"] = self._noting(
            module_loading.cached_import, lambda _, arguments: [(arguments[0], arguments[1])]
        )

    def _watch_registry(self) -> None:
        from django.apps import AppConfig
        from django.apps.registry import Apps

        def of_classes(answer: Any, _: tuple[Any, ...]) -> list[Definition]:
            # Classes of `__fake__` are made from the state of a migration.
            every = answer if isinstance(answer, list) else [answer]
            kinds = [item if isinstance(item, type) else type(item) for item in every]
            return [(kind.__module__, kind.__qualname__) for kind in kinds]

        def listing(call: Callable[..., Any]) -> Callable[..., Any]:
            noting = self._noting(lambda *args, **options: [*call(*args, **options)], of_classes)

            def list_models(*arguments: Any, **options: Any) -> Any:
                if registry.is_registry_s(sys._getframe(1)):
                    return call(*arguments, **options)
                return noting(*arguments, **options)

            return list_models

        for name in ("get_app_config", "get_model"):
            setattr(Apps, name, self._noting(getattr(Apps, name), of_classes))
        for owner, name in (
            (Apps, "get_app_configs"),
            (Apps, "get_models"),
            (AppConfig, "get_models"),
        ):
            call = getattr(owner, name)
            list_models = listing(call)
            # Django drops its cached answers.
            vars(list_models)["cache_clear"] = getattr(call, "cache_clear", None)
            vars(list_models)["__wrapped__"] = call
            vars(list_models)[registry.ORIGINAL] = call
            setattr(owner, name, list_models)

    def _noting(
        self,
        call: Callable[..., Any],
        names: Callable[[Any, tuple[Any, ...]], list[Definition]],
    ) -> Callable[..., Any]:
        """A function that does the same, and records what the project gets from it."""

        def noting(*arguments: Any, **options: Any) -> Any:
            answer = call(*arguments, **options)
            if self._is_on and self._askers.is_project():
                # The answer may be any object.
                with suppress(Exception):
                    self.definitions.update(names(answer, arguments))
            return answer

        return noting
