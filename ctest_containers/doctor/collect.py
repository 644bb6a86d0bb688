"""Collects what checks need: whether an engine answers, and what it says of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ctest_containers.clock import Deadline
from ctest_containers.config import Config
from ctest_containers.doctor.context import DoctorContext, Project
from ctest_containers.doctor.deadline import within
from ctest_containers.engine import ContainerEngine
from ctest_containers.engine.facts import EngineFacts, read_facts
from ctest_containers.engine.reach import Obstacle, Reach, engine_address, reach
from ctest_containers.errors import EngineError
from ctest_containers.storage import cache_folder

REACH_SECONDS: Final = 3.0
"""How long the engine may take to answer at all."""

FACTS_SECONDS: Final = 5.0
"""How long it may take to describe itself."""


def collect(folder: Path, config: Config, project: Project | None) -> DoctorContext:
    """Ask the engine, and put together what checks need, whatever of it is missing.

    Args:
        project: None if it cannot be loaded.
    """
    reached = _reached(engine_address())
    facts: EngineFacts | None = None
    engine: ContainerEngine | None = None
    trouble: EngineError | None = None
    if reached.obstacle is None:
        try:
            facts, engine = within(Deadline(FACTS_SECONDS), _ask)
        except EngineError as error:
            trouble = error
        except Exception as error:  # noqa: BLE001  # A damaged context lets the SDK raise anything.
            trouble = EngineError(
                f"Docker's SDK fails with {type(error).__name__}: {error}",
                "Check DOCKER_HOST and Docker's contexts (`docker context ls`).",
            )
    return DoctorContext(
        folder=folder,
        cache=cache_folder(),
        config=config,
        project=project,
        reached=reached,
        trouble=trouble,
        facts=facts,
        engine=engine,
    )


def _reached(address: str) -> Reach:
    try:
        # Finding out what a name stands for has no limit of its own.
        return within(Deadline(REACH_SECONDS + 1), lambda: reach(address, REACH_SECONDS))
    except EngineError as error:
        return Reach(address=address, obstacle=Obstacle.UNREACHABLE, detail=error.message)


def _ask() -> tuple[EngineFacts, ContainerEngine]:
    from ctest_containers.engine.docker import DockerEngine

    return read_facts(FACTS_SECONDS), DockerEngine()
