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
from ctest_containers.usage.hooks import CachedFunction


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerConfig:
    """What is the same for every worker of a run, on any node.

    Attributes:
        separate: Whether a worker gets its own caches, folders and temporary files.
        worker_setup: The dotted path of the project's own function; empty for none.
        serialized: Aliases whose contents tests with `serialized_rollback` need.
        reset: How to reset databases after a TransactionTestCase; see `Flushes`.
        leaks: Whether and how to look for what classes leave in databases; see `Config.leaks`.
        limit: The limit of tests and fixtures without their own, and of `worker_setup`.
        keep_failed: Whether to ask the parent to keep the databases of failed tests.
        adaptive: The limits of tests at their first try, in seconds, by their ids.
        folder: Where the run was started; files are named relative to it.
        terminal: Whether the parent has a terminal that it can lend.
        pdb: Whether to debug tests that fail; only with a terminal.
        record: Whether to record what tests use.
    """

    separate: bool
    worker_setup: str
    serialized: frozenset[str]
    reset: str
    leaks: str
    failfast: bool
    buffer: bool
    debug_sql: bool
    limit: Limit | None
    adaptive: Mapping[str, float]
    folder: Path
    keep_failed: bool = False
    terminal: bool = False
    pdb: bool = False
    record: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What a worker receives when it starts.

    Attributes:
        own: The worker as `worker_setup` receives it.
        batches: All batches of the run; pickled for a spawned worker, which can only unpickle
            tests once the project is loaded.
        stack_file: The file it writes its stacks to when it receives the signal for that.
        output: The file that it prints into; None to print where its parent does.
        close: Descriptors of the parent that a forked worker must not keep open.
        line_coverage: How to measure the lines that run; None not to measure them.
        facts: What each alias's connection remembers about its server; see `facts_of`.
        cached: The functions that cache their answers; a spawned worker finds them itself.
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
    cached: Sequence[CachedFunction] = ()
