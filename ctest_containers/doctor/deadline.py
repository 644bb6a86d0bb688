"""A deadline for work that asks the engine, which may hang."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from ctest_containers.clock import Deadline
from ctest_containers.errors import EngineUnreachableError

T = TypeVar("T")


def within(deadline: Deadline, work: Callable[[], T]) -> T:
    """Do work that may hang, and wait for it until a deadline.

    The SDK's own limits are for each answer, and there are many. What hangs is left behind in a
    thread that does not keep the process from ending.

    Raises:
        EngineUnreachableError: It has not ended by then.
    """
    results: list[T] = []
    failures: list[BaseException] = []

    def do() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001  # Raised again where it is waited for.
            failures.append(error)

    thread: Any = threading.Thread(target=do, daemon=True)
    thread.start()
    thread.join(deadline.remaining)
    if failures:
        raise failures[0]
    if results:
        return results[0]
    raise EngineUnreachableError(
        f"The engine did not answer every request within {deadline.seconds:g} seconds."
    )
