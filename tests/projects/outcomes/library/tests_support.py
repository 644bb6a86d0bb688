"""Exceptions that no parallel runner can send from one process to another as they are."""

import threading


class UnpicklableError(Exception):
    """Needs two arguments to be made, and holds a lock."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and {second}")
        self.lock = threading.Lock()


class PickyFailure(AssertionError):
    """Needs a number besides its message."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(f"{message} ({number})")


class SilentError(Exception):
    """Cannot even say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no words")
