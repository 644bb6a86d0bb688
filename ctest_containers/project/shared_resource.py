"""Something that all workers of a run would share, besides databases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

BY_FUNCTION: Final = "in a function that --worker-setup names"
"""How advice ends if only the project's own code can separate workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedResource:
    """Something besides databases that all workers of a run would share.

    Attributes:
        setting: Where it is configured, such as `CACHES['default']`.
        what: What is shared, in a sentence.
        separated: Whether `separate` gives each worker its own.
        advice: What to do if it does not, or about what remains shared; empty for nothing.
    """

    setting: str
    what: str
    separated: bool
    advice: str = ""
