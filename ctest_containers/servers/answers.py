"""What a server host receives first, and what it answers to requests; each is one line of JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from ctest_containers.codec import Vocabulary


@dataclass(frozen=True, slots=True, kw_only=True)
class HostTask:
    """The first line that a host receives: which run it serves.

    Attributes:
        run: The id of the run.
        folder: The run's folder.
        owner: The process id of the parent.
        transport: `auto`, or the value of a transport.
        environment: The variables that name the engine.
        service: The file of the service that keeps its servers; empty if there is none.
        sweep: Whether to remove what an earlier host of the run has left behind, and nothing else.
    """

    run: str
    folder: str
    owner: int
    project: str
    transport: str
    environment: dict[str, str] = field(default_factory=dict)
    service: str = ""
    sweep: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A request has succeeded.

    Attributes:
        number: The number of the request.
        value: Its result, which JSON can represent.
    """

    number: int
    value: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A request has failed with an expected error.

    Attributes:
        kind: The name of the error's class.
    """

    number: int
    kind: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug:
    """A request has failed with an unexpected error."""

    number: int
    traceback: str


Answer = Result | Refusal | Bug

TASKS: Final = Vocabulary([HostTask])
ANSWERS: Final = Vocabulary([Result, Refusal, Bug])
