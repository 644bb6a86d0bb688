"""Functions of Python and Django whose arguments say what a test uses.

Their frames are looked at; nothing is replaced, so tests see the originals.
"""

from __future__ import annotations

import functools
import genericpath
import importlib
import os
import pathlib
import posixpath
import string
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from types import CodeType, FrameType
from typing import Any, Final

from ctest_containers.recording.askers import Askers
from ctest_containers.usage.hooks import Hook, number_of
from ctest_containers.usage.notes import Notes

__unittest = True

EXISTENCE: Final = ("exists", "lexists", "isfile", "isdir", "islink", "ismount")

CONTENTS: Final = ("getsize", "getmtime", "getatime", "getctime")

COPYING: Final = frozenset({"__iter__", "copy", "popitem", "__eq__", "__or__", "__ror__"})
"""Methods in which all environment variables are read; that does not count as reading one."""

EXPANDING: Final = ("expandvars", "repl")
"""Functions in which `os.path.expandvars` reads variables; the inner one in recent releases."""

MIGRATIONS: Final = "django.db.migrations."
"""The modules that load migrations, which are separate inputs."""

ONCE: Final = frozenset(
    {
        *("CACHES", "FILE_UPLOAD_DIRECTORY_PERMISSIONS", "FILE_UPLOAD_PERMISSIONS"),
        *("FORMAT_MODULE_PATH", "FORM_RENDERER", "LANGUAGES", "LANGUAGES_BIDI", "LANGUAGE_CODE"),
        *("LOCALE_PATHS", "MEDIA_ROOT", "MEDIA_URL", "SERIALIZATION_MODULES", "STATICFILES_DIRS"),
        *("STATICFILES_FINDERS", "STATIC_ROOT", "STATIC_URL", "STORAGES", "TEMPLATES"),
    }
)
"""Settings, besides those of formats, from which Django makes objects that a process keeps."""

MAPPINGS: Final = "collections.abc"

LATE: Final = "/jinja2/environment.py"
"""The end of the name of a file with a function to watch that Django does not load."""

VIEW_CLASSES: Final = ("view_class", "cls", "model_admin")
"""Attributes with which Django, its REST framework and its admin mark the functions of views."""


class WatchedCalls:
    """Notes what the arguments of these functions say.

    Args:
        notes: Returns the notes of the unit that runs.
        base: Returns the notes of what counts for all tests.
        askers: Decides whether the project has asked.
        wide: Decides the same for files, which Django reads on its behalf in more places.
    """

    def __init__(
        self, notes: Callable[[], Notes], base: Callable[[], Notes], askers: Askers, wide: Askers
    ) -> None:
        self._notes = notes
        self._base = base
        self._askers = askers
        self._wide = wide
        self._once = ONCE
        self._settings: dict[str, Any] = {}
        self._lasting: frozenset[str] = frozenset()
        self._urlconf: Callable[[], object] = lambda: None
        self._copying: tuple[int, int] = (0, 0)

    def hooks(self) -> Iterator[tuple[CodeType, Hook]]:
        """The code of each function, and its hook."""
        from collections.abc import Mapping as AbstractMapping

        from django import conf
        from django.apps import AppConfig
        from django.apps.registry import Apps
        from django.core import management
        from django.db.backends.utils import CursorWrapper
        from django.template.engine import Engine
        from django.urls import base
        from django.urls.resolvers import ResolverMatch
        from django.utils import formats, module_loading

        self._once = ONCE | formats.FORMAT_SETTINGS
        self._settings = vars(conf.settings)
        self._urlconf = lambda: base.get_urlconf() or _value(conf.settings, "ROOT_URLCONF")
        # Reading them twice would warn twice.
        self._lasting = frozenset(getattr(conf, "DEPRECATED_EMAIL_SETTINGS", ()))
        for name in ("__setattr__", "__delattr__"):
            yield getattr(conf.LazySettings, name).__code__, Hook(self._settings_change)
        yield conf.LazySettings.__getattr__.__code__, Hook(fail=self._no_setting)
        environment: Any = type(os.environ)
        every: list[tuple[Any, Callable[[FrameType], None]]] = [
            (environment.__getitem__, self._variable),
            (AbstractMapping.keys, self._copy),
            (importlib.import_module, self._module),
            (module_loading.import_string, self._name),
            (Apps.get_model, self._model),
            (Apps.get_models, self._models),
            (AppConfig.get_models, self._models_of_app),
            (Engine.find_template, self._template),
            (ResolverMatch.__init__, self._view),
            (base.reverse, self._urls),
            (base.resolve, self._urls),
            (CursorWrapper.callproc, self._procedure),
            (management.call_command, self._command),
        ]
        every += [
            (getattr(module, name), self._existence)
            for module in (genericpath, posixpath)
            for name in EXISTENCE
            if hasattr(module, name)
        ]
        every += [(getattr(genericpath, name), self._contents) for name in CONTENTS]
        every += [(getattr(pathlib.Path, name), self._stat) for name in ("stat", "lstat")]
        seen: set[int] = set()
        for function, enter in every:
            # Some are written in C, in some versions of Python.
            code = getattr(getattr(function, "__wrapped__", function), "__code__", None)
            if code is not None and number_of(code) not in seen:
                seen.add(number_of(code))
                yield code, Hook(enter)

    def late(self, code: CodeType) -> Hook | None:
        """The hook of a function of a package that is loaded later."""
        if code.co_name == "_load_template" and code.co_filename.endswith(LATE):
            return Hook(self._jinja_template)
        return None

    def forget_settings(self) -> None:
        """Note the settings that were read since the last call, and have Django read them again.

        Django keeps each in a dictionary, and asks for it no more.
        """
        read = self._settings
        for name in [*read]:
            if not name.isupper():
                continue
            (self._base() if name in self._once else self._notes()).settings.add(name)
            if name not in self._lasting:
                read.pop(name, None)

    def _settings_change(self, _: FrameType) -> None:
        # It removes what was read until now.
        self.forget_settings()

    def _no_setting(self, frame: FrameType) -> None:
        name = frame.f_locals["name"]
        if name.isupper():
            (self._base() if name in self._once else self._notes()).settings.add(name)

    def _variable(self, frame: FrameType) -> None:
        caller = frame.f_back
        if caller is None or (number_of(caller), caller.f_lasti) == self._copying:
            return
        while caller is not None and caller.f_globals.get("__name__") in {"os", MAPPINGS}:
            if caller.f_code.co_name in COPYING:
                return
            caller = caller.f_back
        if caller is None:
            return
        # Django asks often, and is known at once.
        if self._askers.is_project(caller) and not self._is_python_s_own(caller):
            key = frame.f_locals["key"]
            if isinstance(key, (str, bytes)):
                self._notes().variables.add(os.fsdecode(key))

    def _is_python_s_own(self, frame: FrameType) -> bool:
        """Whether Python reads a variable for itself, not for its caller."""
        code = frame.f_code
        is_for_caller = code.co_filename == string.__file__ or code.co_name in EXPANDING
        return self._askers.is_python_s(frame) and not is_for_caller

    def _copy(self, frame: FrameType) -> None:
        caller = frame.f_back
        if caller is not None and frame.f_locals.get("self") in (os.environ, os.environb):
            self._copying = number_of(caller), caller.f_lasti

    def _existence(self, frame: FrameType) -> None:
        self._path(frame, self._notes().paths)

    def _contents(self, frame: FrameType) -> None:
        self._path(frame, self._notes().files)

    def _stat(self, frame: FrameType) -> None:
        caller = frame.f_back
        is_inside = caller is not None and str(caller.f_globals.get("__name__")).startswith(
            "pathlib"
        )
        notes = self._notes()
        self._path(frame, notes.paths if is_inside else notes.files)

    def _path(self, frame: FrameType, kind: set[str]) -> None:
        path = frame.f_locals[frame.f_code.co_varnames[0]]
        if isinstance(path, (str, bytes, os.PathLike)) and self._wide.is_project(frame.f_back):
            # The current folder may change later.
            kind.add(os.path.abspath(os.fsdecode(path)))  # noqa: PTH100

    def _module(self, frame: FrameType) -> None:
        names = frame.f_locals
        name, package = names.get("name"), names.get("package")
        asker = "" if frame.f_back is None else str(frame.f_back.f_globals.get("__name__"))
        if isinstance(name, str) and not asker.startswith(MIGRATIONS):
            if name.startswith(".") and isinstance(package, str):
                with suppress(ImportError):
                    name = importlib.util.resolve_name(name, package)
            self._notes().lookups.add(name)

    def _name(self, frame: FrameType) -> None:
        name = frame.f_locals.get("dotted_path")
        if isinstance(name, str):
            self._notes().lookups.add(name)

    def _model(self, frame: FrameType) -> None:
        names = frame.f_locals
        label, name = names.get("app_label"), names.get("model_name")
        if isinstance(label, str) and name is None:
            label, _, name = label.partition(".")
        if isinstance(label, str) and isinstance(name, str):
            self._notes().models.add((label, name.lower()))

    def _models_of_app(self, frame: FrameType) -> None:
        caller = frame.f_back
        # `Apps.get_models` asks every app, and is watched itself.
        if caller is None or caller.f_globals.get("__name__") != "django.apps.registry":
            self._models(frame)

    def _models(self, frame: FrameType) -> None:
        if self._askers.is_project(frame.f_back):
            self._notes().models.add(("*", ""))

    def _template(self, frame: FrameType) -> None:
        self._notes().templates.add(str(frame.f_locals["name"]))

    def _jinja_template(self, frame: FrameType) -> None:
        name = frame.f_locals.get("name")
        if isinstance(name, str):
            self._notes().templates.add(name)

    def _command(self, frame: FrameType) -> None:
        """Which app's command a name stands for is looked up once in a process."""
        from django.apps import apps

        name = frame.f_locals.get("command_name")
        if isinstance(name, str):
            paths = self._notes().paths
            for config in apps.get_app_configs():
                paths.add(f"{config.path}/management/commands/{name}.py")

    def _view(self, frame: FrameType) -> None:
        notes = self._notes()
        for kind in _classes_of(frame.f_locals["func"]):
            notes.classes.add(kind)

    def _urls(self, frame: FrameType) -> None:
        """Reversing and resolving depend on all patterns, also where no view runs."""
        urlconf = frame.f_locals.get("urlconf") or self._urlconf()
        if isinstance(urlconf, str):
            notes = self._notes()
            notes.lookups.add(urlconf)
            notes.settings.add("ROOT_URLCONF")

    def _procedure(self, frame: FrameType) -> None:
        name = frame.f_locals.get("procname")
        self._notes().opaque.add(f"calls the stored procedure {name}")


def _value(settings: Any, name: str) -> object:
    return getattr(settings._wrapped, name, None)


def _classes_of(view: Any) -> Iterator[str]:
    """The full names of what a URL leads to, without its decorators."""
    for _ in range(100):
        if isinstance(view, functools.partial):
            view = view.func
            continue
        for name in VIEW_CLASSES:
            if (kind := getattr(view, name, None)) is not None:
                yield _full_name(kind if isinstance(kind, type) else type(kind))
        owner = getattr(view, "__self__", None)
        if owner is not None and not isinstance(owner, type(sys)):
            yield _full_name(owner if isinstance(owner, type) else type(owner))
        inner = getattr(view, "__wrapped__", None)
        if inner is None:
            break
        view = inner
    is_plain = hasattr(view, "__qualname__") and "<" not in view.__qualname__
    yield _full_name(view if is_plain else type(view))


def _full_name(value: Any) -> str:
    return f"{value.__module__}.{value.__qualname__}"


def once_hooks(hook: Hook) -> Mapping[CodeType, Hook]:
    """Functions of Django whose answers a process caches; what they use counts for all tests."""
    from django.core.files.storage.handler import StorageHandler
    from django.template.engine import Engine
    from django.urls.resolvers import URLResolver

    known: list[Any] = [
        StorageHandler.create_storage,
        Engine.find_template_loader,
        URLResolver._populate,
    ]
    cached = type(functools.cache(id))
    for name, module in [*sys.modules.items()]:
        if name.startswith("django."):
            values = [value for value in vars(module).values() if type(value) is cached]
            known += [value.__wrapped__ for value in values]
    codes = (getattr(function, "__code__", None) for function in known)
    return {code: hook for code in codes if code is not None}
