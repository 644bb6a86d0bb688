"""Reports the functions of the project that run, before Python 3.12."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
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
        self._ran: list[CodeType] = []
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

    def give(self, codes: dict[int, CodeType]) -> None:
        """See `FunctionWatch`."""
        ran = self._ran
        count = len(ran)
        codes.update(zip(map(number_of, ran), ran, strict=False))
        # Before they are removed: an exception may come in between, at a time limit.
        self._reported.difference_update(map(number_of, ran[:count]))
        del ran[:count]

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
        hook = known[1]
        if not isinstance(hook, bool):
            self._call(hook.enter, frame)
            if hook.leave is not None or hook.fail is not None:
                frame.f_trace_lines = False
                return self._trace_inside
        elif hook:
            self._reported.add(number)
            self._ran.append(code)
        return None

    def _trace_inside(self, frame: FrameType, event: str, value: object) -> Any:
        known = self._known.get(number_of(frame.f_code))
        if event == "return" and known is not None and not isinstance(hook := known[1], bool):
            # The value is None after an exception as well.
            self._call(hook.leave or (hook.fail if value is None else None), frame)
        return self._trace_inside

    def _call(self, call: Callable[[FrameType], None] | None, frame: FrameType) -> None:
        if call is not None:
            try:
                call(frame)
            except Exception as error:  # noqa: BLE001  # The policy decides.
                self._policy.failed(error)

    def _decide(self, code: CodeType) -> Hook | bool:
        if (hook := self._hooks.find(code)) is not None:
            return hook
        if not self._policy.is_wanted(code.co_filename):
            return self._policy.late(code) or False
        if code.co_name == MODULE:
            return self._policy.module
        return bool(code.co_flags & CO_OPTIMIZED)
