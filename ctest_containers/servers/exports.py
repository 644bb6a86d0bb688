"""Archives what a server has changed since it started."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ctest_containers.backends.api import DATA_FOLDER
from ctest_containers.engine import ContainerEngine
from ctest_containers.errors import EngineError
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
        "pending": in_flight.pending,
        "notes": list(in_flight.notes),
    }
