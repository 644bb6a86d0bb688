"""What is done with a service: started, its slots leased and given back, ended."""

from __future__ import annotations

import os
import secrets
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
from ctest_containers.errors import EngineUnreachableError, ServiceError, UsageError
from ctest_containers.servers.client import ANSWER_SECONDS
from ctest_containers.service.file import ServiceFile
from ctest_containers.service.make import claimed, discard, make, remove_containers
from ctest_containers.service.state import Recipe, Service, Slot, SlotLease, SlotState
from ctest_containers.text import plural

POLL_SECONDS: Final = 0.1
"""Between two looks at whether a slot is free."""


def bring_up(
    file: ServiceFile,
    *,
    project: str,
    recipe: Recipe,
    count: int,
    folder: Path,
    say: Callable[[str], None],
) -> Service:
    """Let a service have so many slots that answer and are made from this recipe.

    What is as it should be stays. What somebody has leased stays, too, as long as it answers; it is
    made anew, or removed, when it is given back.

    Args:
        folder: The project's, in which the service is found again.
        say: Takes each line that a person may want to see.

    Raises:
        CtestError: A slot cannot be made.
    """
    deadline = Deadline(recipe.server_timeout_seconds + 2 * ANSWER_SECONDS)
    said: set[str] = set()

    def say_once(line: str) -> None:
        if line not in said:
            said.add(line)
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
            wanted: list[Slot] = []
            for number in numbers:
                slot = service.slot(number) or Slot(number=number)
                if slot.state is SlotState.MAKING:
                    others = True
                elif not _may_stay(slot, recipe, say_once):
                    wanted.append(slot)
            dropped = [
                slot
                for slot in service.slots
                if slot.number not in numbers
                and not (slot.state is SlotState.LEASED and answers(slot))
            ]
            for slot in dropped:
                say_once(f"Removing the slot {slot.number}.")
            for slot in wanted:
                if slot.ready:
                    say_once(f"Making the slot {slot.number} anew.")
            claims = [claimed(slot) for slot in wanted]
            service = service.without([slot.number for slot in dropped]).with_slots(claims)
            file.write(service)
        discard(dropped)
        make(file, claims, project=project, recipe=recipe)
        if not others:
            return file.existing()
        if deadline.passed:
            raise ServiceError(
                f"Somebody else has been making slots of the service {file.name!r} for longer than "
                f"{deadline.seconds:g} seconds.",
                "If nobody does any more, begin anew with service down and service up.",
            )
        say_once("Waiting for another process that makes slots of this service…")
        time.sleep(POLL_SECONDS)


def take(file: ServiceFile, *, holder: int | None = None, wait_seconds: float = 0.0) -> Slot:
    """Lease a slot that nobody has, with its databases as migrations have left them.

    Args:
        holder: The process with which the lease ends; None for one that is given back by hand.
        wait_seconds: How long to wait for somebody to give one back.

    Raises:
        ServiceError: There is no such service, or none of its slots is free.
        CtestError: A slot cannot be made anew that was left behind.
    """
    deadline = Deadline(wait_seconds)
    lease = new_lease(holder)
    while True:
        with file.locked():
            service = file.existing()
            usual = [one for one in service.slots if one.number <= service.count]
            for slot in usual:
                if slot.state is SlotState.FREE and answers(slot):
                    mine = replace(slot, lease=lease)
                    file.write(service.with_slots([mine]))
                    return mine
            left = [
                one
                for one in usual
                if one.state in {SlotState.FREE, SlotState.USED, SlotState.LAPSED, SlotState.UNMADE}
            ]
            if left:
                claim = claimed(left[0])
                file.write(service.with_slots([claim]))
        if left:
            made = make(file, [claim], project=service.project, recipe=service.recipe, lease=lease)
            return made[0]
        if deadline.passed:
            raise ServiceError(
                f"No slot of the service {file.name!r} is free: every slot ({len(usual)}) is "
                "leased or being made.",
                "Wait for one with --wait SECONDS, give one back with service release, or have "
                "more with service up --slots.",
            )
        time.sleep(min(POLL_SECONDS, deadline.remaining))


def give_back(file: ServiceFile, number: int, lease: SlotLease | None = None) -> None:
    """End a lease, and make the slot anew before anybody gets it.

    Args:
        lease: Which one is meant; nothing is done if it has ended already. None for any.

    Raises:
        ServiceError: There is no such service or slot, or nobody has leased it.
        CtestError: It cannot be made anew, which whoever wants it next tries again.
    """
    with file.locked():
        known = file.read()
        slot = None if known is None else known.slot(number)
        if lease is not None and (slot is None or slot.lease != lease):
            return
        service = file.existing()
        if slot is None:
            raise ServiceError(
                f"The service {file.name!r} has no slot {number}.",
                f"It has {plural(service.count, 'slot')}, counted from 1.",
            )
        if slot.lease is None:
            raise ServiceError(f"Nobody has leased the slot {number}.")
        surplus = number > service.count
        claim = claimed(slot)
        file.write(service.without([number]) if surplus else service.with_slots([claim]))
    if surplus:
        discard([slot])
    else:
        make(file, [claim], project=service.project, recipe=service.recipe)


def take_down(file: ServiceFile) -> Iterator[str]:
    """End a service, and tell of each thing that was removed.

    What an `up` has left that was killed is found by its label, without any file.

    Raises:
        EngineUnreachableError: Its containers cannot be removed, as nobody answers; it stays.
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


def reuse(
    file: ServiceFile,
    number: int,
    *,
    project: str,
    recipe: Recipe,
    folder: Path,
    fresh: bool = False,
) -> Slot | None:
    """Lease a slot to this process with whatever its last one has left in its databases.

    It is made anew where it does not answer, is from another recipe, or is to be fresh.

    Returns:
        The slot; None where another process that lives has it.

    Raises:
        CtestError: It cannot be made.
    """
    lease = new_lease(os.getpid())
    with file.locked():
        service = file.read() or Service(
            project=project,
            name=file.name,
            folder=str(folder),
            count=number,
            recipe=recipe,
        )
        service = replace(service, recipe=recipe, count=max(number, service.count))
        slot = service.slot(number) or Slot(number=number)
        if slot.state in {SlotState.LEASED, SlotState.MAKING}:
            return None
        mine = replace(slot, lease=lease)
        stays = not fresh and slot.ready and slot.recipe == recipe and answers(slot)
        claim = claimed(slot)
        file.write(service.with_slots([mine if stays else claim]))
    if stays:
        return _identified(mine)
    return make(file, [claim], project=project, recipe=recipe, lease=lease)[0]


def keep(file: ServiceFile, number: int, lease: SlotLease) -> None:
    """End a lease of `reuse`, and leave the databases as they are."""
    with file.locked():
        service = file.read()
        slot = None if service is None else service.slot(number)
        if service is not None and slot is not None and slot.lease == lease:
            file.write(service.with_slots([replace(slot, lease=None, used=True)]))


def forget(file: ServiceFile, number: int) -> None:
    """Remove a slot, whoever has it; the last one ends the service."""
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


def new_lease(holder: int | None) -> SlotLease:
    """A lease that begins now.

    Raises:
        UsageError: There is no such process.
    """
    try:
        owner = "" if holder is None else labels.owner(holder)
    except ProcessLookupError:
        raise UsageError(f"There is no process {holder}.", "Name one that runs.") from None
    return SlotLease(id=secrets.token_hex(8), holder=owner, since=time.time())


def answers(slot: Slot) -> bool:
    """Whether all databases of a slot can be reached."""
    addresses = {one.group: one.address for one in slot.servers}
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


def _identified(slot: Slot) -> Slot:
    """A slot whose servers answer, with what they say of themselves since they last started."""
    sources = slot.recipe.sources if slot.recipe is not None else ()
    vendors = {source.group.label: source.group.vendor for source in sources}
    servers = []
    for server in slot.servers:
        answer = BACKENDS[vendors[server.group]].probe(server.address)
        address = replace(server.address, identity=answer.identity)
        servers.append(replace(server, address=address))
    return replace(slot, servers=tuple(servers))


def _may_stay(slot: Slot, recipe: Recipe, say: Callable[[str], None]) -> bool:
    state = slot.state
    if state not in {SlotState.FREE, SlotState.LEASED} or not answers(slot):
        return False
    if state is SlotState.LEASED and slot.recipe != recipe:
        say(
            f"The slot {slot.number} is leased; it is made from today's templates when it is "
            "given back."
        )
        return True
    return slot.recipe == recipe


def _containers(file: ServiceFile) -> list[str]:
    """The containers that were made for a service, whether its file names them or not."""
    try:
        service = file.read()
    except ServiceError:
        service = None
    unknown = service is None
    if service is not None and not service.has_servers:
        return []
    if unknown and shutil.which("docker") is None and not os.environ.get("DOCKER_HOST"):
        return []  # Nothing can have been started where there is no engine.
    from ctest_containers.engine.docker import DockerEngine

    try:
        found = DockerEngine().labelled(labels.SERVICE)
    except EngineUnreachableError:
        if unknown and not file.path.exists():
            return []
        raise
    return [one.name for one, its in found if its[labels.SERVICE] == str(file.path)]
