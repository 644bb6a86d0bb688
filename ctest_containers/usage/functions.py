"""Reports the functions of the project that run, again in each unit, and calls of some others."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from types import CodeType
from typing import Any, Final

from ctest_containers.usage.hooks import (
    CO_OPTIMIZED,
    MODULE,
    FunctionWatch,
    Hook,
    Hooks,
    Policy,
    UnavailableError,
    line_of,
    number_of,
)
from ctest_containers.usage.tracer import Tracer

TOOL_NAMES: Final = ("ctest-containers", "ctest-containers units")

PREFERRED_TOOLS: Final = (4, 3, 5, 2)
"""Numbers of tools; those of debuggers and coverage.py are left to them."""


def function_watch(policy: Policy) -> FunctionWatch:
    """The watch for this version of Python."""
    if sys.version_info >= (3, 12):
        return _Monitor(policy)
    return Tracer(policy)


class _Monitor:
    """Uses PEP 669.

    One tool reports every code object once in the life of the process. The other one reports those
    of the project until it returns DISABLE, and can be armed again for each of them: arming the
    first tool again would concern all code.
    """

    def __init__(self, policy: Policy) -> None:
        self.ran: list[CodeType] = []
        self._policy = policy
        self._hooks = Hooks()
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
            if group is not None and (hook := group.get(line_of(code))) is not None:
                hook.enter(sys._getframe(1))
                return None
            note(code)
            return disable

        def ended(code: CodeType, _: int, __: object) -> None:
            group = groups.get(code.co_filename)
            if group is not None:
                hook = group.get(line_of(code))
                if hook is not None and hook.leave is not None:
                    hook.leave(sys._getframe(1))

        def thrown(code: CodeType, _: int, __: object) -> None:
            # A generator that continues with an exception.
            if number_of(code) in armed and is_wanted(code.co_filename):
                ran.append(code)

        return first, again, ended, thrown
