"""How workers will reach their servers, and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ctest_containers.doctor.context import DoctorContext
from ctest_containers.doctor.finding import Area, Finding, error, ok, warning
from ctest_containers.engine.folders import run_folder
from ctest_containers.engine.transports import EVERYWHERE, ServerTransport
from ctest_containers.errors import EngineError, EngineUnreachableError
from ctest_containers.model import Transport

NO_RUN: Final = "0" * 8
"""Stands for the id of a run, whose folder decides what can be shared with the engine."""

NAMES: Final = {
    Transport.SOCKET: "Unix sockets, and containers without network",
    Transport.NETWORK: "a network that servers share with this container",
    Transport.PORT: "published ports",
}


def check_transport(context: DoctorContext) -> Iterator[Finding]:
    """Choose the transport as a run does."""
    if context.engine is None or not context.needs_engine:
        return
    wanted = context.config.transport
    try:
        way = context.engine.choose_transport(run_folder(NO_RUN), wanted)
    except EngineUnreachableError:
        raise
    except EngineError as problem:
        yield error(Area.TRANSPORT, problem.message, problem.hint or "Use `--transport auto`.")
        return
    asked = f" (set by --transport {wanted})" if wanted != "auto" else ""
    yield ok(
        Area.TRANSPORT, f"Servers are reached through {NAMES[way.transport]}{asked}: {way.reason}."
    )
    if way.doubt:
        yield warning(
            Area.TRANSPORT,
            f"That may not work: {way.doubt}.",
            "If servers cannot be reached, use `--transport auto`.",
        )
    if way.publish in {EVERYWHERE, "::"} and way.transport is Transport.PORT:
        yield warning(
            Area.TRANSPORT,
            f"Servers listen on every address of {way.host}; only their random passwords keep "
            "others out.",
            "Use such an engine only on a network that you trust.",
        )
    yield from _slower(context, way)


def _slower(context: DoctorContext, way: ServerTransport) -> Iterator[Finding]:
    """A user's own choice may be slower than the one that the toolkit would make."""
    if context.config.transport == "auto" or way.transport is Transport.SOCKET:
        return
    assert context.engine is not None
    best = context.engine.choose_transport(run_folder(NO_RUN), "auto")
    if best.transport is Transport.SOCKET:
        yield warning(
            Area.TRANSPORT,
            f"Sockets would work as well ({best.reason}), and queries take less than half the time "
            "on them.",
            "`--transport auto`",
        )
