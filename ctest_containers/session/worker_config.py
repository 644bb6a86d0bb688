"""What is the same for every worker of a run, from its configuration."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from ctest_containers.config import Config, failures_to_keep
from ctest_containers.session.context import RunContext
from ctest_containers.session.debugging import lends_terminal
from ctest_containers.workers.assignment import WorkerConfig

if TYPE_CHECKING:
    from ctest_containers.usage.loaded import LoadedFunctions


def worker_config(
    context: RunContext,
    *,
    serialized: Collection[str],
    failfast: bool = False,
    buffer: bool = False,
    debug_sql: bool = False,
    pdb: bool = False,
) -> WorkerConfig:
    """Return what the workers of a run have in common; see `WorkerConfig`."""
    config = context.config
    return WorkerConfig(
        separate=config.separate,
        worker_setup=config.worker_setup,
        serialized=frozenset(serialized),
        reset=config.reset,
        leaks=config.leaks,
        # With reruns, only the parent knows which failure is final.
        failfast=failfast and not config.rerun,
        buffer=buffer,
        debug_sql=debug_sql,
        keep_failed=failures_to_keep(config) > 0 and not config.cluster,
        limit=context.limits.per_test,
        adaptive=context.timings.past.adaptive_limits() if config.adaptive_timeouts else {},
        folder=context.folder,
        terminal=not config.cluster and (pdb or lends_terminal()),
        pdb=pdb,
        record=records(config),
    )


def records(config: Config) -> bool:
    """Return whether a run records what tests use."""
    return bool(config.record) and config.stress is None


def loaded_functions(context: RunContext) -> LoadedFunctions | None:
    """Return what finds the functions of this process, if workers are forked that record usage.

    They cannot see what has run before the fork.
    """
    if not records(context.config) or context.setup.spawned:
        return None
    # Most runs do not need what it imports; workers that are forked need not import the other.
    import ctest_containers.usage.collector  # noqa: F401
    from ctest_containers.usage.loaded import LoadedFunctions

    return LoadedFunctions()
