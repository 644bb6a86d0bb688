"""How much memory is free."""

from __future__ import annotations

import psutil


def available_bytes() -> int | None:
    """Memory that new processes can use without swapping; None when the system does not tell."""
    try:
        return int(psutil.virtual_memory().available)
    except (psutil.Error, OSError):
        return None
