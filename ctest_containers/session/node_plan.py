"""What a node's process needs to know about a run, once it has loaded the project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ctest_containers.config import Config
from ctest_containers.fingerprint import Input
from ctest_containers.limits import Limits
from ctest_containers.template.build_task import CreateDatabases
from ctest_containers.workers.assignment import WorkerConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePlan:
    """The plan of a run for its nodes.

    Attributes:
        batches: All batches, so that their numbers and indices are the same on all machines;
            pickled, because unpickling them imports the modules of the tests.
        aliases: The databases that the tests use.
        began: When the run began, in seconds since the epoch.
        workers: How many workers each node should have; None lets its machine decide.
        expected: How long batches are expected to take, in seconds, by their numbers.
        memory: The memory of processes and servers in past runs, in bytes.
    """

    config: Config
    batches: bytes
    worker_config: WorkerConfig
    limits: Limits
    aliases: frozenset[str]
    began: float
    workers: int | None
    debug_mode: bool
    create: CreateDatabases
    runner_inputs: Sequence[Input]
    expected: Mapping[int, float]
    memory: Mapping[str, int]
