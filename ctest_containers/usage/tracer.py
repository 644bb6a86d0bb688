"""Reports the functions of the project that run, before Python 3.12."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable
from types import CodeType, FrameType
from typing import Any

from ctest_containers.usage.hooks import (
    CO_OPTIMIZED,
    MODULE,
    Hook,
    Hooks,
    Policy,
    UnavailableError,
    number_of,
)


class Tracer:
    """Uses `sys.settrace`, before Python 3.12."""

    def __init__(self, policy: Policy) -> None:
        self.ran: list[CodeType] = []
        self._policy = policy
        self._hooks = Hooks()
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
