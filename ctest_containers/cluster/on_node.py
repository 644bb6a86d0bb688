"""What Dask workers run: they start a node's process for a run, and relay its messages."""

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
"""A node's process ends if it has had no contact with the run's parent for this long."""

SPEC_SECONDS: Final = 60.0
"""How long the spec of a run may take to arrive, with the project's files if they are shipped."""

COALESCE_SECONDS: Final = 0.02
"""What happens within this time is sent in one message."""

CLOSE_SECONDS: Final = 60.0
"""How long a node's process may take to remove what it started."""


class NodeProcess:
    """A node's process, as the Dask worker that has started it sees it."""

    def __init__(self, spec: NodeSpec, folder: Path, address: str, publish: Any) -> None:
        self._publish = publish
        self._address = address
        self._printed = Printed()
        self._is_ready = False
        self._process = subprocess.Popen(
            # Unbuffered: what tests print is sent when their class ends, not when a buffer is full.
            [sys.executable, "-u", "-m", "ctest_containers.node"],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._printed.file,
            start_new_session=True,
        )
        self._ended: dict[int, threading.Event] = {}
        self._lock = threading.Lock()
        self._output_lock = threading.Lock()
        self._over = threading.Event()
        self.left: tuple[str, ...] = ()
        self.last_contact = time.monotonic()
        self.write(spec.as_line())
        for target in (self._read, self._watch):
            threading.Thread(target=target, daemon=True).start()

    def write(self, line: bytes) -> None:
        """Send a line to the process; do nothing if it has ended, as its last message tells."""
        assert self._process.stdin is not None
        with self._lock, suppress(OSError):
            self._process.stdin.write(line)
            self._process.stdin.flush()

    def run(self, batch: int, line: bytes) -> None:
        """Let the process run a batch, and wait until it has finished."""
        ended = self._ended[batch] = threading.Event()
        self.write(line)
        while not ended.wait(1.0) and not self._over.is_set():
            pass

    def close(self, *, at_once: bool) -> tuple[str, ...]:
        """Let the process remove what it started, and return what it could not remove.

        Args:
            at_once: Whether to kill its workers instead of waiting for running tests; the owner of
                its containers removes them then.
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
        has_reported_end = False
        while data := os.read(output, 1 << 16):
            texts = [self._with_log(line.decode()) for line in lines.feed(data)]
            if any('"type":"BatchEnded"' in text for text in texts):
                # Before the end of a batch is reported, after which the run may be over.
                self._publish_output(last=True)
            if texts:
                self._publish(texts)
            has_reported_end = sum(map(self._handle, texts)) > 0 or has_reported_end
            # The first line is sent at once, and those that arrive meanwhile together: a message
            # costs more than its contents.
            time.sleep(COALESCE_SECONDS)
        exit_code = self._process.wait()
        self._publish_output(last=True)
        if not has_reported_end:
            reason = f"Its process ended with exit code {exit_code}."
            self._publish([self._with_log(encode(NodeFailed(reason=reason)).decode())])
        self._over.set()

    def _with_log(self, text: str) -> str:
        """Return a line; add to the report of a failure what was printed before it."""
        if '"type":"NodeFailed"' not in text:
            return text
        message = decode(text)
        assert isinstance(message, NodeFailed)
        reason = f"{message.reason}\n{self._printed.end()}".strip()
        return encode(NodeFailed(reason=reason)).decode()

    def _handle(self, text: str) -> bool:
        """Handle a message about the node, and return whether it was the last one."""
        if '"type":"BatchEnded"' not in text and '"type":"Node' not in text:
            return False
        message = decode(text)
        if isinstance(message, BatchEnded) and message.batch in self._ended:
            self._ended.pop(message.batch).set()
        elif isinstance(message, NodeReady):
            # While the project is loaded, every node prints what the parent has printed, too.
            self._printed.skip()
            self._is_ready = True
        elif isinstance(message, NodeClosed):
            self.left = message.left
        return isinstance(message, (NodeClosed, NodeFailed))

    def _publish_output(self, *, last: bool) -> None:
        if not self._is_ready:
            return
        with self._output_lock:
            if text := self._printed.more(last=last):
                self._publish([encode(NodePrinted(node=self._address, text=text)).decode()])

    def _watch(self) -> None:
        """Publish what the process prints, and end it when the parent of its run is gone."""
        while not self._over.wait(1.0):
            self._publish_output(last=False)
            if time.monotonic() - self.last_contact > ORPHAN_TIMEOUT_SECONDS:
                self.close(at_once=True)
                return


_PROCESSES: Final[dict[str, NodeProcess]] = {}

_SPECS: Final[dict[str, NodeSpec]] = {}
_SPEC_ARRIVED: Final = threading.Condition()


def keep(spec: NodeSpec) -> None:
    """Keep the spec of a run until `begin` takes it."""
    with _SPEC_ARRIVED:
        _SPECS[spec.run] = spec
        _SPEC_ARRIVED.notify_all()


def begin(run: str, topic: str, workers: int | None) -> str:
    """Start a node's process.

    Args:
        workers: How many containers this Dask worker declares to carry; None lets it decide.

    Returns:
        Why the process cannot be started; empty if it was.
    """
    from distributed import get_worker

    worker = get_worker()
    with _SPEC_ARRIVED:
        _SPEC_ARRIVED.wait_for(lambda: run in _SPECS, SPEC_SECONDS)
        spec = _SPECS.pop(run, None)
    if spec is None:
        return f"it has not received the project within {SPEC_SECONDS:g} s"
    installed = versions()
    mismatches = [
        f"{name} {installed.get(name)} instead of {required}"
        for name, required in spec.versions.items()
        if installed.get(name) != required
    ]
    if mismatches:
        return f"it has {', '.join(mismatches)}"
    folder = Path(spec.folder)
    if spec.archive:
        folder = Path(worker.local_directory) / f"ctest-{code.digest_of(spec.files)[:16]}"
        code.unpack(spec.archive, folder)
    if not folder.is_dir():
        return f"it has no folder {folder}; use --ship-code to send it the code"
    if different := list(code.differences(folder, spec.files)):
        return f"its checkout differs from this machine's in {listing(different, 3)}"
    address = worker.address

    def publish(lines: list[str]) -> None:
        worker.log_event(topic, {"node": address, "lines": lines})

    spec = replace(spec, folder=str(folder), archive=b"", workers=workers)
    _PROCESSES[spec.run] = NodeProcess(spec, folder, address, publish)
    return ""


def run_batch(run: str, batch: int, line: bytes) -> None:
    """Run a batch in a node's process, while the Dask worker goes on with other tasks."""
    from distributed import secede

    secede()  # type: ignore[no-untyped-call]
    process = _PROCESSES.get(run)
    if process is not None:
        process.last_contact = time.monotonic()
        process.run(batch, line)


def send(run: str, line: bytes) -> None:
    """Send a line to a node's process; an empty one is only a sign of life from the parent."""
    process = _PROCESSES.get(run)
    if process is not None:
        process.last_contact = time.monotonic()
        if line:
            process.write(line)


def end(run: str, at_once: bool) -> list[str]:  # noqa: FBT001  # Dask passes it on.
    """End a node's process, and return what it could not remove."""
    from distributed import secede

    secede()  # type: ignore[no-untyped-call]
    process = _PROCESSES.pop(run, None)
    return [] if process is None else list(process.close(at_once=at_once))
