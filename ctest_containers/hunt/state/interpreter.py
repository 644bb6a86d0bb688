"""Observes the state of Python's own modules: environment, threads, logging and the like."""

from __future__ import annotations

import decimal
import gc
import locale
import logging
import os
import signal
import socket
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psutil

from ctest_containers.hunt.state.facts import Fact, Key
from ctest_containers.hunt.state.values import Identity, is_a, name_of, shown, shown_as, token


def observe() -> Iterator[tuple[Key, Fact]]:
    """Yield facts about this process."""
    yield from _environment()
    yield from _interpreter()
    yield from _threads()
    yield from _logging()
    yield from _signals()


def _environment() -> Iterator[tuple[Key, Fact]]:
    for name, value in os.environ.items():
        yield Key("environment", f"os.environ[{name!r}]"), Fact(value, shown_as(name, value))
    try:
        folder = os.getcwd()  # noqa: PTH109  # As people read it.
    except FileNotFoundError:
        folder = "a folder that no longer exists"
    yield Key("working directory", "os.getcwd()"), Fact(folder, folder)
    mask = os.umask(0o077)
    os.umask(mask)
    yield Key("environment", "the umask"), Fact(mask, f"{mask:03o}")
    yield Key("environment", "time.tzname"), Fact(time.tzname, shown(time.tzname))
    name = locale.setlocale(locale.LC_ALL)
    yield Key("environment", "the locale"), Fact(name, name)


def _interpreter() -> Iterator[tuple[Key, Fact]]:
    values: dict[str, Any] = {
        "sys.path": list(sys.path),
        "sys.argv": list(sys.argv),
        "sys.recursionlimit": sys.getrecursionlimit(),
        "the default timeout of sockets": socket.getdefaulttimeout(),
        "gc.isenabled()": gc.isenabled(),
        "tempfile.tempdir": tempfile.tempdir,
        "the precision of decimals": decimal.getcontext().prec,
        "the rounding of decimals": decimal.getcontext().rounding,
    }
    for name, value in values.items():
        yield Key("interpreter", name), Fact(token(value), shown(value))
    for name in ("stdout", "stderr", "stdin", "excepthook", "displayhook"):
        value = getattr(sys, name)
        yield Key("interpreter", f"sys.{name}"), Fact(Identity(value), name_of(value))
    for name, getter in (("sys.settrace", sys.gettrace), ("sys.setprofile", sys.getprofile)):
        yield Key("interpreter", name), Fact(Identity(getter()), shown(getter()))
    for name in ("meta_path", "path_hooks"):
        hooks = getattr(sys, name)
        names = ", ".join(map(name_of, hooks))
        yield Key("interpreter", f"sys.{name}"), Fact(tuple(map(Identity, hooks)), names)
    for name, module in list(sys.modules.items()):
        yield Key("modules", f"sys.modules[{name!r}]"), Fact(Identity(module), is_lazy=True)
    filters = tuple(map(repr, warnings.filters))
    yield Key("warnings", "warnings.filters"), Fact(filters, f"{len(filters)} filters")


def _threads() -> Iterator[tuple[Key, Fact]]:
    for thread in threading.enumerate():
        target = getattr(thread, "_target", None)
        what = f"runs {name_of(target)}" if target is not None else "runs"
        yield Key("threads", f"the thread {thread.name!r}"), Fact(Identity(thread), what)
    with suppress(psutil.Error):
        for child in psutil.Process().children():
            with suppress(psutil.Error):
                words = " ".join(child.cmdline()) or child.name()
                yield Key("threads", f"the child process {child.pid}"), Fact(child.pid, words[:80])


def _logging() -> Iterator[tuple[Key, Fact]]:
    manager = logging.root.manager
    yield Key("logging", "logging.disable"), Fact(manager.disable, str(manager.disable))
    loggers: dict[str, logging.Logger] = {"the root logger": logging.root}
    known: dict[str, Any] = dict(manager.loggerDict)
    loggers |= {
        f"the logger {name!r}": logger
        for name, logger in known.items()
        if is_a(logger, logging.Logger)
    }
    for name, logger in loggers.items():
        values = {
            "level": logging.getLevelName(logger.level),
            "disabled": logger.disabled,
            "propagate": logger.propagate,
        }
        for attribute, value in values.items():
            yield Key("logging", f"{name}, {attribute}"), Fact(value, str(value), is_lazy=True)
        for part in ("handlers", "filters"):
            items = tuple(getattr(logger, part))
            names = ", ".join(type(item).__name__ for item in items) or "none"
            fact = Fact(tuple(map(Identity, items)), names, is_lazy=True)
            yield Key("logging", f"{name}, {part}"), fact


def _signals() -> Iterator[tuple[Key, Fact]]:
    for number in signal.valid_signals():
        handler = signal.getsignal(number)
        name = getattr(number, "name", f"signal {int(number)}")
        yield Key("interpreter", f"the handler of {name}"), Fact(token(handler), shown(handler))
