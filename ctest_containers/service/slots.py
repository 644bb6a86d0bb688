"""Brings the slots of a service up, and takes them down."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from ctest_containers.backends import BACKENDS, NotReadyError
from ctest_containers.clock import Deadline
from ctest_containers.engine import labels
from ctest_containers.engine.folders import remove_folder, service_folders
from ctest_containers.errors import EngineUnreachableError, ServiceError
from ctest_containers.servers.client import ANSWER_SECONDS
from ctest_containers.service.file import ServiceFile
from ctest_containers.service.make import claimed, discard, make, remove_containers
from ctest_containers.service.state import Recipe, Service, Slot, SlotState

POLL_SECONDS: Final = 0.1
"""How often to check whether a slot is free."""


def bring_up(
    file: ServiceFile,
    *,
    project: str,
    recipe: Recipe,
    count: int,
    folder: Path,
    say: Callable[[str], None],
) -> Service:
    """Ensure that a service has a number of slots that answer and come from a recipe.

    An up-to-date slot stays. A leased slot stays as long as it answers; it is recreated, or
    removed, when it is released.

    Args:
        folder: The project's folder, in which commands find the service.
        say: Prints a line for a person.

    Raises:
        CtestError: A slot cannot be created.
    """
    deadline = Deadline(recipe.server_timeout_seconds + 2 * ANSWER_SECONDS)
    printed: set[str] = set()

    def say_once(line: str) -> None:
        if line not in printed:
            printed.add(line)
            say(line)

    while True:
        others = False
        with file.locked():
            before = file.read()
            service = Service(
                project=project,
                name=file.name,
                folder=str(folder),
                count=count,
                recipe=recipe,
                slots=before.slots if before is not None else (),
            )
            numbers = range(1, count + 1)
            outdated: list[Slot] = []
            for number in numbers:
                slot = service.slot(number) or Slot(number=number)
                if slot.state is SlotState.MAKING:
                    others = True
                elif not _may_stay(slot, recipe, say_once):
                    outdated.append(slot)
            dropped = [
                slot
                for slot in service.slots
                if slot.number not in numbers
                and not (slot.state is SlotState.LEASED and answers(slot))
            ]
            for slot in dropped:
                say_once(f"Removing slot {slot.number}.")
            for slot in outdated:
                if slot.ready:
                    say_once(f"Recreating slot {slot.number}.")
            claims = [claimed(slot) for slot in outdated]
            service = service.without([slot.number for slot in dropped]).with_slots(claims)
            file.write(service)
        discard(dropped)
        make(file, claims, project=project, recipe=recipe)
        if not others:
            return file.existing()
        if deadline.passed:
            raise ServiceError(
                f"Another process has been creating slots of the service {file.name!r} for longer "
                f"than {deadline.seconds:g} seconds.",
                "If it no longer runs, run service down, then service up.",
            )
        say_once("Waiting for another process that is creating slots of this service…")
        time.sleep(POLL_SECONDS)


def take_down(file: ServiceFile) -> Iterator[str]:
    """End a service, and yield a description of each thing that was removed.

    What a killed `up` left behind is found by its label, even without a file.

    Raises:
        EngineUnreachableError: Its containers cannot be removed; the service stays.
    """
    with file.locked():
        known = file.path.exists()
        containers = _containers(file)
        folders = service_folders(str(file.path))
        file.remove()
    remove_containers(containers) if containers else None
    for folder in folders:
        remove_folder(folder)
    yield from (f"container {name}" for name in containers)
    yield from (f"folder {folder}" for folder in folders)
    if known:
        yield f"service {file.name}"


def forget(file: ServiceFile, number: int) -> None:
    """Remove a slot, leased or not; with the last one, the service ends."""
    with file.locked():
        service = file.read()
        slot = None if service is None else service.slot(number)
        if service is None or slot is None:
            return
        rest = service.without([number])
        if rest.slots:
            file.write(replace(rest, count=rest.slots[-1].number))
        else:
            file.remove()
    discard([slot])


def answers(slot: Slot) -> bool:
    """Return whether all databases of a slot can be reached."""
    addresses = {server.group: server.address for server in slot.servers}
    for source in slot.recipe.sources if slot.recipe is not None else ():
        group = source.group
        if not group.has_server:
            names = [lease.settings["NAME"] for lease in slot.leases().values()]
            if not all(Path(name).is_file() for name in names if Path(name).is_absolute()):
                return False
        elif group.label not in addresses:
            return False
        else:
            try:
                BACKENDS[group.vendor].probe(addresses[group.label])
            except NotReadyError:
                return False
    return slot.recipe is not None


def _may_stay(slot: Slot, recipe: Recipe, say: Callable[[str], None]) -> bool:
    state = slot.state
    if state not in {SlotState.FREE, SlotState.LEASED} or not answers(slot):
        return False
    if state is SlotState.LEASED and slot.recipe != recipe:
        say(
            f"Slot {slot.number} is leased; it will be recreated from the current templates when "
            "it is released."
        )
        return True
    return slot.recipe == recipe


def _containers(file: ServiceFile) -> list[str]:
    """Return the containers that were created for a service, even if its file omits them."""
    try:
        service = file.read()
    except ServiceError:
        service = None
    unknown = service is None
    if service is not None and not service.has_servers:
        return []
    if unknown and shutil.which("docker") is None and not os.environ.get("DOCKER_HOST"):
        return []  # Without an engine, no container can have been started.
    from ctest_containers.engine.docker import DockerEngine

    try:
        containers = DockerEngine().labelled(labels.SERVICE)
    except EngineUnreachableError:
        if unknown and not file.path.exists():
            return []
        raise
    return [
        container.name
        for container, its_labels in containers
        if its_labels[labels.SERVICE] == str(file.path)
    ]
