"""What decides the contents of databases from outside the folders of migrations."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ctest_containers.fingerprint import Input
from ctest_containers.project.migration_reads import reads
from ctest_containers.project.migrations import MigrationsPackage
from ctest_containers.project.own_code import is_own, text_of


@dataclass(slots=True)
class Outside:
    """Modules by their names, and files by names that are the same in every checkout.

    What a module imports in turn is not looked into.
    """

    modules: set[str] = field(default_factory=set)
    _files: dict[str, Path] = field(default_factory=dict)

    def add(self, text: bytes, package: MigrationsPackage, app: Any) -> None:
        """Take in what a migration of an app uses, as far as its text tells."""
        found = reads(text, package.name)
        self.modules |= found.modules
        if not found.files:
            return
        starts = (
            ("", Path.cwd()),
            (app.label, Path(app.path)),
            (f"{app.label}/migrations", package.folder),
        )
        for name in sorted(found.files):
            if ".." not in name:
                self._files.update(_fixtures(name))
            for start, folder in starts if "." in name else ():
                file = folder.resolve() / name
                # What is in the package is an input by itself.
                if file.is_file() and package.folder.resolve() not in file.resolve().parents:
                    self._files[posixpath.normpath(posixpath.join(start, name))] = file

    def inputs(self) -> Iterator[Input]:
        """An input for each that there is, in the order of their names."""
        for module in sorted(filter(is_own, self.modules)):
            if (text := text_of(module)) is not None:
                yield Input.of(f"module {module}", text)
        for name in sorted(self._files):
            yield Input.of(f"data {name}", self._files[name].read_bytes())


def _fixtures(name: str) -> Iterator[tuple[str, Path]]:
    """The files that `loaddata` may find under a name, with or without an end such as `.json`."""
    from django.apps import apps
    from django.conf import settings

    folders = [
        (f"{app.label}/fixtures", Path(app.path, "fixtures")) for app in apps.get_app_configs()
    ]
    folders += [(Path(one).name, Path(one)) for one in settings.FIXTURE_DIRS]
    *parents, last = name.split("/")
    for start, folder in folders:
        within = folder.joinpath(*parents)
        for file in within.iterdir() if within.is_dir() else ():
            if file.name.partition(".")[0] == last.partition(".")[0] and file.is_file():
                yield posixpath.normpath("/".join([start, *parents, file.name])), file
