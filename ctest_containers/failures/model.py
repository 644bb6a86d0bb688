"""A kept failure."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import asdict, dataclass
from typing import Any, Final

from ctest_containers.codec import build
from ctest_containers.model import DatabaseGroup

FIXTURE: Final = re.compile(r"\w+ \((?P<owner>[\w.]+)\)$")
"""How unittest names a failure of `setUpClass` or `setUpModule`."""

PYTEST_SEPARATOR: Final = "::"
"""Is in each of pytest's names of tests, and in no other."""

FORMAT: Final = 1
"""The version of `failure.json`; it changes when older versions cannot read a newer file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptDatabases:
    """The databases of one group, which share a server and a template.

    Attributes:
        plan: The group: its databases, aliases and roles, as the run planned them.
        fingerprint: The fingerprint of the template that the test's databases came from.
        key: The key of that template. Two builds of the same code may have different fingerprints,
            because one of them found loaded what the other had to load, but have the same key.
        image: The name of the template's image; empty for SQLite.
        image_id: The id of that image; files only fit the very image they were taken from.
        file: The member of the failure's folder with what lies above the template: a compressed
            archive of files of the server's data folder. Empty for SQLite.
        files: For SQLite, the member with the database of each alias that creates one.
        notes: What a reader must know, as sentences: rows that the server had already discarded.
        pending: The rows of transactions that had not been committed, which are applied after the
            server has started: for each database, the JSON of `rows.to_json`, as one JSON object.
        rows: The member with all rows that differ from the template, in the same format, which
            fits every template with the same key; empty if there is none.
    """

    plan: DatabaseGroup
    fingerprint: str
    key: str = ""
    image: str = ""
    image_id: str = ""
    file: str = ""
    files: dict[str, str] | None = None
    notes: tuple[str, ...] = ()
    pending: str = ""
    rows: str = ""

    @property
    def group(self) -> str:
        """The label of the group: `postgresql`, `sqlite-2`."""
        return self.plan.label

    @property
    def members(self) -> tuple[str, ...]:
        """The files that belong to it, in the failure's folder."""
        return tuple(filter(None, (self.file, self.rows, *(self.files or {}).values())))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFailure:
    """A failure of a test whose databases are kept.

    Attributes:
        name: Its own name: the run's id and a number.
        project: The project's name.
        run: The id of the run.
        test_id: The test's name; for a fixture, what unittest calls it: `setUpClass (shop.Tests)`.
        kept_at: When it was kept, in seconds since the epoch.
        headline: The type and the first line of the message of its exception.
        text: The traceback, as in the report.
        file: The file in the project in which it failed, relative to `folder`; empty if unknown.
        line: The line in that file.
        source: The lines around it, as they were then.
        first_line: The number of the first of these lines.
        folder: The folder in which the run was started.
        settings: The settings module of the run; empty if settings were configured otherwise.
        revision: The git revision of the working tree; empty if unknown.
        seconds: How long keeping it took.
    """

    name: str
    project: str
    run: str
    test_id: str
    kept_at: float
    headline: str
    text: str
    databases: tuple[KeptDatabases, ...]
    file: str = ""
    line: int = 0
    source: tuple[str, ...] = ()
    first_line: int = 0
    folder: str = ""
    settings: str = ""
    revision: str = ""
    seconds: float = 0.0

    @property
    def again(self) -> str:
        """The command that repeats the failure."""
        return repeat_command(self.test_id)

    def to_json(self) -> str:
        """Return the failure as text."""
        return json.dumps({"format": FORMAT, **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> KeptFailure:
        """Return the failure that `to_json` returned as text.

        Raises:
            ValueError: The text is not one, or of a later version.
        """
        try:
            values: dict[str, Any] = json.loads(text)
            if values.pop("format") != FORMAT:
                raise ValueError("it was kept by another version of the toolkit")
            failure: KeptFailure = build(cls, values)
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"it is not a kept failure ({error})") from error
        return failure


def repeat_command(test_id: str) -> str:
    """Return the command that repeats the failure of a test."""
    if PYTEST_SEPARATOR in test_id:
        return f"pytest --ctest --ctest-keep-failed 3 {shlex.quote(test_id)}"
    return f"python -m ctest_containers run {label_of(test_id)} --keep-failed"


def label_of(test_id: str) -> str:
    """Return the label that makes `run` run a test, or the tests of a fixture's class or module."""
    fixture = FIXTURE.match(test_id)
    return fixture["owner"] if fixture else test_id
