"""`plan`: how long a run would take with how many workers, and how many it would have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ctest_containers.cli.project_command import ProjectCommand
from ctest_containers.text import duration, plural, size

if TYPE_CHECKING:
    from ctest_containers.runner import ContainerRunnerMixin
    from ctest_containers.session.planning import RunPlan


def print_plan(runner: ContainerRunnerMixin, test_labels: list[str]) -> int:
    """Print what is expected of a run of these tests."""
    from ctest_containers.cli.discovered import plan_tests

    for line in table(plan_tests(runner, test_labels)):
        print(line)
    return 0


def table(planned: RunPlan) -> Iterator[str]:
    """The lines that show a plan."""
    tests = sum(len(batch.tests) for batch in planned.batches)
    batches = plural(len(planned.batches), "batch")
    if not planned.predictions:
        yield f"{plural(tests, 'test')} in {batches}; no run has been measured yet."
    else:
        total = sum(planned.expected.values())
        yield f"{plural(tests, 'test')} in {batches}; expected: {duration(total)} of tests."
        yield ""
        yield "workers   expected     memory"
        for row in planned.predictions:
            memory = "not known" if row.memory_bytes is None else size(row.memory_bytes)
            chosen = "  <- chosen" if row.workers == planned.workers.workers else ""
            yield f"{row.workers:>7} {duration(row.seconds):>10} {memory:>10}{chosen}"
    yield ""
    yield "The number of workers is the smallest of these:"
    for limit in planned.workers.limits:
        yield f"{limit.workers:>7}  {limit.reason}"
    yield from planned.workers.warnings


COMMAND: Final = ProjectCommand(
    name="plan",
    action=print_plan,
    description=(
        "Estimates how long a run would take with different numbers of workers, and shows\n"
        "how many it would use. Starts no workers and no containers."
    ),
    examples=(
        ("", "Plan a run of every test."),
        ("--parallel 8 shop", "Plan a run of one application's tests in 8 workers."),
    ),
).register()
