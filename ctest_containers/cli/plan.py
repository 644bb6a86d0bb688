"""`plan`: how long a run would take with how many workers, and how many it would have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ctest_containers.cli.by_runner import runner_class
from ctest_containers.cli.run import run
from ctest_containers.session.planning import RunPlan
from ctest_containers.text import duration, plural, size


def plan(arguments: Sequence[str]) -> int:
    """Print what is expected of a run with these arguments; see `run`."""
    return run(arguments, f"{__name__}.ProjectPlanner", typed="plan")


def table(planned: RunPlan) -> Iterator[str]:
    """The lines that tell a plan."""
    tests = sum(len(batch.tests) for batch in planned.batches)
    batches = plural(len(planned.batches), "batch")
    if not planned.predictions:
        yield f"{plural(tests, 'test')} in {batches}; no run has been measured yet."
    else:
        total = sum(planned.expected.values())
        yield f"{plural(tests, 'test')} in {batches}; expected: {duration(total)} of tests."
        yield ""
        yield "workers   expected     memory"
        for one in planned.predictions:
            memory = "not known" if one.memory_bytes is None else size(one.memory_bytes)
            chosen = "  <- chosen" if one.workers == planned.workers.workers else ""
            yield f"{one.workers:>7} {duration(one.seconds):>10} {memory:>10}{chosen}"
    yield ""
    yield "The number of workers is the least of these:"
    for limit in planned.workers.limits:
        yield f"{limit.workers:>7}  {limit.reason}"
    yield from planned.workers.warnings


def __getattr__(name: str) -> Any:
    """`ProjectPlanner` is the runner that the settings name, which plans instead of running."""
    if name != "ProjectPlanner":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def tell(runner: Any, test_labels: list[str]) -> int:
        for line in table(runner.plan_tests(test_labels)):
            print(line)
        return 0

    return runner_class(tell)
