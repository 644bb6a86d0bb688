"""The inputs that count for all tests of a project, or for all in a folder."""

from __future__ import annotations

import platform
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from ctest_containers.impact.data_files import data_files
from ctest_containers.impact.environment import packages
from ctest_containers.impact.loaded import Loaded
from ctest_containers.recording.digests import Today, digest_of
from ctest_containers.recording.portable_paths import PortablePaths
from ctest_containers.recording.sources import Sources


@dataclass(frozen=True)
class Surroundings:
    """Computes these inputs; see `impact.today.Today` for its attributes."""

    paths: PortablePaths
    loaded: Loaded
    sources: Sources
    since: float | None

    def inputs(
        self, tests: Collection[str], conftests: Collection[str], *, with_data: bool
    ) -> dict[str, dict[str, str]]:
        """Return the digests of these inputs, by kind and name.

        Args:
            tests: The full names of the classes of tests.
            conftests: Names of more files of pytest.
            with_data: Whether the project's data files count.
        """
        files = {
            f"{name}/conftest.py".removeprefix("./")
            for module in {full.rpartition(".")[0] for full in tests}
            for name in self._folders_of(module)
        }
        look = self._digest
        found = {
            "python": {"": f"{platform.python_implementation()} {platform.python_version()}"},
            "packages": packages(),
            "compiled": {self.paths.name_of(file): look(file) for file in self.loaded.compiled},
            "conftests": {name: look(name) for name in sorted({*files, *conftests})},
            "migrations": self.migrations(),
        }
        return {**found, "data": self._data()} if with_data else found

    @property
    def _digest(self) -> Callable[[str], str]:
        return Today(self.paths, self.since).kinds()["files"]

    def _data(self) -> dict[str, str]:
        """The data files of the project, any of which its modules may read on import."""
        from django.conf import settings

        roots = [
            f"{self.paths.name_of(str(root))}/"
            for root in (settings.MEDIA_ROOT, settings.STATIC_ROOT)
            if root
        ]
        return {
            name: self._digest(name)
            for name in data_files(self.paths.project)
            if not name.startswith(tuple(roots))
        }

    def _folders_of(self, name: str) -> list[str]:
        """The names of the folders that a module is in, up to the checkout's."""
        module = self.sources.find(name)
        if module is None:
            return []
        checkout = Path(self.paths.checkout)
        folders = [
            folder
            for folder in module.file.parents
            if folder == checkout or checkout in folder.parents
        ]
        return [self.paths.name_of(str(folder)) for folder in folders]

    def migrations(self) -> dict[str, str]:
        """Return the digests of the files of migrations, by the names of their modules."""
        found: dict[str, str] = {}
        for name in self.loaded.migrations:
            package = self.sources.find(name)
            if package is not None and not package.is_installed:
                for file in sorted(package.file.parent.glob("*.py")):
                    found[f"{name}.{file.stem}"] = digest_of(file.read_bytes())
        return found
