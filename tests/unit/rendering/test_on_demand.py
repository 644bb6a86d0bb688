"""Migrations that render models on demand do what they do in Django's own way."""

from __future__ import annotations

from harness.generated_migrations import compare
from harness.tiers import further


def test_any_operations_give_the_same_statements_and_the_same_state() -> None:
    kinds = compare("sqlite3", 60, 30)

    assert {"CreateModel", "RenameModel", "AlterField", "RunPython"} <= kinds.keys()


@further("The test before has the same histories, fewer of them.")
def test_500_histories_give_the_same_statements_and_the_same_state() -> None:
    assert compare("sqlite3", 500, 30)["RenameModel"] > 100
