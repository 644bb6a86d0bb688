"""Reports when the project asks which models exist."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

REGISTRY: Final = "django.apps.registry"

ORIGINAL: Final = "original"
"""The attribute of a watched function that has the original."""

INTERNAL: Final = frozenset({"get_models", "get_swappable_settings_name", "clear_cache"})
"""The registry's own functions that often ask; callers of the first are watched as well."""

Asked = Callable[[bool], None]
"""Called for each such question, with whether it is about today's models."""


@contextmanager
def watching_registry(asked: Asked) -> Iterator[None]:
    """Call `asked` whenever the project, or the receiver for permissions, asks for all models."""
    from django.apps import AppConfig, apps
    from django.apps.registry import Apps

    def noting(call: Any, is_real: Callable[[Any], bool]) -> Any:
        original = getattr(call, ORIGINAL, call)

        def get_models(owner: Any, *arguments: Any, **options: Any) -> Any:
            caller = sys._getframe(1)
            if is_registry_s(caller):
                return original(owner, *arguments, **options)
            if _is_for_rows(caller):
                asked(is_real(owner))
            return call(owner, *arguments, **options)

        # Django drops its cached answers.
        vars(get_models)["cache_clear"] = getattr(call, "cache_clear", None)
        vars(get_models)["__wrapped__"] = call
        return get_models

    of_all, of_app = Apps.get_models, AppConfig.get_models
    setattr(Apps, "get_models", noting(of_all, lambda asker: asker is apps))  # noqa: B010  # mypy knows it as a method.
    setattr(AppConfig, "get_models", noting(of_app, lambda asker: asker.apps is apps))  # noqa: B010  # As above.
    try:
        yield
    finally:
        setattr(Apps, "get_models", of_all)  # noqa: B010  # As above.
        setattr(AppConfig, "get_models", of_app)  # noqa: B010  # As above.


def is_registry_s(frame: FrameType) -> bool:
    """Whether the registry itself asks, as it often does."""
    return frame.f_code.co_name in INTERNAL and frame.f_globals["__name__"] == REGISTRY


def _is_for_rows(frame: FrameType | None) -> bool:
    """Whether the project asks, or the receivers that create permissions and content types."""
    while frame is not None:
        module = str(frame.f_globals.get("__name__"))
        if not module.startswith(("django.apps.", "ctest_containers.")):
            return not module.startswith("django.") or ".management" in module
        frame = frame.f_back
    return False
