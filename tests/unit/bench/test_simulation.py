"""A cluster that exists in memory only does with batches what a real one does."""

from __future__ import annotations

import pytest
from harness.batches import batches_of
from harness.bench.simulation import PEAK, SCENARIOS, fates, plan, run, simulate
from harness.bench.virtual_cluster import Fate
from hypothesis import given
from hypothesis import strategies as st

# The first to configure Django in a process decides for all tests that come later there.
pytestmark = pytest.mark.usefixtures("configured_django")

MOMENTS = st.floats(0.0, 40.0)
FATES = st.builds(
    Fate,
    slots=st.integers(1, 3),
    joins=MOMENTS,
    lost=st.none() | MOMENTS,
    silent=st.none() | MOMENTS,
)


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=15),
    st.lists(FATES, max_size=5),
    st.booleans(),
    st.data(),
)
def test_every_test_is_reported_once_whatever_becomes_of_all_nodes_but_one(
    sizes: list[int],
    others: list[Fate],
    known: bool,  # noqa: FBT001
    data: st.DataObject,
) -> None:
    batches = batches_of(sizes)
    count = sum(sizes)
    seconds = data.draw(st.lists(st.floats(0.0, 30.0), min_size=count, max_size=count))
    expected = {
        batch.number: sum(seconds[index] for index in batch.indices) if known else 0.0
        for batch in batches
    }
    nodes = {f"node-{number}": fate for number, fate in enumerate(others)}

    # It raises where one is not.
    simulate(batches, expected, seconds, {**nodes, "last": Fate(slots=1, joins=5.0)})


def test_without_trouble_a_run_takes_little_longer_than_it_has_to() -> None:
    found = run(2000, 5, 4, "well")

    # Nodes join within ten seconds, which is a part of what this takes.
    assert found["ideal"] <= found["first test to last"] < found["ideal"] + 10


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_twentieth_node_has_the_scenarios_fate(scenario: str) -> None:
    found = fates(100, 8, scenario, 60.0)

    affected = sum(fate.lost is not None or fate.silent is not None for fate in found.values())
    assert affected == (0 if scenario == "well" else 5)


def test_the_plan_has_figures_for_each_of_its_parts() -> None:
    found = plan(500, 20)

    assert {"batches made", "long classes split", "order", "one of so many shards", PEAK} <= {
        *found
    }
