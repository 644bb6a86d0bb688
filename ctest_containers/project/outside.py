"""What decides the contents of databases from outside the folders of migrations."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final

from ctest_containers.fingerprint import Input
from ctest_containers.project.hooks import command_code
from ctest_containers.project.migration_reads import Reads, reads
from ctest_containers.project.migrations import MigrationsPackage
from ctest_containers.project.own_code import OwnCode, readable

FORMAT: Final = r"\.(?:json|jsonl|xml|ya?ml)(?:\.(?:gz|zip|bz2|lzma|xz))?"
"""How names of fixtures end; they may have the alias of a database before it.

https://docs.djangoproject.com/en/5.2/topics/db/fixtures/#how-fixtures-are-discovered
"""


@dataclass(slots=True)
class Outside:
    """Reads what is used from outside, each module and each folder once."""

    _code: OwnCode = field(default_factory=OwnCode)
    _listings: dict[Path, list[str]] = field(default_factory=dict)

    def used_by(self, path: str, text: bytes, package: MigrationsPackage, app: Any) -> list[Input]:
        """What a migration of an app uses, each with its text.

        Args:
            path: That of the migration in its package.
        """
        found = reads(text, ".".join([package.name, *PurePosixPath(path).parent.parts]))
        if found == Reads():
            return []
        names = found.names.union(*map(command_code, found.commands))
        inside = f"{package.name}."
        return [
            *(one for one in self.inputs(names) if not f"{one.name}.".startswith(inside)),
            *self._loaded(found.fixtures),
            *_opened(found.files, package, app),
        ]

    def inputs(self, names: Iterable[str]) -> list[Input]:
        """The code that has these dotted names, by the modules that it is in."""
        return [Input.of(module, text) for module, text in self._code.texts(names).items()]

    def _loaded(self, words: Iterable[str]) -> Iterator[Input]:
        """The fixtures that `loaddata` may find under some words, wherever they are."""
        from django.apps import apps
        from django.conf import settings

        places = [(app.label, Path(app.path, "fixtures")) for app in apps.get_app_configs()]
        places += [(f"FIXTURE_DIRS {n}", Path(one)) for n, one in enumerate(settings.FIXTURE_DIRS)]
        for word in sorted(words):
            *parents, last = word.split("/")
            name = re.sub(f"{FORMAT}$", "", last)
            fixture = re.compile(rf"{re.escape(name)}(?:\.\w+)?{FORMAT}")
            for place, folder in places if name and parents[:1] != [""] else ():
                for one in filter(fixture.fullmatch, self._listing(folder.joinpath(*parents))):
                    file = folder.joinpath(*parents, one)
                    yield from _input("/".join([place, *parents, one]), file)

    def _listing(self, folder: Path) -> list[str]:
        """The names of what is in a folder, if it is one."""
        if folder not in self._listings:
            # Any text may be asked for; it may be too long for a name, or lead where nobody may.
            with suppress(OSError, ValueError):
                self._listings[folder] = sorted(one.name for one in folder.iterdir())
        return self._listings.setdefault(folder, [])


def _opened(words: Iterable[str], package: MigrationsPackage, app: Any) -> Iterator[Input]:
    """The files of these names, seen from the migrations, their app, or the current folder."""
    starts = (
        (f"{app.label}/migrations", package.folder),
        (app.label, Path(app.path)),
        ("", Path.cwd()),
    )
    for word in sorted(words):
        for start, folder in starts:
            # The current folder may be any, so what has no folder of its own is not from there.
            if not word.startswith("/") and (start or "/" in word):
                file = readable(f"{folder}/{word}")
                # What is in the package is an input by itself.
                if file is not None and package.folder.resolve() not in file.resolve().parents:
                    yield from _input(posixpath.normpath(f"{start}/{word}").lstrip("/"), file)


def _input(name: str, file: Path) -> Iterator[Input]:
    # What cannot be read, the migration cannot read either.
    with suppress(OSError):
        yield Input.of(name, file.read_bytes())
