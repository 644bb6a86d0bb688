"""The status of a service, according to the engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ctest_containers.engine import Container
from ctest_containers.errors import EngineError, EngineUnreachableError
from ctest_containers.service.state import Service, Slot, SlotState
from ctest_containers.template.stored import age


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotStatus:
    """The status of a slot.

    Attributes:
        up: Whether all its databases are available.
        trouble: What is wrong if they are not.
        templates: The templates that it was created from, as `list` of templates shows them.
        made: When it was created, in seconds since 1970; 0 if never.
        leased_by: The process that leased it; None if it is released by hand, or is free.
        since: When the lease began, in seconds since 1970; None if it is not leased.
    """

    slot: int
    state: str
    up: bool
    trouble: str
    templates: tuple[str, ...]
    containers: tuple[str, ...]
    made: float
    leased_by: int | None
    since: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    """The status of a service."""

    service: str
    project: str
    slots: tuple[SlotStatus, ...]

    @property
    def is_up(self) -> bool:
        """Whether all slots are up."""
        return all(slot.up for slot in self.slots)

    def as_json(self) -> dict[str, Any]:
        """Return the status for programs."""
        return {"version": 1, "up": self.is_up, **asdict(self)}


def look_at(service: Service) -> ServiceStatus:
    """Query the engine about every slot.

    Raises:
        EngineUnreachableError: The engine does not answer.
    """
    running = _running(service)
    return ServiceStatus(
        service=service.name,
        project=service.project,
        slots=tuple(_status(slot, running) for slot in service.slots),
    )


def as_lines(status: ServiceStatus) -> Iterator[str]:
    """Yield the status as lines for people."""
    yield f"The service {status.service!r} of the project {status.project!r}:"
    for slot in status.slots:
        made = f", {age(slot.made)} old" if slot.made else ""
        lease = ""
        if slot.since is not None:
            who = "by hand" if slot.leased_by is None else f"by process {slot.leased_by}"
            lease = f" {who} for {age(slot.since)}"
        yield f"  slot {slot.slot}: {'up' if slot.up else 'not up'}{made}, {slot.state}{lease}"
        for template in slot.templates:
            yield f"    from the template {template}"
        if slot.trouble:
            yield f"    {slot.trouble}"
    if not status.is_up:
        yield "Run python -m ctest_containers service up to start the slots that are not up."


def _running(service: Service) -> dict[str, str]:
    """Return what is wrong with each container of the service; an empty string if nothing is."""
    names = [server.container for slot in service.slots for server in slot.servers]
    if not names:
        return {}
    from ctest_containers.engine.docker import DockerEngine

    engine = DockerEngine()
    troubles = {}
    for name in names:
        try:
            state = engine.state(Container(id=name, name=name))
            works = state.running and not state.paused
            troubles[name] = "" if works else f"The server {name} {state}"
        except EngineUnreachableError:
            raise
        except EngineError:
            troubles[name] = f"The server {name} no longer exists."
    return troubles


def _status(slot: Slot, running: dict[str, str]) -> SlotStatus:
    state = slot.state
    troubles = [running[server.container] for server in slot.servers]
    if state in {SlotState.MAKING, SlotState.UNMADE}:
        troubles = [f"It is {state.value}."]
    files = [
        str(lease.settings["NAME"]) for lease in slot.leases().values() if lease.address is None
    ]
    troubles += [f"The file {name} no longer exists." for name in files if not Path(name).is_file()]
    texts = [trouble for trouble in troubles if trouble]
    sources = slot.recipe.sources if slot.recipe is not None else ()
    holder = slot.lease.holder if slot.lease is not None else ""
    return SlotStatus(
        slot=slot.number,
        state=state.value,
        up=slot.ready and not texts,
        trouble="\n    ".join(texts),
        templates=tuple(f"{source.group.label}:{source.fingerprint[:12]}" for source in sources),
        containers=tuple(server.container for server in slot.servers),
        made=slot.made,
        leased_by=int(holder.split("/")[3]) if holder else None,
        since=slot.lease.since if slot.lease is not None else None,
    )
