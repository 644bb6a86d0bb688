"""Says what modules may have used that were imported before anything was noted."""

from __future__ import annotations

import dis
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final

from ctest_containers.recording.module import INSTALLED
from ctest_containers.usage.hooks import CO_OPTIMIZED
from ctest_containers.usage.notes import Notes

READING: Final = re.compile(
    r"(l?exists|l?stat|access|contents|fdopen|files|from_?file\w*|get(size|[acm]time)|get_data"
    r"|getlines?|i?glob|rglob|is_?(dir|file|link|mount)|iterdir|listdir|load\w*|open\w*|parse"
    r"|read(?!y|_only|able)\w*|resolve|samefile|scandir|walk)"
)
"""Matches the names of functions that may read files, or look for them."""

PROGRAMS: Final = frozenset({"check_output", "fork", "Popen", "popen", "run", "spawn", "system"})

ENVIRONMENT: Final = frozenset({"environ", "environb", "getenv"})

LOOKUPS: Final = frozenset({"__import__", "import_module", "import_string", "modules"})

OF_PROGRAMS: Final = PROGRAMS - {"run"}
"""Those that mean the same without the module `subprocess`."""

SUSPICIOUS: Final = re.compile("|".join([READING.pattern, *PROGRAMS, *ENVIRONMENT, *LOOKUPS]))

HARMLESS: Final = frozenset(
    {
        *("attr", "attrs", "celery", "ctest_containers", "django", "django_filters", "factory"),
        *("import_export", "pytest", "rest_framework", "taggit", "typing_extensions"),
    }
)
"""Packages whose functions read nothing when modules are imported, apart from `READING` ones."""

MOST_PREFIXES: Final = 10

LOADING: Final = ("LOAD_ATTR", "LOAD_GLOBAL", "LOAD_METHOD", "LOAD_NAME")

COMPREHENSIONS: Final = frozenset({"<dictcomp>", "<genexpr>", "<listcomp>", "<setcomp>"})


def note_unwatched(notes: Notes, modules: Iterable[str], ran: Iterable[CodeType]) -> bool:
    """Note what modules may have used while they were imported.

    Args:
        modules: The names of modules of the project.
        ran: The functions that have run.

    Returns:
        Whether they may have read any file of the project.
    """
    names: dict[str, ModuleType] = {}
    for name in modules:
        module = sys.modules.get(name)
        if module is not None and isinstance(getattr(module, "__file__", None), str):
            names[str(module.__file__)] = module
    codes = [(code, vars(module)) for module in names.values() for code in _of_module(module)]
    codes += [(code, vars(names[code.co_filename])) for code in ran if code.co_filename in names]
    reads = reads_environment = False
    texts: set[str] = set()
    for code, namespace in codes:
        foreign = {name for name in code.co_names if _is_foreign(namespace.get(name))}
        suspicious = foreign | {name for name in code.co_names if SUSPICIOUS.fullmatch(name)}
        # Few code has such names, and taking it apart is slow.
        loaded = suspicious & _loaded(code) if suspicious else suspicious
        is_foreign = not foreign.isdisjoint(loaded)
        reads |= is_foreign or any(READING.fullmatch(name) for name in loaded)
        reads_environment |= is_foreign or not ENVIRONMENT.isdisjoint(loaded)
        constants = {text for text in _constants(code.co_consts) if text.isidentifier()}
        texts |= {text for text in constants if text.isupper()}
        programs = loaded & PROGRAMS if "subprocess" in namespace else loaded & OF_PROGRAMS
        if programs:
            notes.opaque.add(f"{namespace.get('__name__')} may start a program")
        if not LOOKUPS.isdisjoint(loaded) and code.co_flags & CO_OPTIMIZED:
            # Which names it was called with is not known.
            notes.lookups |= {str(module.__name__) for module in names.values()}
    if reads_environment:
        # Some names consist of two parts.
        starts = [text for text in texts if text.endswith("_")][:MOST_PREFIXES]
        notes.variables |= texts | {f"{start}{text}" for start in starts for text in texts}
    return reads


def _of_module(module: ModuleType) -> Iterator[CodeType]:
    """The code of a module, of the classes in it and of what runs at once in both."""
    code = None
    with suppress(Exception):
        code = module.__spec__.loader.get_code(module.__name__)  # type: ignore[union-attr]
    waiting = [code] if isinstance(code, CodeType) else []
    for outer in waiting:
        yield outer
        inner = [constant for constant in outer.co_consts if isinstance(constant, CodeType)]
        waiting += [
            code
            for code in inner
            if not code.co_flags & CO_OPTIMIZED or code.co_name in COMPREHENSIONS
        ]


def _loaded(code: CodeType) -> set[str]:
    """The names that code uses, apart from those that it only imports or binds."""
    return {str(step.argval) for step in dis.get_instructions(code) if step.opname in LOADING}


def _constants(values: Iterable[object]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, tuple):
            yield from _constants(value)


def _is_foreign(value: object) -> bool:
    """Whether something is an installed package's that may read anything."""
    kind = type(value)
    if kind is ModuleType:
        name: Any = vars(value).get("__name__")
    elif kind is FunctionType or issubclass(kind, type):
        name = getattr(value, "__module__", None)
    else:
        name = kind.__module__
    top = str(name).partition(".")[0]
    file = getattr(sys.modules.get(top), "__file__", None) or ""
    return top not in HARMLESS and not INSTALLED.isdisjoint(file.split("/"))
