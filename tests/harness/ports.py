"""Ports of the loopback address that nobody has."""

from __future__ import annotations

import socket
from contextlib import ExitStack


def free_ports(number: int, *, first: int = 0) -> list[int]:
    """So many different ports that are free now.

    Args:
        first: Where a row of ports begins; 0 for any.

    Raises:
        OSError: One of the row is not free.
    """
    with ExitStack() as undo:
        sockets = [undo.enter_context(socket.socket()) for _ in range(number)]
        for place, one in enumerate(sockets):
            one.bind(("127.0.0.1", first + place if first else 0))
        return [int(one.getsockname()[1]) for one in sockets]


def first_free_port(number: int) -> int:
    """The first of so many free ports in a row."""
    while True:
        (first,) = free_ports(1)
        try:
            return free_ports(number, first=first)[0]
        except (OSError, OverflowError):
            continue
