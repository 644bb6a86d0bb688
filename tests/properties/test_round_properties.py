"""Whatever the tests of a stress run do to rows, each of them runs once in every round."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from contextlib import closing

from hypothesis import given
from hypothesis import strategies as st
from unit.fake_rounds import FakeRounds, Kind, run_rounds
from unit.fakes import FakeSupply

from ctest_containers.events import TestFinished
from ctest_containers.wire import RunBatch


@given(
    rounds=st.integers(1, 5),
    kinds=st.lists(st.sampled_from(Kind), min_size=1, max_size=6),
    workers=st.integers(1, 4),
    slow=st.booleans(),
    exclusive=st.sets(st.integers(0, 5)),
    fatal_tests=st.sets(st.integers(0, 29), max_size=2),
)
def test_every_test_ends_once_in_every_round(
    rounds: int,
    kinds: list[Kind],
    workers: int,
    *,
    slow: bool,
    exclusive: Collection[int],
    fatal_tests: Collection[int],
) -> None:
    """And no process runs tests of two rounds."""
    source = FakeRounds(rounds, kinds, exclusive)
    source.world.fatal_tests = fatal_tests
    with closing(FakeSupply(slow=slow)) as supply:
        events = run_rounds(source, supply, workers=workers)

    ended = Counter(event.index for event in events if isinstance(event, TestFinished))
    assert ended == Counter(range(rounds * len(kinds)))
    assert sorted(source.ended_rounds) == list(range(1, rounds + 1))
    for process in source.world.processes:
        commands = [command for command in process.commands if isinstance(command, RunBatch)]
        assert len({command.batch // len(kinds) for command in commands}) <= 1
