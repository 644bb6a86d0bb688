"""The statements of Django's own queries touch what SQLite says that they touch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]


def test_no_table_or_column_of_a_query_of_django_is_missed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "harness.queried_models", "150"],
        cwd=TESTS,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-5000:]
    compared = json.loads(done.stdout)
    assert min(compared[kind] for kind in ("select", "insert", "update", "delete")) > 5
