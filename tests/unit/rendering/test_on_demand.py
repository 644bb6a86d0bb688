"""Migrations that render models on demand do what they do in Django's own way."""

from __future__ import annotations

from harness import generated_graphs as graphs
from harness.generated_migrations import compare
from harness.tiers import further


def test_any_operations_give_the_same_statements_and_the_same_state() -> None:
    kinds = compare("sqlite3", 60, 30)

    assert {"CreateModel", "RenameModel", "AlterField", "RunPython"} <= kinds.keys()


@further("The test before has the same histories, fewer of them.")
def test_500_histories_give_the_same_statements_and_the_same_state() -> None:
    assert compare("sqlite3", 500, 30)["RenameModel"] > 100


def test_graphs_with_squashed_migrations_and_a_swapped_model_are_migrated_alike() -> None:
    kinds = graphs.compare("sqlite3", 15, 25)

    assert {"plain", "run before", "squashed"} <= kinds.keys()


@further("The test before has the same graphs, fewer of them.")
def test_500_graphs_are_migrated_alike() -> None:
    assert graphs.compare("sqlite3", 500, 30)["squashed"] > 100
