"""The parent's connection to the server host; no request waits for ever."""

from __future__ import annotations

import os
import select
import subprocess
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from ctest_containers.clock import Deadline
from ctest_containers.codec import build
from ctest_containers.engine.folders import remove_folder
from ctest_containers.errors import EXPECTED, CtestError, EngineError
from ctest_containers.servers.answers import ANSWERS, Answer, Bug, Refusal, Result
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
from ctest_containers.servers.standby import STANDBY, task_of
from ctest_containers.text import last_lines
from ctest_containers.wire import LineBuffer

CLOSE_SECONDS: Final = 60.0
"""How long the host may take to remove everything and end."""

ANSWER_SECONDS: Final = 60.0
"""How long the host may take to answer, beyond the time that a request allows it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request: a result or an error."""

    number: int
    result: Any = None
    error: CtestError | None = None

    def get(self) -> Any:
        """Return the result.

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
        number: The number of the reply which says that it is up.
        began: When it was requested, in seconds of the monotonic clock.
        reply: That reply; None if it has not arrived yet.
    """

    server: str
    number: int
    began: float
    reply: Reply | None = None


class ServerHostClient:
    """Starts a server host and talks to it. Starts no thread, so the parent may fork.

    Args:
        run: The id in the names of its containers; a host started ahead of time has its own.
        folder: The folder with their sockets; a host started ahead of time has its own.
        service: The file of the service that keeps its servers; empty if there is none.

    Attributes:
        named_ahead: How many servers were named ahead of time.
    """

    def __init__(
        self, *, run: str, folder: Path, project: str, transport: str, service: str = ""
    ) -> None:
        host = STANDBY.take(
            task_of(run=run, folder=folder, project=project, transport=transport, service=service)
        )
        assert host.task is not None
        self._task = host.task
        self.folder = Path(self._task.folder)
        self._host, self._process, self._log = host, host.process, host.log
        self._ahead = {} if host.ahead is None else dict(host.ahead.servers)
        self.named_ahead = len(self._ahead)
        self._lines = LineBuffer()
        self._last = max(self._ahead, default=CONNECTED)
        self._closed: Closed | None = None
        self._early: dict[int, Reply] = {}
        self._unclaimed: dict[int, Reply] = {}
        if host.ahead is not None:
            # The next request reports a host that has died.
            with suppress(EngineError):
                self.request(NoteContainer(folder=str(folder)))

    def fileno(self) -> int:
        """Return the descriptor that is readable when there may be replies."""
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def descriptors(self) -> tuple[int, ...]:
        """Return what a forked worker must close, so that the host ends with the parent."""
        assert self._process.stdin is not None
        return (self._process.stdin.fileno(), self.fileno())

    def request(self, request: Request) -> int:
        """Send a request, and return the number that its reply will have.

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
            # Before it ends, the host says why; prefer that error.
            self.replies()
            raise self._death() from None
        return self._last

    def claim(self, request: StartServer) -> Claim | None:
        """Claim a server like this one that was started ahead of time for the same worker."""
        ahead = self._host.ahead
        worker = request.server.partition("-")[0]
        for number, start in self._ahead.items():
            same = replace(start, server=request.server) == request
            if same and start.server.partition("-")[0] == worker:
                assert ahead is not None
                del self._ahead[number]
                reply = self._unclaimed.pop(number, None)
                return Claim(start.server, number, ahead.began, reply)
        return None

    def drop_ahead(self) -> None:
        """Remove the servers that were started ahead of time and have not been claimed."""
        for start in self._ahead.values():
            self.request(RemoveServer(server=start.server))
        self._ahead.clear()

    def replies(self, timeout_seconds: float = 0.0) -> list[Reply]:
        """Return the replies that have arrived; wait at most `timeout_seconds` for the first.

        Raises:
            EngineError: The host has died, or found no engine.
        """
        early = list(self._early.values())
        self._early.clear()
        replies = [*early, *self._read(0.0 if early else timeout_seconds)]
        for reply in replies:
            if reply.number == CLOSED:
                self._closed = _closed(reply.result)
        for reply in replies:
            if reply.number == CONNECTED:
                reply.get()
        self._unclaimed |= {reply.number: reply for reply in replies if reply.number in self._ahead}
        others = {CONNECTED, CLOSED, *self._ahead}
        return [reply for reply in replies if reply.number not in others]

    def call(self, request: Request, timeout_seconds: float) -> Any:
        """Send a request and return its result; `replies` returns others that arrive meanwhile.

        Raises:
            CtestError: The request failed, or was not answered in time.
        """
        number = self.request(request)
        deadline = Deadline(timeout_seconds)
        arrived: dict[int, Reply] = {}
        try:
            while True:
                for reply in self.replies(min(1.0, deadline.remaining)):
                    arrived[reply.number] = reply
                if number in arrived:
                    return arrived.pop(number).get()
                if deadline.passed:
                    raise EngineError(
                        f"The request {type(request).__name__} to the engine took longer than "
                        f"{timeout_seconds:g} seconds.",
                        "The engine may be overloaded. Use fewer workers, or run the command "
                        "again.",
                    )
        finally:
            self._early.update(arrived)

    def close(self) -> Closed:
        """Have the host remove everything, wait for it, and return what could not be removed."""
        # Its input does not end as long as a child of this process holds it open, too.
        self._host.send("null")
        closed = _last_answer(self._process) or self._closed
        if closed is None:
            # Another host removes what this one has left behind.
            sweeping = STANDBY.take(replace(self._task, sweep=True))
            closed = _last_answer(sweeping.process)
            sweeping.log.close()
        self._log.close()
        remove_folder(self.folder)
        return closed or Closed(
            left=(f"those named ctest-{self._task.run}-…",),
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
            replies += [_reply(ANSWERS.decode(line)) for line in self._lines.feed(data)]
        return replies

    def _death(self) -> EngineError:
        self._log.seek(0)
        log = last_lines(self._log.read().decode(errors="replace"))
        return EngineError(
            (f"The process that owns the run's containers ended unexpectedly. {log}").strip()
        )


def _last_answer(process: subprocess.Popen[bytes]) -> Closed | None:
    """Return what a host answers when it has removed everything; None if it ends without that."""
    try:
        output, _ = process.communicate(timeout=CLOSE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
    for line in output.splitlines():
        with suppress(ValueError):
            answer: Answer = ANSWERS.decode(line)
            if isinstance(answer, Result) and answer.number == CLOSED:
                return _closed(answer.value)
    return None


def _closed(fields: Any) -> Closed:
    closed: Closed = build(Closed, fields)
    return closed


def _reply(answer: Answer) -> Reply:
    match answer:
        case Result(number=number, value=value):
            return Reply(number, result=value)
        case Refusal(number=number, kind=kind, message=message, hint=hint):
            return Reply(number, error=EXPECTED[kind](message, hint))
        case Bug(number=number, traceback=trace):
            return Reply(number, error=EngineError(f"A bug in the server host:\n{trace}"))
