"""Divides tests among several jobs, each of which computes the same division by itself."""

from __future__ import annotations

import bisect
import hashlib
import heapq
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ctest_containers.events import ShardChosen
from ctest_containers.model import Shard
from ctest_containers.project.suite import Batch

SLACK: Final = 0.1
"""The share by which a shard may exceed its fair share if nothing has been measured."""

POINTS: Final = 40
"""The number of points of each shard on the ring; more of them distribute items more evenly."""


@dataclass(frozen=True, slots=True)
class Item:
    """Tests that stay together.

    Attributes:
        name: A name that is the same in every job.
        weight: How long they are expected to take, in seconds, or how many they are.
    """

    name: str
    weight: float


def choose(
    batches: Sequence[Batch], expected: Mapping[int, float], shard: Shard
) -> tuple[list[Batch], ShardChosen]:
    """Choose the batches of one shard.

    Args:
        expected: How long each batch is expected to take, in seconds, by its number; empty if
            nothing has been measured.

    Returns:
        The batches, and the event that reports the choice.
    """
    sizes = [len(batch.tests) for batch in batches]
    seconds = [expected.get(batch.number, 0.0) for batch in batches]
    weights = zip(batches, seconds if expected else sizes, strict=True)
    items = [Item(batch.tests[0].id(), weight) for batch, weight in weights]
    divided = balanced(items, shard.of) if expected else steady(items, shard.of)
    pairs = zip(batches, divided, strict=True)
    chosen = [batch for batch, number in pairs if number == shard.number - 1]
    return chosen, ShardChosen(
        number=shard.number,
        of=shard.of,
        places=tuple(index for batch in chosen for index in batch.indices),
        total=sum(sizes),
        seconds=round(sum(expected.get(batch.number, 0.0) for batch in chosen), 3),
        total_seconds=round(sum(seconds), 3),
        tests=_digest([test.id() for batch in batches for test in batch.tests]),
        timings=_digest([sizes, seconds]),
    )


def balanced(items: Sequence[Item], shards: int) -> list[int]:
    """Return the shard of each item, counted from 0; assign the heaviest first to the lightest.

    With n shards, none weighs more than 4/3 - 1/(3n) of the least possible weight of the heaviest
    (R. L. Graham, "Bounds on Multiprocessing Timing Anomalies", 1969).
    """
    assigned = [0] * len(items)
    loads = [(0.0, 0, shard) for shard in range(shards)]
    order = sorted(range(len(items)), key=lambda index: (-items[index].weight, items[index].name))
    for index in order:
        load, count, shard = loads[0]
        # Of equally light shards, the one with the fewest items: some tests take no time at all.
        heapq.heapreplace(loads, (load + items[index].weight, count + 1, shard))
        assigned[index] = shard
    return assigned


def steady(items: Sequence[Item], shards: int) -> list[int]:
    """Return the shard of each item, counted from 0, by its name, so that changes move few items.

    Each goes to the next shard on a ring that has room for it (V. Mirrokni, M. Thorup and
    M. Zadimoghaddam, "Consistent Hashing with Bounded Loads", 2018).
    """
    points = itertools.product(range(shards), range(POINTS))
    ring = sorted((_hash(f"{shard}:{point}"), shard) for shard, point in points)
    most = (1 + SLACK) * sum(item.weight for item in items) / shards
    loads = [0.0] * shards
    assigned = [0] * len(items)
    for index in sorted(range(len(items)), key=lambda index: _hash(items[index].name)):
        item = items[index]
        start = bisect.bisect(ring, (_hash(item.name), -1))
        walk = (ring[(start + step) % len(ring)][1] for step in range(len(ring)))
        fits = (shard for shard in walk if loads[shard] + item.weight <= most)
        shard = next(fits, None)
        if shard is None:
            shard = min(range(shards), key=loads.__getitem__)
        loads[shard] += item.weight
        assigned[index] = shard
    return assigned


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big")


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]
