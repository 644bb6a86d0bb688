"""The command line of `scripts/bench`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.bench.generated import Shape
from harness.bench.growth import AXES
from harness.bench.place import FLAVOURS
from harness.bench.ways import DJANGO, LABELS
from harness.django_suite import MODULES

CASES: Final = {
    "shop": "the example project, in several ways",
    "generated": "a generated project, in several ways",
    "transactions": "a generated project of tests after which Django flushes, in several ways",
    "phases": "the parts of a run, one by one",
    "settings": "what each setting of the toolkit's own image brings, one by one",
    "django": "20 modules of Django's own suite, in several ways; long",
    "simulation": "planner and scheduler with 100,000 tests and 1,000 workers, by a virtual clock",
    "cluster": "one machine and two nodes with suites of several sizes, each node with one core",
    "growth": "set-up, wall time and overhead as a project grows; very long",
}

USUAL: Final = ("shop", "generated", "transactions", "phases")
"""What runs where no case is named."""

ROUNDS: Final = 5
ROUNDS_OF_GROWTH: Final = 3

SHAPES: Final = {
    "generated": Shape(tables=60, migrations=120, tests=600, transaction_share=0.1),
    "transactions": Shape(tables=150, migrations=150, tests=60, transaction_share=1.0),
    "phases": Shape(tables=60, migrations=120, tests=200, transaction_share=0.1),
}
"""What generated projects are like unless options say otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What is asked for.

    Attributes:
        rounds: None for what is usual in a case.
        ways: Those that are wanted; empty for all.
        shape: What options say of generated projects, by the names of `Shape`.
        axes: The points of a growth.
        modules: Those of Django's own suite.
        json: Where results are written, too; None for nowhere.
    """

    cases: tuple[str, ...]
    workers: int
    rounds: int | None
    on: str
    ways: tuple[str, ...]
    base: str
    shape: dict[str, int | float]
    axes: dict[str, tuple[int, ...]]
    modules: tuple[str, ...]
    json: Path | None
    plot: Path | None
    noisy: bool

    def shape_of(self, case: str) -> Shape:
        """The project of a case."""
        usual = SHAPES[case]
        return Shape(
            tables=int(self.shape.get("tables", usual.tables)),
            migrations=int(self.shape.get("migrations", usual.migrations)),
            tests=int(self.shape.get("tests", usual.tests)),
            transaction_share=self.shape.get("transaction_share", usual.transaction_share),
        )


def parse(arguments: Sequence[str]) -> Command:
    """Read a command line; what is wrong with it ends the process with code 2."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measures the toolkit beside other ways to run the same tests.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="cases:\n"
        + "\n".join(f"  {name:<14}{what}" for name, what in CASES.items())
        + "\n\nways:\n"
        + "\n".join(f"  {name:<26}{what}" for name, what in LABELS.items())
        + "\n\nexit codes: 0 measured, 1 a case failed, 2 wrong options, 3 a case was refused "
        "for noise",
    )
    parser.add_argument("cases", nargs="*", metavar="CASE", help="by default all short ones")
    parser.add_argument("--workers", type=_positive, default=2, metavar="N")
    parser.add_argument("--rounds", type=_positive, metavar="N", help="5 by default, 3 of a growth")
    parser.add_argument("--on", choices=FLAVOURS, default="postgresql")
    parser.add_argument("--ways", type=_names, default=(), metavar="WAY,WAY", help="only these")
    parser.add_argument("--base", choices=LABELS, default=DJANGO, metavar="WAY", help="of ratios")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw a growth there, as SVG")
    parser.add_argument(
        "--noisy", action="store_true", help="report on a noisy machine, and mark every figure"
    )
    sizes = parser.add_argument_group("sizes of projects")
    sizes.add_argument("--tables", type=_positive, metavar="N")
    sizes.add_argument("--migrations", type=_positive, metavar="N")
    sizes.add_argument("--tests", type=_positive, metavar="N")
    sizes.add_argument("--transaction-share", type=_share, metavar="SHARE", help="from 0 to 1")
    sizes.add_argument(
        "--modules", type=_names, default=MODULES, metavar="NAME,NAME", help="of Django's suite"
    )
    growth = parser.add_argument_group("points of a growth; 0 leaves one out")
    for axis, points in AXES.items():
        default = ",".join(map(str, points))
        growth.add_argument(f"--growth-{axis}", type=_points, default=points, metavar=default)
    options = parser.parse_args(arguments)
    for names, known in ((options.cases, CASES), (options.ways, LABELS)):
        for name in names:
            if name not in known:
                parser.error(f"{name!r} is none of {', '.join(known)}")
    given = {name: getattr(options, name) for name in Shape.__dataclass_fields__}
    axes = {axis: getattr(options, f"growth_{axis}") for axis in AXES}
    return Command(
        cases=tuple(options.cases) or USUAL,
        workers=options.workers,
        rounds=options.rounds,
        on=options.on,
        ways=options.ways,
        base=options.base,
        shape={name: value for name, value in given.items() if value is not None},
        axes={axis: points for axis, points in axes.items() if points},
        modules=options.modules,
        json=options.json,
        plot=options.plot,
        noisy=options.noisy,
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _share(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 1:
        raise ValueError(text)
    return number


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))


def _points(text: str) -> tuple[int, ...]:
    return tuple(_positive(one) for one in text.split(",")) if text != "0" else ()
