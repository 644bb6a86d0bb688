"""Recognizes migrations that refer to nothing but Django, which most do, without parsing them."""

from __future__ import annotations

import re
from typing import Final

IMPORTS: Final = re.compile(
    rb"^(?:from django\.db(?:\.migrations|\.models)? import [\w, ]+"
    rb"|import django\.(?:contrib|core|db)(?:\.\w+)*)[ \t\r]*$",
    re.MULTILINE,
)
"""Imports of modules with neither settings nor clocks."""

REFERRING: Final = re.compile(
    # Non-ASCII identifiers may normalize to ASCII ones.
    rb"import|[^\x00-\x7f]|\b(?:conf|def|environ|getenv|lambda)\b"
    # Once a part of Django is imported, every other one can be reached.
    rb"|\bdjango\b(?!\.(?:contrib|core|db)\.)"
    # Names that the module itself binds.
    rb"|^(?!class |[#)\]}\s]|$).",
    re.MULTILINE,
)
"""Matches possible references to other modules, in a source without these imports."""


def is_plain(text: bytes) -> bool:
    """Whether the source of a module only defines classes that use Django and literals."""
    return REFERRING.search(IMPORTS.sub(b"", text)) is None
