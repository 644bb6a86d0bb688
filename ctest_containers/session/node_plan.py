"""What a node's process needs to know of a run; readable once the project is loaded there."""

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
    """A run as its nodes need it.

    Attributes:
        batches: All of them, by which the parent's numbers and places mean the same there; pickled,
            as reading them imports the modules of the tests.
        aliases: The databases that the tests use.
        began: When the run began, in seconds since the epoch.
        workers: How many workers a node is to have; None lets its machine decide.
        memory: What past runs have measured of processes and servers, in bytes.
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
