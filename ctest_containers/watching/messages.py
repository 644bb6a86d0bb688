"""JSON lines between the supervisor, the stages and the rounds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from ctest_containers.codec import Vocabulary
from ctest_containers.events import Event
from ctest_containers.history.lines import EVENTS
from ctest_containers.servers.answers import HostTask
from ctest_containers.servers.requests import StartServer

APPS: Final = "apps"
TESTS: Final = "tests"
"""What a stage has when it is complete: the project's apps, or the test modules, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """To a new stage: what to load.

    Attributes:
        modules: The test modules, if the stage before has the apps.
        hot: Files that are likely to be saved again. A stage stops before it imports one of them
            for the first time, and the next one goes on from there.
    """

    modules: tuple[str, ...] = ()
    hot: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """From a stage: what it has loaded.

    Attributes:
        what: APPS or TESTS; empty if it has stopped before that.
        files: The files below the project's folder that it has read.
        error: Why it could not load everything; empty if it could.
    """

    what: str
    files: tuple[str, ...]
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingHost:
    """A server host that waits for a round.

    Attributes:
        pid: Its process.
        task: What it was started for; None if it has not been given anything to do.
        servers: The servers that it has started, in the order of the requests.
        began: When they were requested, in seconds of the monotonic clock.
    """

    pid: int
    task: HostTask | None
    servers: tuple[StartServer, ...]
    began: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """To a round: which tests to run.

    Attributes:
        labels: The labels of the tests; None for all that `watch` was started for.
        options: Further options of `run`.
        failed: The labels of tests that failed and run first, if they still exist.
        host: The host whose descriptors were sent along; None if none waits.
    """

    labels: tuple[str, ...] | None
    options: tuple[str, ...]
    failed: tuple[str, ...]
    host: WaitingHost | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Began:
    """From a stage or a round: its process exists."""

    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """From a round: it has done everything."""

    exit_code: int


Message = Load | Loaded | Order | Began | Ended

MESSAGES: Final = Vocabulary((*EVENTS.kinds.values(), Load, Loaded, Order, Began, Ended))

GROW: Final = b"g"
"""Command to a stage: fork the next stage, which reads `Load` from the descriptor sent along."""

ROUND: Final = b"r"
"""Command to a stage: fork a round, which reads `Order` from the first descriptor sent along."""


def encode(message: Message) -> bytes:
    """Return a message as one line."""
    return MESSAGES.encode(message).encode() + b"\n"


def decode(line: bytes) -> Message | tuple[Event, float]:
    """Return the message of a line, or an event of a round and its time.

    Raises:
        ValueError: The line is neither.
    """
    content = json.loads(line)
    at = content.pop("at", None)
    message = MESSAGES.build(content)
    return message if at is None else (message, float(at))
