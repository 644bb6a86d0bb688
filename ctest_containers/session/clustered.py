"""Runs the tests of a session on the nodes of a cluster."""

from __future__ import annotations

import os
import pickle
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from ctest_containers.cluster import code
from ctest_containers.cluster.dask_client import connect
from ctest_containers.cluster.dask_link import DaskLink
from ctest_containers.cluster.pool import ClusterPool
from ctest_containers.cluster.spec import NodeSpec, versions
from ctest_containers.config import Config
from ctest_containers.errors import UsageError
from ctest_containers.fingerprint import Input
from ctest_containers.session.context import RunContext
from ctest_containers.session.executor import SelectedTests, pickled
from ctest_containers.session.node_plan import NodePlan
from ctest_containers.session.schedule import (
    expected_seconds,
    failed_first,
    longest_first,
    split_long,
)
from ctest_containers.template.build_task import CreateDatabases


class ClusterExecutor:
    """See `Executor`. Templates and servers are on the nodes.

    Args:
        create: Creates and migrates the test databases of some aliases; must be picklable.
        runner_inputs: What the project's own runner adds to the inputs of a fingerprint.
    """

    def __init__(
        self, context: RunContext, create: CreateDatabases, runner_inputs: Sequence[Input]
    ) -> None:
        self._context = context
        self._create = create
        self._runner_inputs = tuple(runner_inputs)
        self._client: Any = None

    def start_early(self) -> None:
        """Connect, so that a cluster that does not answer is reported at once.

        Raises:
            ClusterError: The cluster cannot be reached.
        """
        config = self._context.config
        tls = (config.cluster_tls_ca, config.cluster_tls_cert, config.cluster_tls_key)
        self._client = connect(config.cluster, tls)

    def prepare(self, aliases: Collection[str]) -> None:
        """Do nothing: nodes prepare their own databases."""

    def pool(self, tests: SelectedTests) -> ClusterPool:
        """See `Executor`.

        Raises:
            UsageError: The tests cannot be sent.
        """
        context, config, timings = self._context, self._context.config, self._context.timings.past
        batches = tests.batches
        if config.split_classes:
            batches = split_long(batches, timings, config.max_workers)
        expected = expected_seconds(batches, timings)
        plan = NodePlan(
            config=_config_of_nodes(config, context.supply.project),
            batches=pickled(batches),
            worker_config=tests.worker_config,
            limits=context.limits,
            aliases=frozenset(tests.aliases),
            began=context.supply.began,
            workers=context.asked,
            debug_mode=context.setup.debug_mode,
            create=self._create,
            runner_inputs=self._runner_inputs,
            expected=expected,
            memory={name: peak.count for name, peak in timings.memory.items()},
        )
        files = code.manifest(context.folder)
        spec = NodeSpec(
            run=context.run_id,
            folder=str(context.folder),
            settings=os.environ["DJANGO_SETTINGS_MODULE"],
            versions=versions(),
            files=files,
            archive=code.packed(context.folder, files) if config.ship_code else b"",
            prepare=context.setup.prepare,
            plan=_pickled(plan),
        )
        ordered = longest_first(batches, expected) if tests.may_reorder else batches
        return ClusterPool(
            batches=failed_first(ordered, tests.first),
            link=DaskLink(self._client, spec),
            report=context.report,
            stopping=tests.stopping,
            whole_run=context.limits.whole_run,
            expected=expected,
            wait_seconds=config.cluster_wait,
        )

    def close(self) -> None:
        """Do nothing: nodes send what they measure as events."""


def _config_of_nodes(config: Config, project: str) -> Config:
    """Return the configuration of a run for its nodes, without what concerns only the parent."""
    return replace(
        config,
        project=project,
        cluster="",
        shard=None,
        event_logs=0,
        event_log="",
        timings_file="",
    )


def _pickled(plan: NodePlan) -> bytes:
    try:
        return pickle.dumps(plan)
    except Exception as error:
        raise UsageError(
            f"The tests cannot be sent to the nodes of a cluster: {error}.",
            "Do not store values that cannot be pickled in the __init__ of the test that the "
            "error names.",
        ) from error
