"""Creates slots: starts their servers simultaneously, and hands them over when they answer.

Until then the server host of the creating process owns the containers, as in a run. A container is
handed over and written to the service's file under the file's lock. A process that is killed
between the two leaves a container that has no owner and is in no file; the next command removes it.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from ctest_containers.backends import sqlite
from ctest_containers.clock import Deadline
from ctest_containers.codec import build
from ctest_containers.engine import Container, labels
from ctest_containers.engine.folders import dead_run_folders, make_run_folder, remove_folder
from ctest_containers.errors import CtestError, ServerError, ServiceError, TemplateError
from ctest_containers.model import Address
from ctest_containers.servers.client import ANSWER_SECONDS, ServerHostClient
from ctest_containers.servers.requests import KeepServer, ServerLimits
from ctest_containers.service.file import ServiceFile
from ctest_containers.service.state import KeptServer, Recipe, Slot, SlotLease
from ctest_containers.supply.snapshot import DatabaseSnapshot


@dataclass(slots=True)
class _Making:
    """A slot that is being created.

    Attributes:
        folder: Its new folder.
        answers: The containers of its servers that answer, by the label of their group.
        trouble: Why it cannot be created.
    """

    slot: Slot
    folder: Path
    pending: dict[int, DatabaseSnapshot] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    trouble: CtestError | None = None


def claimed(slot: Slot) -> Slot:
    """Return the slot as being recreated by this process; to be written before `make`."""
    return replace(slot, maker=labels.owner(os.getpid()), ready=False, lease=None)


def make(
    file: ServiceFile,
    slots: Sequence[Slot],
    *,
    project: str,
    recipe: Recipe,
    lease: SlotLease | None = None,
) -> list[Slot]:
    """Recreate slots that this process has claimed, and then remove their previous contents.

    Args:
        lease: Their initial lease; None if they are free.

    Raises:
        CtestError: A slot cannot be created; the others are.
    """
    if not slots:
        return []
    for dead in dead_run_folders():
        remove_folder(dead)
    made: list[Slot] = []
    makings: list[_Making] = []
    with ExitStack() as undo:
        # Whatever happens, no process may be left waiting for this one.
        undo.callback(_give_up, file, makings)
        for slot in slots:
            folder = make_run_folder(secrets.token_hex(4), service=str(file.path))
            makings.append(_Making(slot, folder))
        host = _host(file, project, recipe) if recipe.has_servers else None
        if host is not None:
            undo.callback(host.close)
            _start(host, makings, recipe)
        for making in makings:
            if making.trouble is None:
                try:
                    made.append(_finish(file, host, making, recipe, lease))
                except CtestError as error:
                    making.trouble = error
    discard([making.slot for making in makings if making.trouble is None])
    for making in makings:
        if making.trouble is not None:
            raise making.trouble
    return made


def discard(slots: Iterable[Slot]) -> None:
    """Remove the containers and folders of slots that are no longer in the file.

    If the engine does not answer, the next command that reaches it removes the containers.
    """
    containers = [server.container for slot in slots for server in slot.servers]
    if containers:
        with suppress(CtestError):
            remove_containers(containers)
    for slot in slots:
        if slot.folder:
            remove_folder(Path(slot.folder))


def remove_containers(names: Iterable[str]) -> None:
    """Remove containers that no host owns; they may no longer exist.

    Raises:
        EngineError: The engine does not answer, or refuses.
    """
    from ctest_containers.engine.docker import DockerEngine

    engine = DockerEngine()
    for name in names:
        engine.remove(Container(id=name, name=name))


def _host(file: ServiceFile, project: str, recipe: Recipe) -> ServerHostClient:
    run = secrets.token_hex(4)
    return ServerHostClient(
        run=run,
        folder=make_run_folder(run),
        project=project,
        transport=recipe.transport,
        service=str(file.path),
    )


def _start(host: ServerHostClient, makings: Sequence[_Making], recipe: Recipe) -> None:
    """Start every server of every slot, and wait until each answers or fails."""
    limits = ServerLimits(
        timeout_seconds=recipe.server_timeout_seconds, memory_bytes=recipe.server_memory_bytes
    )
    for making in makings:
        for source in recipe.sources:
            if request := source.request(_server(making.slot, source.label), limits):
                making.pending[host.request(request)] = source
    deadline = Deadline(recipe.server_timeout_seconds + ANSWER_SECONDS)
    while any(making.pending for making in makings):
        if deadline.passed:
            raise ServerError("The servers of the service did not start in time.")
        for reply in host.replies(min(1.0, deadline.remaining)):
            making = next(candidate for candidate in makings if reply.number in candidate.pending)
            source = making.pending.pop(reply.number)
            if reply.error is not None:
                making.trouble = reply.error
            else:
                making.answers[source.group.label] = reply.result["container"]


def _server(slot: Slot, group: str) -> str:
    return f"s{slot.number}-{group}"


def _finish(
    file: ServiceFile,
    host: ServerHostClient | None,
    making: _Making,
    recipe: Recipe,
    lease: SlotLease | None,
) -> Slot:
    """Hand a slot over to the service, unless the service has since ended."""
    slot = making.slot
    for source in recipe.sources:
        if not source.group.has_server:
            _copy(source, making.folder)
    with file.locked():
        service = file.read()
        current = None if service is None else service.slot(slot.number)
        if service is None or current is None or current.maker != slot.maker:
            raise ServiceError(
                f"The service {file.name!r} was removed while its slot {slot.number} was being "
                "created."
            )
        servers: list[KeptServer] = []
        try:
            for label, container in making.answers.items():
                address = build(Address, _keep(host, slot, label, making.folder))
                servers.append(KeptServer(group=label, container=container, address=address))
        except CtestError:
            # What the host has already released has no owner.
            discard([Slot(number=slot.number, servers=tuple(servers))])
            raise
        new = Slot(
            number=slot.number,
            folder=str(making.folder),
            recipe=recipe,
            servers=tuple(servers),
            ready=True,
            made=time.time(),
            lease=lease,
        )
        try:
            file.write(service.with_slots([new]))
        except CtestError:
            discard([new])
            raise
    return new


def _copy(source: DatabaseSnapshot, folder: Path) -> None:
    try:
        sqlite.copies(source.group, Path(source.files), folder)
    except FileNotFoundError as error:
        raise TemplateError(
            f"The template {source.group.label}:{source.fingerprint[:12]} has been removed.",
            "Run python -m ctest_containers service up to build it again.",
        ) from error
    except OSError as error:
        raise ServiceError(f"The databases cannot be copied to {folder}: {error}.") from error


def _keep(host: ServerHostClient | None, slot: Slot, label: str, folder: Path) -> dict[str, object]:
    assert host is not None
    request = KeepServer(server=_server(slot, label), folder=str(folder / label))
    reply: dict[str, object] = host.call(request, ANSWER_SECONDS)
    return reply


def _give_up(file: ServiceFile, makings: Sequence[_Making]) -> None:
    """Let others create the slots that this process has claimed but not created."""
    with suppress(CtestError), file.locked():
        service = file.read()
        if service is not None:
            given_up = []
            for making in makings:
                current = service.slot(making.slot.number)
                if current is not None and current.maker == making.slot.maker:
                    given_up.append(replace(current, maker=""))
            if given_up:
                file.write(service.with_slots(given_up))
        in_use = {slot.folder for slot in service.slots} if service is not None else set()
        for making in makings:
            if str(making.folder) not in in_use:
                remove_folder(making.folder)
