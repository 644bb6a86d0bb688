"""The parent's end of the server host: requests that answer later, and none that wait for ever."""

from __future__ import annotations

import json
import os
import select
import subprocess
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from ctest_containers.clock import Deadline
from ctest_containers.engine.folders import remove_folder
from ctest_containers.errors import EXPECTED, CtestError, EngineError
from ctest_containers.servers.requests import (
    CLOSED,
    CONNECTED,
    REQUESTS,
    Closed,
    NoteContainer,
    RemoveServer,
    Request,
    StartServer,
)
from ctest_containers.servers.standby import STANDBY, arguments
from ctest_containers.text import last_lines
from ctest_containers.wire import LineBuffer

CLOSE_SECONDS: Final = 60.0

ANSWER_SECONDS: Final = 60.0
"""What the host may take for its answer, beyond what it was asked to wait for."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request: a result, or what went wrong."""

    number: int
    result: Any = None
    error: CtestError | None = None

    def get(self) -> Any:
        """The result.

        Raises:
            CtestError: The request failed.
        """
        if self.error is not None:
            raise self.error
        return self.result


@dataclass(frozen=True, slots=True)
class Claim:
    """A server that was started ahead of time.

    Attributes:
        number: That of the answer which says that it is up.
        began: When it was asked for, by the monotonic clock.
        reply: That answer, if it has come already.
    """

    server: str
    number: int
    began: float
    reply: Reply | None = None


class ServerHostClient:
    """Starts a server host and speaks with it. Starts no thread, so the parent may fork.

    Args:
        run, folder: Names its containers, and holds their sockets; a host that was started ahead
            of time has others of its own.
        service: The file of the service that is to keep its servers; empty where none is.

    Attributes:
        named_ahead: How many names of servers were given ahead of time.
    """

    def __init__(
        self, *, run: str, folder: Path, project: str, transport: str, service: str = ""
    ) -> None:
        host = STANDBY.take(
            arguments(run=run, folder=folder, project=project, transport=transport, service=service)
        )
        self._arguments = host.arguments
        self.folder = Path(self._arguments["folder"])
        self._host, self._process, self._log = host, host.process, host.log
        self._ahead = {} if host.ahead is None else dict(host.ahead.servers)
        self.named_ahead = len(self._ahead)
        self._lines = LineBuffer()
        self._last = max(self._ahead, default=CONNECTED)
        self._closed: Closed | None = None
        self._early: dict[int, Reply] = {}
        self._unclaimed: dict[int, Reply] = {}
        if host.ahead is not None:
            # A host that has died is told of by whoever asks it for something.
            with suppress(EngineError):
                self.request(NoteContainer(folder=str(folder)))

    def fileno(self) -> int:
        """Readable when there may be answers."""
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def descriptors(self) -> tuple[int, ...]:
        """What a forked worker has to close, lest it keep the host alive after the parent."""
        assert self._process.stdin is not None
        return (self._process.stdin.fileno(), self.fileno())

    def request(self, request: Request) -> int:
        """Send a request and give the number that its answer will have.

        Raises:
            EngineError: The host has died.
        """
        self._last += 1
        assert self._process.stdin is not None
        try:
            line = REQUESTS.encode(request, id=self._last)
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            # The host says why it ended before it does; that answer is what the caller wants.
            self.replies()
            raise self._death() from None
        return self._last

    def claim(self, request: StartServer) -> Claim | None:
        """A server like this one that was started ahead of time for the same worker, if any."""
        ahead = self._host.ahead
        worker = request.server.partition("-")[0]
        for number, one in self._ahead.items():
            same = replace(one, server=request.server) == request
            if same and one.server.partition("-")[0] == worker:
                assert ahead is not None
                del self._ahead[number]
                reply = self._unclaimed.pop(number, None)
                return Claim(one.server, number, ahead.began, reply)
        return None

    def drop_ahead(self) -> None:
        """Remove the servers that were started ahead of time and that nobody has claimed."""
        for one in self._ahead.values():
            self.request(RemoveServer(server=one.server))
        self._ahead.clear()

    def replies(self, timeout_seconds: float = 0.0) -> list[Reply]:
        """The answers that have arrived, waiting for the first one so long.

        Raises:
            EngineError: The host has died, or found no engine.
        """
        early = list(self._early.values())
        self._early.clear()
        found = [*early, *self._read(0.0 if early else timeout_seconds)]
        for reply in found:
            if reply.number == CLOSED:
                self._closed = Closed(**reply.result)
        for reply in found:
            if reply.number == CONNECTED:
                reply.get()
        self._unclaimed |= {reply.number: reply for reply in found if reply.number in self._ahead}
        others = {CONNECTED, CLOSED, *self._ahead}
        return [reply for reply in found if reply.number not in others]

    def call(self, request: Request, timeout_seconds: float) -> Any:
        """Send a request and wait for its answer; other answers are kept for `replies`.

        Raises:
            CtestError: The request failed, or was not answered in time.
        """
        number = self.request(request)
        deadline = Deadline(timeout_seconds)
        kept: dict[int, Reply] = {}
        try:
            while True:
                for reply in self.replies(min(1.0, deadline.remaining)):
                    kept[reply.number] = reply
                if number in kept:
                    return kept.pop(number).get()
                if deadline.passed:
                    raise EngineError(
                        f"{type(request).__name__} took longer than {timeout_seconds:g} seconds.",
                        "Is the engine overloaded? Try fewer workers, or run it again.",
                    )
        finally:
            self._early.update(kept)

    def close(self) -> Closed:
        """Let the host remove everything, wait for it, and give what could not be removed."""
        # Its input does not end while a child of this process holds it, too.
        self._host.send("null")
        left = _last_answer(self._process) or self._closed
        if left is None:
            # Another host removes what this one has left.
            sweeping = STANDBY.take({**self._arguments, "sweep": True})
            left = _last_answer(sweeping.process)
            sweeping.log.close()
        self._log.close()
        remove_folder(self.folder)
        return left or Closed(
            left=(f"those named ctest-{self._arguments['run']}-…",),
            reason="The engine does not answer.",
            peaks={},
        )

    def _read(self, timeout_seconds: float) -> list[Reply]:
        replies: list[Reply] = []
        wait = timeout_seconds
        while select.select([self.fileno()], [], [], wait)[0]:
            wait = 0.0
            data = os.read(self.fileno(), 65536)
            if not data:
                if replies:
                    break
                raise self._death()
            replies += [_reply(json.loads(line)) for line in self._lines.feed(data)]
        return replies

    def _death(self) -> EngineError:
        self._log.seek(0)
        log = last_lines(self._log.read().decode(errors="replace"))
        return EngineError(f"The process that owns the run's containers has ended. {log}".strip())


def _last_answer(process: subprocess.Popen[bytes]) -> Closed | None:
    """What a host says when it has removed everything; None when it ends without a word."""
    try:
        output, _ = process.communicate(timeout=CLOSE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
    for line in output.splitlines():
        with suppress(ValueError):
            answer = json.loads(line)
            if answer["id"] == CLOSED:
                return Closed(**answer["result"])
    return None


def _reply(fields: dict[str, Any]) -> Reply:
    number = fields["id"]
    if "bug" in fields:
        return Reply(number, error=EngineError(f"A bug in the server host:\n{fields['bug']}"))
    if "error" in fields:
        error = fields["error"]
        return Reply(number, error=EXPECTED[error["type"]](error["message"], error["hint"]))
    return Reply(number, result=fields["result"])
