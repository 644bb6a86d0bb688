"""What Dask workers run: they start a node's process for a run, and carry its lines to and fro."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from ctest_containers.cluster import code
from ctest_containers.cluster.messages import (
    BatchEnded,
    NodeClosed,
    NodeFailed,
    NodeReady,
    decode,
    encode,
)
from ctest_containers.cluster.printed import Printed
from ctest_containers.cluster.spec import NodeSpec, versions
from ctest_containers.events import NodePrinted
from ctest_containers.text import listing
from ctest_containers.wire import LineBuffer

ORPHAN_TIMEOUT_SECONDS: Final = 60.0
"""A run whose parent has not been heard of for so long has none any more."""

TOLD_SECONDS: Final = 60.0
"""What the plan of a run may take to come, all files of the project with it if they are shipped."""

TOGETHER_SECONDS: Final = 0.02
"""What happens within such a time is told in one message."""

CLOSE_SECONDS: Final = 60.0
"""What a node's process may take to remove what it started."""


class NodeProcess:
    """A node's process, as the Dask worker that has started it sees it."""

    def __init__(self, spec: NodeSpec, folder: Path, address: str, tell: Any) -> None:
        self._tell = tell
        self._address = address
        self._printed = Printed()
        self._is_ready = False
        self._process = subprocess.Popen(
            # What tests print is told when their class has ended, not when a buffer is full.
            [sys.executable, "-u", "-m", "ctest_containers.node"],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._printed.file,
            start_new_session=True,
        )
        self._ended: dict[int, threading.Event] = {}
        self._lock = threading.Lock()
        self._telling = threading.Lock()
        self._over = threading.Event()
        self.left: tuple[str, ...] = ()
        self.heard = time.monotonic()
        self.write(spec.as_line())
        for work in (self._read, self._watch):
            threading.Thread(target=work, daemon=True).start()

    def write(self, line: bytes) -> None:
        """Send a line to it; one that has ended is told of by what it said last."""
        assert self._process.stdin is not None
        with self._lock, suppress(OSError):
            self._process.stdin.write(line)
            self._process.stdin.flush()

    def run(self, batch: int, line: bytes) -> None:
        """Let it run a batch, and wait until it has."""
        ended = self._ended[batch] = threading.Event()
        self.write(line)
        while not ended.wait(1.0) and not self._over.is_set():
            pass

    def close(self, *, at_once: bool) -> tuple[str, ...]:
        """Let it remove what it started, and give what it could not.

        Args:
            at_once: Whether a test that runs is not waited for: then its workers are killed, and
                the owner of its containers removes them.
        """
        assert self._process.stdin is not None
        if at_once:
            self._process.terminate()
        with self._lock, suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._over.wait(CLOSE_SECONDS)
        return self.left

    def _read(self) -> None:
        assert self._process.stdout is not None
        output = self._process.stdout.fileno()
        lines = LineBuffer()
        has_word = False
        while data := os.read(output, 1 << 16):
            texts = [self._with_log(line.decode()) for line in lines.feed(data)]
            if any('"type":"BatchEnded"' in text for text in texts):
                # Before the last word on a batch, after which a run may be over.
                self._tell_of_output(last=True)
            if texts:
                self._tell(texts)
            has_word = sum(map(self._heed, texts)) > 0 or has_word
            # The first is sent at once, and what comes meanwhile together: a message costs more
            # than what is in it.
            time.sleep(TOGETHER_SECONDS)
        code_of_exit = self._process.wait()
        self._tell_of_output(last=True)
        if not has_word:
            reason = f"Its process has ended with code {code_of_exit}."
            self._tell([self._with_log(encode(NodeFailed(reason=reason)).decode())])
        self._over.set()

    def _with_log(self, text: str) -> str:
        """A line; one that tells of a failure with what was printed before it."""
        if '"type":"NodeFailed"' not in text:
            return text
        said = decode(text)
        assert isinstance(said, NodeFailed)
        reason = f"{said.reason}\n{self._printed.end()}".strip()
        return encode(NodeFailed(reason=reason)).decode()

    def _heed(self, text: str) -> bool:
        """Take note of what concerns this; says whether it was a last word."""
        if '"type":"BatchEnded"' not in text and '"type":"Node' not in text:
            return False
        said = decode(text)
        if isinstance(said, BatchEnded) and said.batch in self._ended:
            self._ended.pop(said.batch).set()
        elif isinstance(said, NodeReady):
            # Before that, every node says what the parent has said, too.
            self._printed.skip()
            self._is_ready = True
        elif isinstance(said, NodeClosed):
            self.left = said.left
        return isinstance(said, (NodeClosed, NodeFailed))

    def _tell_of_output(self, *, last: bool) -> None:
        if not self._is_ready:
            return
        with self._telling:
            if text := self._printed.more(last=last):
                self._tell([encode(NodePrinted(node=self._address, text=text)).decode()])

    def _watch(self) -> None:
        """Tell of what it prints, and end it when the parent of its run is gone."""
        while not self._over.wait(1.0):
            self._tell_of_output(last=False)
            if time.monotonic() - self.heard > ORPHAN_TIMEOUT_SECONDS:
                self.close(at_once=True)
                return


_PROCESSES: Final[dict[str, NodeProcess]] = {}

_SPECS: Final[dict[str, NodeSpec]] = {}
_TOLD: Final = threading.Condition()


def keep(spec: NodeSpec) -> None:
    """Keep what this node is told of a run until it begins."""
    with _TOLD:
        _SPECS[spec.run] = spec
        _TOLD.notify_all()


def begin(run: str, topic: str, workers: int | None) -> str:
    """Start a node's process, and give a sentence where that cannot be.

    Args:
        workers: How many containers this Dask worker was said to carry; None lets it find out.
    """
    from distributed import get_worker

    worker = get_worker()
    with _TOLD:
        _TOLD.wait_for(lambda: run in _SPECS, TOLD_SECONDS)
        spec = _SPECS.pop(run, None)
    if spec is None:
        return f"it could not be told of the run within {TOLD_SECONDS:g} s"
    found = versions()
    unlike = [
        f"{name} {found.get(name)} instead of {wanted}"
        for name, wanted in spec.versions.items()
        if found.get(name) != wanted
    ]
    if unlike:
        return f"it has {', '.join(unlike)}"
    folder = Path(spec.folder)
    if spec.archive:
        folder = Path(worker.local_directory) / f"ctest-{code.digest_of(spec.files)[:16]}"
        code.unpack(spec.archive, folder)
    if not folder.is_dir():
        return f"it has no folder {folder}; --ship-code sends the code along"
    if wrong := list(code.differences(folder, spec.files)):
        return f"its checkout has other code than here, in {listing(wrong, 3)}"
    address = worker.address

    def tell(lines: list[str]) -> None:
        worker.log_event(topic, {"node": address, "lines": lines})

    spec = replace(spec, folder=str(folder), archive=b"", workers=workers)
    _PROCESSES[spec.run] = NodeProcess(spec, folder, address, tell)
    return ""


def run_batch(run: str, batch: int, line: bytes) -> None:
    """Run a batch in a node's process, while the Dask worker goes on with other tasks."""
    from distributed import secede

    secede()  # type: ignore[no-untyped-call]
    process = _PROCESSES.get(run)
    if process is not None:
        process.heard = time.monotonic()
        process.run(batch, line)


def send(run: str, line: bytes) -> None:
    """Say something to a node's process; an empty line only tells that the parent is there."""
    process = _PROCESSES.get(run)
    if process is not None:
        process.heard = time.monotonic()
        if line:
            process.write(line)


def end(run: str, at_once: bool) -> list[str]:  # noqa: FBT001  # Dask passes it on.
    """End a node's process, and give what it could not remove."""
    from distributed import secede

    secede()  # type: ignore[no-untyped-call]
    process = _PROCESSES.pop(run, None)
    return [] if process is None else list(process.close(at_once=at_once))
