"""Names what differs between two sets of inputs of a fingerprint."""

from __future__ import annotations

from collections.abc import Mapping


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """A phrase for each input that was added, removed or changed."""
    phrases = [f"added: {name}" for name in now if name not in before]
    phrases += [f"removed: {name}" for name in before if name not in now]
    return phrases + [
        f"changed: {name}" for name in now if name in before and before[name] != now[name]
    ]
