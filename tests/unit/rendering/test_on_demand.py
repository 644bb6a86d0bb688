"""Migrations that render models on demand do what they do in Django's own way."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from harness.tiers import further

TESTS = Path(__file__).parents[2]


def compared(engine: str, histories: int, operations: int) -> dict[str, int]:
    """How many operations of each kind have given the same statements both ways."""
    arguments = [engine, str(histories), str(operations)]
    done = subprocess.run(
        [sys.executable, "-m", "harness.generated_migrations", *arguments],
        cwd=TESTS,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-5000:]
    kinds: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return kinds


def test_any_operations_give_the_same_statements_and_the_same_state() -> None:
    kinds = compared("sqlite3", 60, 30)

    assert {"CreateModel", "RenameModel", "AlterField", "RunPython"} <= kinds.keys()


@further("The test before has the same histories, fewer of them.")
def test_500_histories_give_the_same_statements_and_the_same_state() -> None:
    assert compared("sqlite3", 500, 30)["RenameModel"] > 100
