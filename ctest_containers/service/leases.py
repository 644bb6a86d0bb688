"""Leases slots of a service, and releases them."""

from __future__ import annotations

import os
import secrets
import time
from dataclasses import replace
from pathlib import Path

from ctest_containers.backends import BACKENDS
from ctest_containers.clock import Deadline
from ctest_containers.engine import labels
from ctest_containers.errors import ServiceError, UsageError
from ctest_containers.service.file import ServiceFile
from ctest_containers.service.make import claimed, discard, make
from ctest_containers.service.slots import POLL_SECONDS, answers
from ctest_containers.service.state import Recipe, Service, Slot, SlotLease, SlotState
from ctest_containers.text import plural


def take(file: ServiceFile, *, holder: int | None = None, wait_seconds: float = 0.0) -> Slot:
    """Lease a free slot, whose databases are as migrations left them.

    Args:
        holder: The process with which the lease ends; None if it is released by hand.
        wait_seconds: How long to wait for a free slot.

    Raises:
        ServiceError: There is no such service, or none of its slots is free.
        CtestError: An abandoned slot cannot be recreated.
    """
    deadline = Deadline(wait_seconds)
    lease = new_lease(holder)
    while True:
        with file.locked():
            service = file.existing()
            slots = [slot for slot in service.slots if slot.number <= service.count]
            for slot in slots:
                if slot.state is SlotState.FREE and answers(slot):
                    mine = replace(slot, lease=lease)
                    file.write(service.with_slots([mine]))
                    return mine
            left = [
                slot
                for slot in slots
                if slot.state
                in {SlotState.FREE, SlotState.USED, SlotState.LAPSED, SlotState.UNMADE}
            ]
            if left:
                claim = claimed(left[0])
                file.write(service.with_slots([claim]))
        if left:
            slots = make(file, [claim], project=service.project, recipe=service.recipe, lease=lease)
            return slots[0]
        if deadline.passed:
            raise ServiceError(
                f"No slot of the service {file.name!r} is free: every slot ({len(slots)}) is "
                "leased or being created.",
                "Wait for one with --wait SECONDS, release one with service release, or start "
                "more with service up --slots.",
            )
        time.sleep(min(POLL_SECONDS, deadline.remaining))


def give_back(file: ServiceFile, number: int, lease: SlotLease | None = None) -> None:
    """End a lease, and recreate the slot for the next one.

    Args:
        lease: Do nothing unless this is the slot's lease. None for any.

    Raises:
        ServiceError: There is no such service or slot, or it is not leased.
        CtestError: It cannot be recreated; the next lease tries again.
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
                f"It has {plural(service.count, 'slot')}, numbered from 1.",
            )
        if slot.lease is None:
            raise ServiceError(f"Slot {number} is not leased.")
        surplus = number > service.count
        claim = claimed(slot)
        file.write(service.without([number]) if surplus else service.with_slots([claim]))
    if surplus:
        discard([slot])
    else:
        make(file, [claim], project=service.project, recipe=service.recipe)


def reuse(
    file: ServiceFile,
    number: int,
    *,
    project: str,
    recipe: Recipe,
    folder: Path,
    fresh: bool = False,
) -> Slot | None:
    """Lease a slot to this process, whose databases are as the last lease left them.

    It is recreated if it does not answer, is from another recipe, or `fresh` is true.

    Returns:
        The slot; None if another live process has leased it.

    Raises:
        CtestError: It cannot be created.
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
    """End a lease of `reuse`, and leave the databases unchanged."""
    with file.locked():
        service = file.read()
        slot = None if service is None else service.slot(number)
        if service is not None and slot is not None and slot.lease == lease:
            file.write(service.with_slots([replace(slot, lease=None, used=True)]))


def new_lease(holder: int | None) -> SlotLease:
    """Return a lease that begins now.

    Raises:
        UsageError: There is no such process.
    """
    try:
        owner = "" if holder is None else labels.owner(holder)
    except ProcessLookupError:
        raise UsageError(
            f"There is no process with the id {holder}.", "Give the id of a running process."
        ) from None
    return SlotLease(id=secrets.token_hex(8), holder=owner, since=time.time())


def _identified(slot: Slot) -> Slot:
    """Return a slot with the identities that its servers report since they last started."""
    sources = slot.recipe.sources if slot.recipe is not None else ()
    vendors = {source.group.label: source.group.vendor for source in sources}
    servers = []
    for server in slot.servers:
        answer = BACKENDS[vendors[server.group]].probe(server.address)
        address = replace(server.address, identity=answer.identity)
        servers.append(replace(server, address=address))
    return replace(slot, servers=tuple(servers))
