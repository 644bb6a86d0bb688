"""The client of a database's vendor on this terminal, from the server's own container."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from contextlib import closing, suppress
from importlib import import_module
from pathlib import Path
from typing import Final

from ctest_containers.backends import BACKENDS
from ctest_containers.engine import Container
from ctest_containers.opening.databases import OpenDatabase
from ctest_containers.service.command import run_command

PYTHON_WITH_CLIENT: Final = (3, 12)
"""From this version on, `python -m sqlite3` is a client."""


def run_client(database: OpenDatabase) -> int:
    """Run a database's client on this process's terminal, and return its exit code.

    Raises:
        EngineError: The engine does not answer, or the container has ended.
    """
    lease = database.lease
    if lease.address is None:
        return _run_sqlite(Path(lease.settings["NAME"]))
    from ctest_containers.engine.terminal import DockerTerminal

    client = BACKENDS[lease.vendor].client(
        lease.address, lease.settings["USER"], lease.settings["NAME"]
    )
    return DockerTerminal().run(
        Container(id=database.container, name=database.container),
        client.command,
        {**client.environment, "TERM": os.environ.get("TERM", "xterm")},
    )


def _run_sqlite(file: Path) -> int:
    if shutil.which("sqlite3") is not None:
        return run_command(["sqlite3", str(file)], os.environ)
    if sys.version_info >= PYTHON_WITH_CLIENT:
        return run_command([sys.executable, "-m", "sqlite3", str(file)], os.environ)
    return _converse(file)


def _converse(file: Path) -> int:
    """Run the statements that are typed, until the input ends."""
    with suppress(ImportError):
        # Lets `input` edit lines.
        import_module("readline")
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        statement = ""
        while True:
            try:
                statement += input("   ...> " if statement else "sqlite> ") + "\n"
            except EOFError:
                sys.stdout.write("\n")
                return 0
            except KeyboardInterrupt:
                sys.stdout.write("\n")
                statement = ""
                continue
            if not sqlite3.complete_statement(statement) and statement.strip():
                continue
            try:
                for row in connection.execute(statement):
                    values = ("" if value is None else str(value) for value in row)
                    sys.stdout.write(f"{'|'.join(values)}\n")
            except sqlite3.Error as error:
                sys.stdout.write(f"Error: {error}\n")
            statement = ""
