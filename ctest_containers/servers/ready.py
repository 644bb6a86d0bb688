"""Waits until a server that is starting answers queries."""

from __future__ import annotations

import time

from ctest_containers.backends import Backend, NotReadyError, ServerInfo
from ctest_containers.clock import Deadline
from ctest_containers.engine import Container, Containers
from ctest_containers.errors import EngineError, EngineUnreachableError, ServerError
from ctest_containers.model import Address

POLL_SECONDS = 0.003
"""The time between two attempts to connect."""

EXECUTE_EVERY_SECONDS = 0.05
"""The time between two attempts to run a command in its container, which costs more."""

INSPECT_EVERY_SECONDS = 1.0
"""The time between two checks that its container still runs."""


def await_server(
    engine: Containers,
    backend: Backend,
    container: Container,
    address: Address,
    deadline: Deadline,
) -> ServerInfo:
    """Wait until a server answers, and set its password if the address has one.

    Returns:
        What the server says about itself.

    Raises:
        ServerError: The server ended, or did not answer in time.
        EngineUnreachableError: The engine no longer answers.
    """
    inspected = time.monotonic()
    has_password = not address.password
    reason = "nothing listens yet"
    while not deadline.passed:
        try:
            if not has_password:
                command, text = backend.password_statement(address.password)
                engine.execute(container, command, text)
                has_password = True
            return backend.probe(address)
        except NotReadyError as error:
            reason = str(error)
        except EngineUnreachableError:
            raise
        except EngineError as error:
            reason = error.message
            time.sleep(EXECUTE_EVERY_SECONDS)
        if time.monotonic() - inspected > INSPECT_EVERY_SECONDS:
            inspected = time.monotonic()
            state = engine.state(container)
            if not state.running:
                raise ServerError(
                    f"The server {container.name} ended with exit code {state.exit_code} while "
                    f"starting. Its last lines:\n{state.log}"
                )
        time.sleep(POLL_SECONDS)
    raise ServerError(
        f"The server {container.name} did not answer within {deadline.seconds:g} seconds: "
        f"{reason}. Its last lines:\n{engine.state(container).log}",
        "Give it more time with --server-timeout.",
    )
