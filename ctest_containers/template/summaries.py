"""Keeps the summaries of templates' databases, because reading them again takes time."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ctest_containers.backends.schema import Period
from ctest_containers.storage import KEPT_DAYS, replace_text
from ctest_containers.template.identity import ProjectTemplate
from ctest_containers.template.stored import SUMMARIES, StoredTemplate, note_of
from ctest_containers.text import DAY_SECONDS


def read_summaries(cache: Path, stored: StoredTemplate) -> dict[str, Any] | None:
    """Return the summaries of a template's databases as JSON data, by their first aliases.

    Returns:
        None if there are none, or if the template has been built again since.
    """
    file = _file(cache, stored)
    with suppress(OSError, ValueError, KeyError, TypeError):
        facts = json.loads(file.read_text(encoding="utf-8"))
        if facts["created"] == stored.created:
            file.touch()
            return dict(facts["databases"])
    return None


def keep_summaries(cache: Path, stored: StoredTemplate, summaries: Mapping[str, Any]) -> None:
    """Remember the summaries of a template's databases; ignore a file that cannot be written.

    Summaries that have not been used for a long time are removed: their templates may be gone.
    """
    facts = {"created": stored.created, "databases": dict(summaries)}
    file, oldest = _file(cache, stored), time.time() - KEPT_DAYS * DAY_SECONDS
    with suppress(OSError):
        replace_text(file, json.dumps(facts, separators=(",", ":")))
        for other in file.parent.iterdir():
            if other.stat().st_mtime < oldest:
                other.unlink(missing_ok=True)


def period_of(template: ProjectTemplate, stored: StoredTemplate) -> Period | None:
    """Return when the build of a template used clocks; None if it did not."""
    if not template.clocks:
        return None
    # Engines report the creation of images in whole seconds.
    moments = (max(moment for _, moment in template.clocks), stored.created + 1.0)
    begin, end = (
        datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f")
        for moment in moments
    )
    return Period(begin=begin, end=end)


def _file(cache: Path, stored: StoredTemplate) -> Path:
    return note_of(cache, SUMMARIES, stored.project, stored.group, stored.fingerprint)
