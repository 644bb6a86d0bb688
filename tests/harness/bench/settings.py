"""What each setting of the toolkit's own image brings, set back one by one."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from harness.bench.noise import NoiseWatch
from harness.bench.place import SQLITE, Place
from harness.bench.results import CaseResult, Figure
from harness.bench.rounds import interleaved
from harness.bench.server_settings import OURS, SETTINGS, Values, arguments, variants
from harness.bench.server_work import BOOKS, TABLES, work
from harness.bench.socket_server import SocketServer, socket_server
from harness.bench.spread import ratio
from harness.bench.trouble import BenchError

AT_START: Final = "memory at start"
AFTERWARDS: Final = "memory after the work"

ANONYMOUS: Final = ("active_anon", "inactive_anon")
"""Memory that is no file's, shared or not, as both versions of control groups name it."""

SETTLE_SECONDS: Final = 0.2
"""What a server gets to end starting its processes, or the one of a session that was closed."""

NOTES: Final = (
    "A setting that is named is as its vendor has it; its server has all others as the image.",
    "Settings cover each other: one that brings nothing alone may do so where another is set back.",
    "start: from starting the container to the first query that is answered.",
    "resets: PostgreSQL truncates all tables at once, MySQL and MariaDB delete from each.",
    "memory: of the container, without files; it is that of processes and what they share.",
)

NOTES_ON: Final = {"postgresql": ("jit: the compiler is no part of the image, so on is off.",)}


def measure_settings(place: Place, *, rounds: int, noise: NoiseWatch) -> CaseResult:
    """Measure a server for each setting in every round.

    Raises:
        BenchError: There is no server, or it does not start.
        NoisyError: The machine is too noisy.
    """
    if place.on == SQLITE:
        raise BenchError("SQLite has no server, so there are no settings to measure.")
    noise.sample()
    told = variants(SETTINGS[place.on])
    # The driver is imported, and the engine has the image's files at hand.
    with socket_server(place) as server:
        version = server.version
        work(place.vendor, server.address)
    ways = {name: partial(_measured, place, values) for name, values in told.items()}
    found = interleaved(ways, rounds, noise.sample)
    return CaseResult(
        name="settings",
        on=place.on,
        server=version,
        options={"rounds": rounds, "tables": TABLES, "rows": BOOKS},
        base=OURS,
        figures=tuple(figures_of(found)),
        notes=(*NOTES, *NOTES_ON.get(place.on, ())),
        noise=noise,
    )


def figures_of(found: Mapping[str, Sequence[Mapping[str, float]]]) -> list[Figure]:
    """The figures of all settings, one measure after another."""
    measures = list(found[OURS][0])
    columns = {
        (name, measure): tuple(one[measure] for one in each)
        for measure in measures
        for name, each in found.items()
    }
    return [
        Figure(
            name=name,
            measure=measure,
            values=values,
            ratio=ratio(values, columns[OURS, measure]),
            unit="MiB" if measure in {AT_START, AFTERWARDS} else "s",
        )
        for (name, measure), values in columns.items()
    ]


def _measured(place: Place, values: Values) -> dict[str, float]:
    with socket_server(place, arguments(place.on, values)) as server:
        at_start = _memory(place, server)
        worked = work(place.vendor, server.address)
        return {
            "start": server.start_seconds,
            **worked,
            AT_START: at_start,
            AFTERWARDS: _memory(place, server),
        }


def _memory(place: Place, server: SocketServer) -> float:
    """What a server's container has, in MiB."""
    time.sleep(SETTLE_SECONDS)
    told = place.client.api.stats(str(server.container.id), stream=False, one_shot=True)
    details = told["memory_stats"].get("stats")
    if not details:
        raise BenchError("The engine does not say what memory a container has.")
    return float(sum(details[name] for name in ANONYMOUS)) / 2**20
