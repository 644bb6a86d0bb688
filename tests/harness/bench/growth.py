"""How a run grows with the number of workers, of tables and of tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from harness.bench.generated import Shape
from harness.bench.noise import NoiseWatch
from harness.bench.place import Place
from harness.bench.results import CaseResult, Figure
from harness.bench.rounds import interleaved
from harness.bench.suites import generated
from harness.bench.timeline import last_run
from harness.bench.trouble import BenchError
from harness.bench.ways import WARM, toolkit_ways

AXES: Final[Mapping[str, tuple[int, ...]]] = {
    "workers": (1, 2, 4, 8, 16),
    "tables": (100, 300, 1000),
    "tests": (100, 1000, 5000, 20_000),
}
"""What grows, and its points."""

SHAPES: Final[Mapping[str, Shape]] = {
    "workers": Shape(tables=50, migrations=50, tests=640),
    "tables": Shape(tables=100, migrations=100, tests=100),
    "tests": Shape(tables=20, migrations=20, tests=100),
}
"""What stays while it does."""

MEASURES: Final = ("set-up", "wall", "overhead")
"""See `Point`, in its order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A run at a point; durations in seconds.

    Attributes:
        setup: From the start of the process to that of the first test.
        wall: The whole process.
        overhead: What of that is not the tests' own seconds spread evenly over the workers.
        server: What the server says it is.
    """

    setup: float
    wall: float
    overhead: float
    server: str


def measure_growth(
    place: Place,
    axes: Mapping[str, Sequence[int]],
    *,
    workers: int,
    rounds: int,
    noise: NoiseWatch,
) -> CaseResult:
    """Measure warm runs of the toolkit at every point, one axis after another.

    Args:
        workers: How many there are on the axes where something else grows.

    Raises:
        BenchError: A run failed.
        NoisyError: The machine is too noisy.
    """
    noise.sample()
    figures = []
    version = ""
    for axis, points in axes.items():
        runs = {str(point): _Run(place, axis, point, workers) for point in points}
        for run in runs.values():
            # Builds the template, and learns what takes how long.
            version = run().server
        found = interleaved(dict(runs), rounds, noise.sample)
        for name, each in found.items():
            columns = zip(*((one.setup, one.wall, one.overhead) for one in each), strict=True)
            figures += [
                Figure(
                    name=axis,
                    measure=measure,
                    values=tuple(column),
                    at={axis: int(name)},
                    tests=runs[name].shape.tests,
                )
                for measure, column in zip(MEASURES, columns, strict=True)
            ]
        place.remove_images()
    return CaseResult(
        name="growth",
        on=place.on,
        server=version,
        options={"workers": workers, "rounds": rounds},
        figures=tuple(figures),
        notes=(
            "set-up: from the start of the process to that of the first test.",
            "overhead: the process less the tests' own seconds spread evenly over the workers.",
            "All runs are warm. "
            + " ".join(
                f"While {axis} grow there are {_words(shape, axis, workers)}."
                for axis, shape in SHAPES.items()
                if axis in axes
            ),
        ),
        noise=noise,
    )


class _Run:
    """A project at a point; called, it is run once more."""

    def __init__(self, place: Place, axis: str, point: int, workers: int) -> None:
        self._place = place
        self._name = f"{axis}-{point}"
        self._workers = point if axis == "workers" else workers
        self.shape = SHAPES[axis]
        if axis == "tables":
            self.shape = replace(self.shape, tables=point, migrations=point)
        if axis == "tests":
            self.shape = replace(self.shape, tests=point)
        suite = generated(place, self.shape, self._name)
        self._way = dict(toolkit_ways(place, suite, self._workers, self._name))[WARM]()

    def __call__(self) -> Point:
        run = self._way()
        if run.failed or run.tests != self.shape.tests:
            raise BenchError(
                f"A run of the toolkit had {run.tests} tests of {self.shape.tests}, "
                f"{run.failed} of which failed, at {self._name}."
            )
        seen = last_run(self._place, self._name)
        overhead = run.process_seconds - seen.tests / self._workers
        return Point(
            setup=seen.first_test,
            wall=run.process_seconds,
            overhead=overhead,
            server=seen.version,
        )


def _words(shape: Shape, axis: str, workers: int) -> str:
    found = {"workers": workers, "tables": shape.tables, "tests": shape.tests}
    return " and ".join(f"{count} {name}" for name, count in found.items() if name != axis)
