"""Runs the cases that are asked for, and writes what they have found."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Sequence

import docker

from harness.bench import table
from harness.bench.cluster_case import POINTS, measure_cluster
from harness.bench.command import ROUNDS, ROUNDS_OF_GROWTH, SHAPES, Command, parse
from harness.bench.growth import measure_growth
from harness.bench.machine import describe
from harness.bench.noise import NoiseWatch
from harness.bench.phases import measure_phases, options_of
from harness.bench.place import SQLITE, Place, place
from harness.bench.plot import svg
from harness.bench.results import CaseResult, Failure, as_json
from harness.bench.settings import measure_settings
from harness.bench.simulation_case import TESTS, measure_simulation
from harness.bench.suite import Comparison, compare
from harness.bench.suites import django, generated, shop
from harness.bench.trouble import BenchError, NoisyError

FAILED = 1
REFUSED = 3
TERMINATED = 143


def main(arguments: Sequence[str]) -> int:
    """Measure, write after each case, and give the exit code."""
    command = parse(arguments)
    # So that what a case has made is removed then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    machine = describe(_engine_version(command.on))
    _say(table.of_machine(machine))
    cases: list[CaseResult] = []
    failures: list[Failure] = []
    for case in command.cases:
        try:
            with place(command.on) as where:
                found = measure(case, command, where)
        except BenchError as error:
            kind = "noise" if isinstance(error, NoisyError) else "error"
            failures.append(Failure(case, kind, str(error)))
            sys.stderr.write(f"\n{case}: {error}\n")
        else:
            cases.append(found)
            _say(f"\n{table.of_case(found)}")
            if case == "growth" and command.plot is not None:
                command.plot.write_text(svg(found))
        if command.json is not None:
            command.json.write_text(json.dumps(as_json(machine, cases, failures), indent=1) + "\n")
    return exit_code(failures)


def exit_code(failures: Sequence[Failure]) -> int:
    """What the cases without figures come to; an error goes before noise."""
    kinds = {one.kind for one in failures}
    return FAILED if "error" in kinds else REFUSED if kinds else 0


def measure(case: str, command: Command, where: Place) -> CaseResult:
    """Run one case."""
    noise = NoiseWatch(tolerant=command.noisy)
    rounds = command.rounds or ROUNDS
    if case == "growth":
        return measure_growth(
            where,
            command.axes,
            workers=command.workers,
            rounds=command.rounds or ROUNDS_OF_GROWTH,
            noise=noise,
        )
    if case == "simulation":
        count = int(command.shape.get("tests", TESTS))
        rounds = command.rounds or ROUNDS_OF_GROWTH
        return measure_simulation(count, rounds=rounds, noise=noise)
    if case == "cluster":
        return measure_cluster(where, POINTS, rounds=rounds, noise=noise)
    if case == "settings":
        return measure_settings(where, rounds=rounds, noise=noise)
    shape = command.shape_of(case) if case in SHAPES else None
    if case == "phases":
        assert shape is not None
        return measure_phases(where, shape, workers=command.workers, rounds=rounds, noise=noise)
    if shape is not None:
        suite = generated(where, shape)
    else:
        suite = shop(where) if case == "shop" else django(where, command.modules)
    comparison = Comparison(
        name=case,
        workers=command.workers,
        rounds=rounds,
        wanted=command.ways,
        base=command.base,
        options=_options(case, command),
    )
    return compare(comparison, where, suite, noise)


def _options(case: str, command: Command) -> dict[str, int | float]:
    if case == "django":
        return {"modules": len(command.modules)}
    return options_of(command.shape_of(case)) if case in SHAPES else {}


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _engine_version(on: str) -> str:
    if on == SQLITE:
        return ""
    engine = docker.from_env()
    try:
        return str(engine.version()["Version"])
    finally:
        engine.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
