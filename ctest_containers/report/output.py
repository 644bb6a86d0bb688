"""What workers print while the terminal shows a picture."""

from __future__ import annotations

from pathlib import Path


class WorkerOutput:
    """A file that all workers add to, and what is new in it."""

    def __init__(self) -> None:
        self._file: Path | None = None
        self._position = 0

    def keep_in(self, folder: Path) -> Path:
        """The file, made in this folder; workers print into it from now on."""
        self._file = folder / "output"
        self._file.touch(mode=0o600)
        return self._file

    def news(self) -> str:
        """What has been printed since the last call."""
        if self._file is None:
            return ""
        with self._file.open("rb") as file:
            file.seek(self._position)
            data = file.read()
        self._position += len(data)
        return data.decode(errors="replace")
