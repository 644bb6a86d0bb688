"""Lets the nodes of a cluster run the tests of a session."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ctest_containers.cluster import code
from ctest_containers.cluster.dask_link import DaskLink, connect
from ctest_containers.cluster.pool import ClusterPool
from ctest_containers.cluster.spec import NodeSpec, versions
from ctest_containers.config import Config
from ctest_containers.errors import UsageError
from ctest_containers.events import Event
from ctest_containers.project.suite import Batch
from ctest_containers.session.node_plan import NodePlan


def client_of(config: Config) -> Any:
    """A client of the cluster that is configured.

    Raises:
        ClusterError: It cannot be reached.
    """
    tls = (config.cluster_tls_ca, config.cluster_tls_cert, config.cluster_tls_key)
    return connect(config.cluster, tls)


def cluster_pool(
    client: Any,
    plan: NodePlan,
    *,
    run: str,
    folder: Path,
    prepare: bytes,
    batches: Sequence[Batch],
    report: Callable[[Event], None],
    stopping: Callable[[], bool],
) -> ClusterPool:
    """What runs the batches of a plan, in this order.

    Raises:
        UsageError: The tests cannot be sent.
    """
    files = code.manifest(folder)
    spec = NodeSpec(
        run=run,
        folder=str(folder),
        settings=os.environ["DJANGO_SETTINGS_MODULE"],
        versions=versions(),
        files=files,
        archive=code.packed(folder, files) if plan.config.ship_code else b"",
        prepare=prepare,
        plan=_pickled(plan),
    )
    return ClusterPool(
        batches=batches,
        link=DaskLink(client, spec),
        report=report,
        stopping=stopping,
        whole_run=plan.limits.whole_run,
        expected=plan.expected,
        wait_seconds=plan.config.cluster_wait,
    )


def config_of_nodes(config: Config, project: str) -> Config:
    """The configuration of a run as its nodes have it: without what is the parent's."""
    return replace(
        config, project=project, cluster="", shard=None, event_logs=0, event_log="", timings_file=""
    )


def _pickled(plan: NodePlan) -> bytes:
    try:
        return pickle.dumps(plan)
    except Exception as error:
        raise UsageError(
            f"The tests cannot be sent to the nodes of a cluster: {error}.",
            "Keep what cannot be pickled out of the __init__ of the test it names.",
        ) from error
