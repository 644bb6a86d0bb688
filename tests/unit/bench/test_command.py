"""The command line of the benchmarks."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.bench.command import SHAPES, USUAL, parse


def test_without_arguments_the_short_cases_run_on_postgresql() -> None:
    found = parse([])

    assert found.cases == USUAL
    assert (found.workers, found.rounds, found.on, found.noisy) == (2, None, "postgresql", False)
    assert found.shape_of("transactions") == SHAPES["transactions"]


def test_sizes_change_only_what_they_name() -> None:
    found = parse(["transactions", "--tables", "9", "--json", "x.json"])

    shape = found.shape_of("transactions")
    assert (shape.tables, shape.migrations, shape.transaction_share) == (9, 150, 1.0)
    assert found.json == Path("x.json")


def test_points_of_a_growth_can_be_named_and_left_out() -> None:
    found = parse(["growth", "--growth-workers", "1,2", "--growth-tables", "0"])

    assert found.axes["workers"] == (1, 2)
    assert "tables" not in found.axes
    assert found.axes["tests"][-1] == 20_000


@pytest.mark.parametrize(
    "arguments",
    [["shops"], ["--ways", "nose"], ["--rounds", "0"], ["--transaction-share", "2"]],
    ids=str,
)
def test_what_is_wrong_is_refused_with_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(arguments)

    assert caught.value.code == 2
    assert "error:" in capsys.readouterr().err
