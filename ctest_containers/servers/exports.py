"""Archives what a server has changed since it started."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ctest_containers.backends.api import DATA_FOLDER
from ctest_containers.engine import ContainerEngine
from ctest_containers.errors import EngineError
from ctest_containers.model import Address, Vendor
from ctest_containers.rows import DatabaseLocation, apply, difference, from_json, to_json
from ctest_containers.servers.requests import ExportChanges
from ctest_containers.servers.running_server import RunningServer


def export_changes(
    engine: ContainerEngine, server: RunningServer, request: ExportChanges
) -> dict[str, Any]:
    """Archive the changes of a server, and return the answer to the request.

    Raises:
        EngineError: The engine refuses, or the archive cannot be written.
        ServerError: The server does not answer.
    """
    in_flight = server.backend.prepare_copy(server.address, request.databases)
    pending = _uncommitted(server, request.databases) if in_flight.lacks_rows else ""
    file = Path(request.file)
    try:
        size = engine.export_changes(
            server.container,
            DATA_FOLDER,
            file,
            always=server.backend.always_kept,
            edit=in_flight.edit,
        )
    except OSError as error:
        file.unlink(missing_ok=True)
        raise EngineError(f"{file} cannot be written: {error}.") from error
    except EngineError:
        file.unlink(missing_ok=True)
        raise
    return {
        "size": size,
        "image_id": engine.image_id(server.request.image),
        "pending": pending,
        "notes": list(in_flight.notes),
    }


def complete_copy(vendor: Vendor, address: Address, pending: str) -> None:
    """Add the rows that an archive lacks to a server that was started from it.

    Args:
        pending: As in the answer to `ExportChanges`.
    """
    for name, text in json.loads(pending).items():
        apply(from_json(text), DatabaseLocation(vendor=vendor, name=name, address=address))


def _uncommitted(server: RunningServer, databases: Sequence[str]) -> str:
    """Return the rows that no transaction has committed yet, by database, as JSON."""
    pending = {}
    for name in databases:
        here = DatabaseLocation(vendor=server.backend.vendor, name=name, address=server.address)
        if changes := difference(here, here, uncommitted=True):
            pending[name] = to_json(changes)
    return json.dumps(pending) if pending else ""
