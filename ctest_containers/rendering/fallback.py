"""Lets a build fall back to Django's own way after an error that may not occur there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ctest_containers.errors import RenderingError

ERRORS: Final[list[RenderingError]] = []
"""The errors of this process's build, as the project may have caught them."""


@contextmanager
def leaving_to_django() -> Iterator[None]:
    """Raise RenderingError for every error in the block, and note it.

    Django's own way shows whether it is the migration's fault. The message is one line: others may
    show rows.
    """
    try:
        yield
    except RenderingError as error:
        ERRORS.append(error)
        raise
    except Exception as error:
        line = str(error).partition("\n")[0]
        failure = RenderingError(f"{type(error).__name__}: {line}")
        ERRORS.append(failure)
        raise failure from error
