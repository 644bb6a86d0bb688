"""Reports the functions of the project that run, again in each unit, and calls of some others."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, Final

from ctest_containers.usage.hooks import (
    CO_OPTIMIZED,
    MODULE,
    FunctionWatch,
    Hook,
    Hooks,
    Policy,
    UnavailableError,
    number_of,
)
from ctest_containers.usage.tracer import Tracer

TOOL_NAMES: Final = (
    "ctest-containers",
    "ctest-containers units",
    "ctest-containers calls",
)

PREFERRED_TOOLS: Final = (4, 3, 5, 2)
"""Numbers of tools; those of debuggers and coverage.py are left to them."""

MOST_CALLS: Final = 500
"""After how many reported calls in a unit the most frequent functions are no longer reported."""

OFTEN: Final = 10
"""How many of these calls make a function one of them.

To stop reporting a function and to report it again takes as long as reporting so many calls.
"""


def function_watch(policy: Policy) -> FunctionWatch:
    """The watch for this version of Python."""
    if sys.version_info >= (3, 12):
        return _Monitor(policy)
    return Tracer(policy)


class _Monitor:
    """Uses PEP 669.

    The first tool reports every code object once in the life of the process. The second one reports
    each call of a function of the project, until it has been called often in a unit; the third one
    calls hooks.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._hooks = Hooks()
        self._monitoring: Any = vars(sys)["monitoring"]
        events = self._monitoring.events
        self._starts = events.PY_START | events.PY_RESUME
        self._global = self._starts | events.PY_UNWIND | events.PY_THROW
        self._first = self._units = self._calls = -1
        self._ran: list[CodeType] = []
        self._earlier: list[CodeType] = []
        self._taking = threading.Lock()
        self._silent: dict[int, CodeType] = {}
        # Both keep the code, so that no other one gets its number.
        self._armed: dict[int, CodeType] = {}
        self._hooked: dict[int, tuple[CodeType, Hook]] = {}

    def add(self, code: CodeType, hook: Hook) -> None:
        """See `FunctionWatch`."""
        self._hooks.add(code, hook)
        self._hooked[number_of(code)] = code, hook
        if self._calls >= 0:
            self._arm_hooked(code, hook)

    def start(self) -> None:
        """See `FunctionWatch`."""
        monitoring = self._monitoring
        free = [number for number in PREFERRED_TOOLS if monitoring.get_tool(number) is None]
        if len(free) < len(TOOL_NAMES):
            raise UnavailableError("Other tools use Python's interface for monitoring functions.")
        self._first, self._units, self._calls = free[: len(TOOL_NAMES)]
        for number, name in zip(free, TOOL_NAMES, strict=False):
            monitoring.use_tool_id(number, name)
        first, called, thrown = self._unit_callbacks()
        began, returned, raised = self._hook_callbacks()
        events = monitoring.events
        for tool, event, callback in (
            (self._first, events.PY_START, first),
            (self._first, events.PY_RESUME, first),
            (self._first, events.PY_UNWIND, raised),
            (self._first, events.PY_THROW, thrown),
            (self._units, events.PY_START, called),
            (self._units, events.PY_RESUME, called),
            (self._calls, events.PY_START, began),
            (self._calls, events.PY_RESUME, began),
            (self._calls, events.PY_RETURN, returned),
        ):
            monitoring.register_callback(tool, event, callback)
        for code, hook in self._hooked.values():
            self._arm_hooked(code, hook)
        monitoring.set_events(self._first, self._global)

    def give(self, codes: dict[int, CodeType]) -> None:
        """See `FunctionWatch`."""
        # A test may have forked while another thread held it, so this does not wait for long.
        is_held = self._taking.acquire(timeout=1)
        try:
            # Other threads may add more meanwhile. An exception may come in between, at a time
            # limit: nothing is removed before it is given.
            for ran in (self._ran, self._earlier):
                if count := len(ran):
                    codes.update(zip(map(number_of, ran), ran, strict=False))
                    del ran[:count]
            for number, code in list(self._silent.items()):
                self._monitoring.set_local_events(self._units, code, self._starts)
                self._silent.pop(number, None)
        finally:
            if is_held:
                self._taking.release()

    def stop(self) -> None:
        """See `FunctionWatch`."""
        monitoring = self._monitoring
        monitoring.set_events(self._first, 0)
        for code in self._armed.values():
            monitoring.set_local_events(self._units, code, 0)
        for code, _ in self._hooked.values():
            monitoring.set_local_events(self._calls, code, 0)
        for number in (self._first, self._units, self._calls):
            monitoring.free_tool_id(number)
        self._first = self._units = self._calls = -1

    def _arm_hooked(self, code: CodeType, hook: Hook) -> None:
        events = self._monitoring.events
        wanted = 0 if hook.enter is None else events.PY_START
        # Generators begin what they leave again.
        wanted |= 0 if hook.leave is None else events.PY_RESUME | events.PY_RETURN
        self._monitoring.set_local_events(self._calls, code, wanted)
        # Hooks note the functions of the project themselves.
        self._monitoring.set_local_events(self._units, code, 0)

    def _silence(self) -> None:
        """Make room, and stop reporting what is called often."""
        if not self._taking.acquire(blocking=False):
            # A thread is making room.
            return
        try:
            ran, silent = self._ran, self._silent
            count = len(ran)
            codes = dict(zip(map(number_of, ran), ran, strict=False))
            calls = Counter(map(number_of, ran))
            self._earlier += codes.values()
            del ran[:count]
            for number, code in codes.items():
                if calls[number] >= OFTEN:
                    silent[number] = code
                    self._monitoring.set_local_events(self._units, code, 0)
        finally:
            self._taking.release()

    def _unit_callbacks(self) -> tuple[Callable[..., Any], ...]:
        disable, policy = self._monitoring.DISABLE, self._policy
        armed, hooked = self._armed, self._hooked
        ran, is_wanted = self._ran, self._policy.is_wanted
        set_events, tool, starts = self._monitoring.set_local_events, self._units, self._starts
        note, find = self._ran.append, self._hooks.find

        def first(code: CodeType, _: int) -> Any:
            number = number_of(code)
            if number in armed or number in hooked:
                return disable
            if not is_wanted(code.co_filename):
                hook = policy.late(code)
            elif code.co_name == MODULE:
                hook = policy.module
            elif not code.co_flags & CO_OPTIMIZED:
                return disable
            elif (hook := find(code)) is None:
                armed[number] = code
                note(code)
                set_events(tool, code, starts)
            if hook is not None:
                self.add(code, hook)
                if hook.enter is not None:
                    _call(hook.enter, policy)
            return disable

        def called(code: CodeType, _: int) -> None:
            note(code)
            if len(ran) >= MOST_CALLS:
                self._silence()

        def thrown(code: CodeType, _: int, __: object) -> None:
            # A generator that continues with an exception.
            if number_of(code) in armed:
                note(code)

        return first, called, thrown

    def _hook_callbacks(self) -> tuple[Callable[..., Any], ...]:
        policy, find = self._policy, self._hooked.get

        def began(code: CodeType, _: int) -> None:
            entry = find(number_of(code))
            if entry is not None and (enter := entry[1].enter) is not None:
                _call(enter, policy)

        def returned(code: CodeType, _: int, __: object) -> None:
            entry = find(number_of(code))
            if entry is not None and (leave := entry[1].leave) is not None:
                _call(leave, policy)

        def raised(code: CodeType, _: int, __: object) -> None:
            # This event cannot be had for some functions only.
            entry = find(number_of(code))
            if entry is not None and (leave := entry[1].leave or entry[1].fail) is not None:
                _call(leave, policy)

        return began, returned, raised


def _call(call: Callable[[FrameType], None], policy: Policy) -> None:
    """Call a function of a hook with the frame of the function that runs."""
    try:
        call(sys._getframe(2))
    except Exception as error:  # noqa: BLE001  # The policy decides.
        policy.failed(error)
