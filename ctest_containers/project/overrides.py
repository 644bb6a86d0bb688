"""Finds the project's own code that overrides a method of Django's."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from pathlib import Path

from ctest_containers.fingerprint import Input


def sources_of(kind: type, method: str, *, but: Collection[type]) -> list[Input]:
    """Return the files of the classes that define a method, as inputs of a fingerprint.

    Args:
        but: Classes that are not the project's own.
    """
    own = [base for base in kind.__mro__ if method in vars(base) and base not in but]
    files = {base.__module__: inspect.getsourcefile(base) for base in own}
    return [
        Input.of(f"test runner {module}", Path(file).read_bytes())
        for module, file in files.items()
        if file is not None
    ]
