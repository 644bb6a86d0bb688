"""The recording of a project's tests: what they use, and which of them run whatever has changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ctest_containers.usage.units import Units


@dataclass(frozen=True, slots=True)
class Run:
    """A run that has recorded units.

    Attributes:
        id: The id of the run; several processes may share it.
        at: When it began, in UTC and ISO 8601, so that times can be compared as texts.
    """

    id: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """The usage of the tests of a project, or only of those of one run.

    Attributes:
        run: The last run that added to it.
        follows: The id of the run before it, if its marks were computed from what was recorded by
            then, so that both can be joined.
        is_complete: Whether that run has run all tests of the project, so that what earlier runs
            have recorded does not count any longer.
        units: By the name of the unit; `functions` are replaced with `definitions`.
        runs: The last run that recorded each unit.
        marks: Why a test runs whatever has changed, by its id: it failed, did not end, or something
            that it uses changed, and it has not run since.
        inputs: What the units refer to, with digests; JSON data that only `impact` reads.
    """

    run: Run = Run()
    follows: str = ""
    is_complete: bool = False
    units: Units = field(default_factory=Units)
    runs: Mapping[str, Run] = field(default_factory=dict)
    marks: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
