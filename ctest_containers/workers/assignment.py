"""What a worker's process receives from its parent when it starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ctest_containers.limits import Limit
from ctest_containers.project import isolation
from ctest_containers.project.line_coverage import LineCoverage
from ctest_containers.project.process import ProjectSetup
from ctest_containers.project.suite import Batch


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerConfig:
    """What is the same for every worker of a run, wherever it is.

    Attributes:
        separate: Whether it gets caches, folders and temporary files of its own.
        worker_setup: The dotted path of the project's own function; empty for none.
        serialized: Aliases whose contents tests with `serialized_rollback` need.
        reset: How databases are reset after a TransactionTestCase; see `Flushes`.
        limit: What a test or a fixture may take that has no limit of its own, and the project's
            own function for workers.
        adaptive: What tests may take at their first try, by their ids.
        folder: Where the run was started; files are named relative to it.
    """

    separate: bool
    worker_setup: str
    serialized: frozenset[str]
    reset: str
    failfast: bool
    buffer: bool
    debug_sql: bool
    limit: Limit | None
    adaptive: Mapping[str, float]
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What a worker receives when it starts.

    Attributes:
        own: The worker as the project's own function for workers sees it.
        batches: All batches of the run; in pickled form for a spawned worker, which can only
            unpickle tests once the project is loaded.
        stack_file: Where it writes where it is, when asked by a signal.
        output: The file that it prints into; None to print where its parent does.
        close: Descriptors of the parent that a forked worker must not keep open.
        line_coverage: How it measures the lines that run; None if they are not measured.
        facts: What each alias's connection remembers about its server; see `facts_of`.
    """

    worker: int
    own: isolation.Worker
    worker_config: WorkerConfig
    setup: ProjectSetup
    batches: Sequence[Batch] | bytes
    stack_file: Path
    output: Path | None
    close: tuple[int, ...]
    line_coverage: LineCoverage | None = None
    facts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
