"""Mutations: random changes of a project's files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

KINDS: Final = (
    *("functions", "templates", "settings", "migrations", "fixtures"),
    *("classes", "imports", "constants", "urls", "files", "tests"),
)
"""What is changed; the first five are those for which the selection's share has a goal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """A change of one file.

    Attributes:
        kind: One of `KINDS`.
        path: The file, relative to the project's folder.
        words: What it changes, for the reader.
        span: The bytes that are replaced; None for the whole file.
        text: What replaces them; None if the file is removed.
    """

    kind: str
    path: str
    words: str
    text: str | None
    span: tuple[int, int] | None = None

    @property
    def key(self) -> str:
        """Identifies the mutation in a project that has not changed."""
        parts = (self.kind, self.path, str(self.span), str(self.text))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    def apply(self, folder: Path) -> None:
        """Change the file in a copy of the project."""
        file = folder / self.path
        if self.text is None:
            file.unlink()
            return
        content = self.text.encode()
        if self.span is not None:
            begin, end = self.span
            before = file.read_bytes()
            content = before[:begin] + content + before[end:]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


@contextmanager
def applied(mutation: Mutation, folder: Path) -> Iterator[None]:
    """Change a copy of the project, and change it back."""
    file = folder / mutation.path
    before = file.read_bytes() if file.exists() else None
    parents = [parent for parent in file.parents if not parent.exists()]
    mutation.apply(folder)
    try:
        yield
    finally:
        if before is None:
            file.unlink(missing_ok=True)
            for parent in parents:
                parent.rmdir()
        else:
            file.write_bytes(before)
