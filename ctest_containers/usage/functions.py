"""Reports the functions of the project that run, again in each unit, and calls of some others."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any, Final, Protocol, TypeAlias

CO_OPTIMIZED: Final = 1
"""The flag of functions; modules and bodies of classes lack it."""

MODULE: Final = "<module>"

TOOL_NAMES: Final = ("ctest-containers", "ctest-containers units")

PREFERRED_TOOLS: Final = (4, 3, 5, 2)
"""Numbers of tools; those of debuggers and coverage.py are left to them."""

CachedFunction: TypeAlias = tuple[CodeType, str]
"""The code of a function whose answers are cached, and its full name: `module:name`."""

number_of: Final = object.__hash__
"""Identifies a code object while it exists. Its own hash is slow, and equal for equal code; `id`
raises an audit event."""


class UnavailableError(Exception):
    """Functions cannot be recorded; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Hook:
    """What to do whenever a function runs.

    Attributes:
        enter: Called with its frame when it begins.
        leave: Called with its frame when it returns or raises; None to call nothing.
    """

    enter: Callable[[FrameType], None]
    leave: Callable[[FrameType], None] | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """Which functions are recorded.

    Attributes:
        is_wanted: Whether the functions of a file are.
        module: What to do while a module with such a file is executed.
        late: Returns the hook of a function that is not wanted, when it runs first.
    """

    is_wanted: Callable[[str], bool]
    module: Hook
    late: Callable[[CodeType], Hook | None]


class FunctionWatch(Protocol):
    """Reports functions in all threads.

    Attributes:
        ran: The code of functions that have run since they were armed, each at least once.
    """

    ran: list[CodeType]

    def add(self, code: CodeType, hook: Hook) -> None:
        """Call a hook whenever this code runs."""

    def start(self) -> None:
        """Start reporting.

        Raises:
            UnavailableError: It is not possible in this process.
        """

    def arm(self, codes: Iterable[CodeType]) -> None:
        """Report these functions again, although they have been reported."""

    def stop(self) -> None:
        """Stop reporting."""


def function_watch(policy: Policy) -> FunctionWatch:
    """The watch for this version of Python."""
    if sys.version_info >= (3, 12):
        return _Monitor(policy)
    return _Tracer(policy)


class _Hooks:
    """Hooks by file and first line, as comparing code objects is slow."""

    def __init__(self) -> None:
        self.by_file: dict[str, dict[int, Hook]] = {}

    def add(self, code: CodeType, hook: Hook) -> None:
        self.by_file.setdefault(code.co_filename, {})[_line(code)] = hook

    def find(self, code: CodeType) -> Hook | None:
        group = self.by_file.get(code.co_filename)
        return None if group is None else group.get(_line(code))


def _line(code: CodeType) -> int:
    # A function may begin in the first line of a module.
    return 0 if code.co_name == MODULE else code.co_firstlineno


class _Monitor:
    """Uses PEP 669.

    One tool reports every code object once in the life of the process. The other one reports those
    of the project until it returns DISABLE, and can be armed again for each of them: arming the
    first tool again would concern all code.
    """

    def __init__(self, policy: Policy) -> None:
        self.ran: list[CodeType] = []
        self._policy = policy
        self._hooks = _Hooks()
        self._monitoring: Any = vars(sys)["monitoring"]
        events = self._monitoring.events
        self._starts = events.PY_START | events.PY_RESUME
        self._returns = self._starts | events.PY_RETURN
        self._global = self._starts | events.PY_UNWIND | events.PY_THROW
        self._armed: dict[int, CodeType] = {}
        self._hooked: dict[int, tuple[CodeType, Hook]] = {}
        self._first = self._again = -1

    def add(self, code: CodeType, hook: Hook) -> None:
        """See `FunctionWatch`."""
        self._hooks.add(code, hook)
        self._hooked[number_of(code)] = code, hook
        if self._again >= 0:
            self._arm_hooked(code, hook)

    def start(self) -> None:
        """See `FunctionWatch`."""
        monitoring = self._monitoring
        free = [number for number in PREFERRED_TOOLS if monitoring.get_tool(number) is None]
        if len(free) < len(TOOL_NAMES):
            raise UnavailableError("Other tools use Python's interface for monitoring functions.")
        self._first, self._again = free[:2]
        for number, name in zip((self._first, self._again), TOOL_NAMES, strict=True):
            monitoring.use_tool_id(number, name)
        first, again, ended, thrown = self._callbacks()
        events = monitoring.events
        for tool, event, callback in (
            (self._first, events.PY_START, first),
            (self._first, events.PY_RESUME, first),
            (self._first, events.PY_UNWIND, ended),
            (self._first, events.PY_THROW, thrown),
            (self._again, events.PY_START, again),
            (self._again, events.PY_RESUME, again),
            (self._again, events.PY_RETURN, ended),
        ):
            monitoring.register_callback(tool, event, callback)
        for code, hook in self._hooked.values():
            self._arm_hooked(code, hook)
        monitoring.set_events(self._first, self._global)

    def arm(self, codes: Iterable[CodeType]) -> None:
        """See `FunctionWatch`."""
        set_events, tool, starts = self._monitoring.set_local_events, self._again, self._starts
        hooked = self._hooked
        for code in codes:
            if number_of(code) not in hooked:
                # Only a change lets the interpreter forget that it was disabled.
                set_events(tool, code, 0)
                set_events(tool, code, starts)

    def stop(self) -> None:
        """See `FunctionWatch`."""
        monitoring = self._monitoring
        monitoring.set_events(self._first, 0)
        for code in self._armed.values():
            monitoring.set_local_events(self._again, code, 0)
        for number in (self._first, self._again):
            monitoring.free_tool_id(number)
        self._first = self._again = -1

    def _arm_hooked(self, code: CodeType, hook: Hook) -> None:
        self._armed[number_of(code)] = code
        events = self._starts if hook.leave is None else self._returns
        self._monitoring.set_local_events(self._again, code, events)

    def _callbacks(self) -> tuple[Callable[..., Any], ...]:
        disable, policy, armed = self._monitoring.DISABLE, self._policy, self._armed
        ran, is_wanted = self.ran, self._policy.is_wanted
        set_events, tool, starts = self._monitoring.set_local_events, self._again, self._starts
        note, groups, find = self.ran.append, self._hooks.by_file, self._hooks.find

        def first(code: CodeType, _: int) -> Any:
            if number_of(code) in armed:
                return disable
            if not is_wanted(code.co_filename):
                hook = policy.late(code)
            elif code.co_name == MODULE:
                hook = policy.module
            elif not code.co_flags & CO_OPTIMIZED:
                return disable
            else:
                armed[number_of(code)] = code
                hook = find(code)
                if hook is None:
                    note(code)
                    set_events(tool, code, starts)
                    return disable
            if hook is not None:
                self.add(code, hook)
                hook.enter(sys._getframe(1))
            return disable

        def again(code: CodeType, _: int) -> Any:
            group = groups.get(code.co_filename)
            if group is not None and (hook := group.get(_line(code))) is not None:
                hook.enter(sys._getframe(1))
                return None
            note(code)
            return disable

        def ended(code: CodeType, _: int, __: object) -> None:
            group = groups.get(code.co_filename)
            if group is not None:
                hook = group.get(_line(code))
                if hook is not None and hook.leave is not None:
                    hook.leave(sys._getframe(1))

        def thrown(code: CodeType, _: int, __: object) -> None:
            # A generator that continues with an exception.
            if number_of(code) in armed and is_wanted(code.co_filename):
                ran.append(code)

        return first, again, ended, thrown


class _Tracer:
    """Uses `sys.settrace`, before Python 3.12."""

    def __init__(self, policy: Policy) -> None:
        self.ran: list[CodeType] = []
        self._policy = policy
        self._hooks = _Hooks()
        self._known: dict[int, tuple[CodeType, Hook | bool]] = {}
        self._reported: set[int] = set()

    def add(self, code: CodeType, hook: Hook) -> None:
        """See `FunctionWatch`."""
        self._hooks.add(code, hook)
        self._known.pop(number_of(code), None)

    def start(self) -> None:
        """See `FunctionWatch`."""
        if sys.gettrace() is not None:
            raise UnavailableError(
                "A debugger or coverage.py traces this process, and before Python 3.12 there can "
                "be only one."
            )
        threading.settrace(self._trace)
        sys.settrace(self._trace)

    def arm(self, codes: Iterable[CodeType]) -> None:
        """See `FunctionWatch`."""
        self._reported.difference_update(map(number_of, codes))

    def stop(self) -> None:
        """See `FunctionWatch`."""
        sys.settrace(None)
        threading.settrace(None)

    def _trace(self, frame: FrameType, _: str, __: object) -> Any:
        code = frame.f_code
        number = number_of(code)
        if number in self._reported:
            return None
        known = self._known.get(number)
        if known is None:
            known = self._known[number] = code, self._decide(code)
        answer = known[1]
        if answer is True:
            self._reported.add(number)
            self.ran.append(code)
        elif answer is not False:
            answer.enter(frame)
            if answer.leave is not None:
                frame.f_trace_lines = False
                return self._trace_inside
        return None

    def _trace_inside(self, frame: FrameType, event: str, _: object) -> Any:
        if event == "return":
            known = self._known.get(number_of(frame.f_code))
            if known is not None and not isinstance(known[1], bool) and known[1].leave is not None:
                known[1].leave(frame)
        return self._trace_inside

    def _decide(self, code: CodeType) -> Hook | bool:
        if (hook := self._hooks.find(code)) is not None:
            return hook
        if not self._policy.is_wanted(code.co_filename):
            return self._policy.late(code) or False
        if code.co_name == MODULE:
            return self._policy.module
        return bool(code.co_flags & CO_OPTIMIZED)
