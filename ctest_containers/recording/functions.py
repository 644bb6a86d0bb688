"""Records which functions run in a process, at almost no cost."""

from __future__ import annotations

import ctypes
import gc
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import compress, repeat
from operator import is_
from types import CodeType, FunctionType
from typing import Any, Final, Protocol

TOOL_NAME: Final = "ctest-containers"

CALLS: Final = 3
"""How often the calibration calls its function."""


class FunctionRecorder(Protocol):
    """Records the functions that run from `start` until `stop`."""

    def start(self) -> None:
        """Start recording."""

    def so_far(self) -> Iterable[CodeType]:
        """The code objects that have run, each at least once."""

    def stop(self) -> None:
        """Stop recording."""


def function_recorder(is_wanted: Callable[[str], bool]) -> FunctionRecorder:
    """The recorder for this version of Python.

    Args:
        is_wanted: Whether the functions of a file are recorded.
    """
    if sys.version_info >= (3, 12):
        return _Monitor(is_wanted)
    return _Counters(is_wanted)


class _Monitor:
    """Has the interpreter report each function once; see PEP 669."""

    def __init__(self, is_wanted: Callable[[str], bool]) -> None:
        self._is_wanted = is_wanted
        # By identity: several files may have equal code.
        self._ran: dict[int, CodeType] = {}
        self._monitoring: Any = vars(sys)["monitoring"]
        self._tool = 0

    def start(self) -> None:
        """See `FunctionRecorder`."""
        monitoring = self._monitoring
        free = [number for number in range(5, -1, -1) if monitoring.get_tool(number) is None]
        self._tool = free[0]
        monitoring.use_tool_id(self._tool, TOOL_NAME)
        started = monitoring.events.PY_START
        disable, ran = monitoring.DISABLE, self._ran

        def note(code: CodeType, _: int) -> Any:
            ran[id(code)] = code
            return disable

        monitoring.register_callback(self._tool, started, note)
        monitoring.set_events(self._tool, started)

    def so_far(self) -> Iterable[CodeType]:
        """See `FunctionRecorder`."""
        return [
            code
            for code in [*self._ran.values()]
            # The body of a class runs when its module is imported, which is recorded as such.
            if code.co_flags & inspect.CO_OPTIMIZED and self._is_wanted(code.co_filename)
        ]

    def stop(self) -> None:
        """See `FunctionRecorder`."""
        self._monitoring.set_events(self._tool, 0)
        self._monitoring.free_tool_id(self._tool)


class _Counters:
    """Reads the counters by which CPython 3.10 and 3.11 decide what to optimize.

    A code object counts only until it is optimized, so functions that have run get new ones.
    """

    def __init__(self, is_wanted: Callable[[str], bool]) -> None:
        self._is_wanted = is_wanted
        with ExitStack() as block:
            _pause_tracing(block)
            self._offset, self._unused = calibrate()
        self._tracing = ExitStack()
        # By identity: several files may have equal code.
        self._watched: dict[int, CodeType] = {}

    def start(self) -> None:
        """See `FunctionRecorder`."""
        _pause_tracing(self._tracing)
        # Frozen objects are not listed.
        gc.unfreeze()
        for function in self._functions():
            if self._has_run(function.__code__):
                function.__code__ = _copy(function.__code__)
            self._watched[id(function.__code__)] = function.__code__
        # At the end, only new objects have to be searched.
        gc.freeze()

    def so_far(self) -> Iterable[CodeType]:
        """See `FunctionRecorder`."""
        new = {id(function.__code__): function.__code__ for function in self._functions()}
        codes: dict[int, CodeType] = {}
        waiting = [*(self._watched | new).values()]
        while waiting:
            code = waiting.pop()
            # Functions defined in a function that has not run have not run either.
            if self._has_run(code):
                codes[id(code)] = code
                waiting += [
                    constant for constant in code.co_consts if isinstance(constant, CodeType)
                ]
        return codes.values()

    def stop(self) -> None:
        """See `FunctionRecorder`; counting costs nothing."""
        self._tracing.close()

    def _functions(self) -> Iterator[FunctionType]:
        objects = gc.get_objects()
        # Few of many thousand objects are functions.
        for function in compress(objects, map(is_, map(type, objects), repeat(FunctionType))):
            if self._is_wanted(function.__code__.co_filename):
                yield function

    def _has_run(self, code: CodeType) -> bool:
        return ctypes.c_int.from_address(id(code) + self._offset).value != self._unused


def _pause_tracing(block: ExitStack) -> None:
    """Pause debuggers and profilers until a block ends: CPython 3.11 counts nothing under them."""
    if (trace := sys.gettrace()) is not None:
        block.callback(sys.settrace, trace)
        sys.settrace(None)
    if (profile := sys.getprofile()) is not None:
        block.callback(sys.setprofile, profile)
        sys.setprofile(None)


def calibrate() -> tuple[int, int]:
    """The offset of the counter in a code object, and its value before the first call.

    Raises:
        RuntimeError: This interpreter has no such counter.
    """
    size = CodeType.__basicsize__
    offsets = range(0, size - size % 4, 4)
    namespace: dict[str, Any] = {}
    exec(compile("def probe():\n    return 1\n", "<calibration>", "exec"), namespace)  # noqa: S102
    probe = namespace["probe"]

    def values() -> list[int]:
        return [ctypes.c_int.from_address(id(probe.__code__) + offset).value for offset in offsets]

    seen = [values()]
    for _ in range(CALLS):
        probe()
        seen.append(values())
    for index, offset in enumerate(offsets):
        counts = [snapshot[index] for snapshot in seen]
        if counts == [*range(counts[0], counts[0] + len(counts))]:
            return offset, counts[0]
    raise RuntimeError(f"Python {sys.version} does not count the calls of functions.")


def _copy(code: CodeType) -> CodeType:
    """A copy of a code object, and of those in it, that has never run."""
    inner = tuple(
        _copy(constant) if isinstance(constant, CodeType) else constant
        for constant in code.co_consts
    )
    return code.replace(co_consts=inner)
