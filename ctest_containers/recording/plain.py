"""Recognizes migrations that refer to nothing but Django, which most do, without parsing them."""

from __future__ import annotations

import re
from typing import Final

IMPORTS: Final = re.compile(
    rb"^(?:from django\.db(?:\.migrations|\.models)? import [\w, ]+"
    rb"|import django\.(?:contrib|core|db)(?:\.\w+)*)[ \t\r]*$",
    re.MULTILINE,
)
"""Imports of what has neither settings nor a clock."""

REFERRING: Final = re.compile(
    # Identifiers in other letters may be those in ASCII.
    rb"import|[^\x00-\x7f]|\b(?:conf|def|environ|getenv|lambda)\b"
    # Any part of Django can be reached once another one has been imported.
    rb"|\bdjango\b(?!\.(?:contrib|core|db)\.)"
    # What the module itself gives a name to.
    rb"|^(?!class |[#)\]}\s]|$).",
    re.MULTILINE,
)
"""What may refer to something else, in a text without such imports."""


def is_plain(text: bytes) -> bool:
    """Whether the text of a module defines classes that use nothing but Django and literals."""
    return REFERRING.search(IMPORTS.sub(b"", text)) is None
