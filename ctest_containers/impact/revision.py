"""Finds what differs between a revision in Git and the working tree, without a checkout."""

from __future__ import annotations

import fnmatch
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ctest_containers.errors import UsageError
from ctest_containers.impact.changes import OF_ALL, Changes, named_in, unattributed
from ctest_containers.impact.data_files import is_data_file
from ctest_containers.impact.environment import template_files
from ctest_containers.impact.graph import Graph
from ctest_containers.impact.imports import added_imports, dropped_imports
from ctest_containers.impact.inputs import Inputs
from ctest_containers.impact.nodes import CALLS, IMPORT, MIGRATIONS, SETTING, reached
from ctest_containers.impact.relations import label_of, model_of, table_of
from ctest_containers.impact.today import Today
from ctest_containers.project.git import git, listed_names
from ctest_containers.recording.digests import MISSING, digest_of
from ctest_containers.recording.locations import locate
from ctest_containers.recording.module import Module
from ctest_containers.recording.sources import Definition, Sources

ADDED, DELETED, MODIFIED = "A", "D", "M"

COMPILED: Final = (".so", ".pyd")


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision in Git.

    Attributes:
        name: As the user calls it.
        commit: The hash of its commit.
        root: The folder of the working tree.
        files: What has become of the files that differ, by their resolved paths: `ADDED`, `DELETED`
            or `MODIFIED`.
    """

    name: str
    commit: str
    root: Path
    files: Mapping[str, str]

    @classmethod
    def find(cls, name: str, folder: Path) -> Revision:
        """Return a revision of the repository that a folder is in.

        Raises:
            UsageError: There is no such revision, or no repository.
        """
        top = git(folder, "rev-parse", "--show-toplevel")
        if top is None:
            raise UsageError(
                f"--affected {name}: {folder} is not in a Git repository, or Git is not installed.",
                "Without a revision, --affected compares with the last recording of the tests.",
            )
        commit = git(
            folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
        )
        if commit is None:
            raise UsageError(
                f"--affected {name}: no such revision in Git.",
                f"If {name!r} is a label, write it first. A shallow clone lacks older revisions.",
            )
        root, hash_ = Path(os.fsdecode(top).rstrip("\n")), commit.decode().strip()
        listed = listed_names(git(root, "diff", "--name-status", "--no-renames", "-z", hash_, "--"))
        files = {
            os.path.realpath(root / file): MODIFIED if status not in {ADDED, DELETED} else status
            for status, file in zip(listed[::2], listed[1::2], strict=True)
        }
        untracked = listed_names(git(root, "ls-files", "--others", "--exclude-standard", "-z"))
        # A file may have been removed from the index, but not from the folder.
        for file in untracked:
            path = os.path.realpath(root / file)
            files[path] = MODIFIED if files.get(path) == DELETED else ADDED
        return cls(name, hash_, root, files)

    def text(self, path: str) -> bytes | None:
        """Return the content of a file in the revision; None if it is not in there."""
        name = os.path.relpath(path, os.path.realpath(self.root))
        return git(self.root, "cat-file", "blob", f"{self.commit}:{name}")


class SourcesThen(Sources):
    """The modules of a revision.

    Args:
        now: Those of the working tree.
    """

    def __init__(self, revision: Revision, now: Sources) -> None:
        super().__init__()
        self._revision = revision
        self._now = now
        self._then: dict[str, Module | None] = {}

    def find(self, name: str) -> Module | None:
        """See `Sources`."""
        if self.asked is not None:
            self.asked.add(name)
        if name not in self._then:
            self._then[name] = self._find(name)
        return self._then[name]

    def _find(self, name: str) -> Module | None:
        file = locate(name)
        status = None if file is None else self._revision.files.get(os.path.realpath(file))
        if file is not None and status is None:
            return self._now.find(name)
        if file is not None and status == MODIFIED:
            return self._read(name, str(file))
        return next((self._read(name, path) for path in self._removed(name)), None)

    def _read(self, name: str, path: str) -> Module | None:
        text = self._revision.text(os.path.realpath(path))
        if text is None:
            return None
        file = Path(path)
        package = name if file.name == "__init__.py" else name.rpartition(".")[0]
        return Module(name, package, file, text, is_installed=False)

    def _removed(self, name: str) -> Iterator[str]:
        """Yield the paths of files that are gone, and had the module with this name."""
        relative = name.replace(".", "/")
        for folder in sys.path:
            for end in ("/__init__.py", ".py"):
                path = os.path.realpath(Path(folder or ".") / f"{relative}{end}")
                if self._revision.files.get(path) == DELETED:
                    yield path


def changes_from(revision: Revision, recorded: Inputs, today: Today) -> Changes:
    """Return what differs in the working tree from a revision."""
    then_sources = SourcesThen(revision, today.sources)
    now = today.graph(recorded)
    then = Graph(
        then_sources, now.hints, now.modules, recorded=recorded.nodes, states=recorded.states
    )
    effects = {(name, IMPORT) for name in today.loaded.modules if now.has_effects(name)}
    loaded = today.loaded
    models = {
        kind for map_ in (loaded.tables, loaded.models) for kinds in map_.values() for kind in kinds
    }
    wanted = {kind for kind in {*recorded.nodes, *effects, *models} if kind[0]}
    now.add(wanted)
    then.add(wanted)
    definitions = {
        definition
        for definition in wanted
        if now.nodes[definition].digest != then.nodes[definition].digest
    }
    everything = [
        f"{name} is imported now" for name, _ in sorted((effects & definitions) - recorded.base)
    ]
    everything += [
        f"the compiled module {today.paths.name_of(path)} changed"
        for path in revision.files
        if path.endswith(COMPILED)
    ]
    everything += [
        OF_ALL["data"].format(name)
        for name in map(today.paths.name_of, revision.files)
        if "data" in recorded.others and is_data_file(name) and not name.startswith(("../", "/"))
    ]
    everything += added_imports(then.nodes, now.nodes, now.has_effects)
    everything += dropped_imports(
        then.nodes, now.nodes, lambda name: name not in loaded.modules and then.has_effects(name)
    )
    migrations = [*_migrations(revision, today)]
    everything += _unlike_recording(migrations, revision, recorded)
    others = {
        kind: frozenset(name for name in digests if _differs(kind, name, revision, today))
        for kind, digests in recorded.others.items()
        if kind in _KINDS
    }
    # Which relations of a changed model are as they were is not known.
    related = {
        key
        for key, relations in loaded.relations.items()
        if any(model_of(relation) in definitions for relation in relations)
    }
    settings = frozenset(_settings(then, now, today))
    everything += unattributed(settings, named_in(today))
    definitions |= {("", SETTING + name) for name in settings}
    definitions |= {MIGRATIONS} if migrations else set()
    return Changes(
        everything=tuple(everything),
        definitions=frozenset(definitions),
        # A model may be new, or refer to another table.
        tables=frozenset(t for t, kinds in loaded.tables.items() if kinds & definitions)
        | {table_of(key) for key in related},
        labels=frozenset(label for label, kinds in loaded.models.items() if kinds & definitions)
        | {label_of(key) for key in related},
        others={**others, "settings": settings},
        conftests=frozenset(
            today.paths.name_of(path)
            for path in revision.files
            if os.path.basename(path) == "conftest.py"  # noqa: PTH119
        ),
    )


def _settings(then: Graph, now: Graph, today: Today) -> Iterator[str]:
    """Yield the settings whose values may differ: what their modules compute them from does."""
    modules = [then.sources.find(module) for module in today.loaded.hints.settings]
    removed = {name for module in modules if module for name in module.nodes if name.isupper()}
    for name in today.loaded.settings | removed:
        starts: set[Definition] = {
            (module, name + end)
            for module in today.loaded.hints.settings
            for end in ("", CALLS)
            if any(
                found is not None and name in found.nodes
                for found in (now.sources.find(module), then.sources.find(module))
            )
        }
        now.add(starts)
        then.add(starts)
        nodes = {*reached(now.nodes, starts, ()), *reached(then.nodes, starts, ())}
        both = [(now.nodes.get(node), then.nodes.get(node)) for node in nodes]
        if any(
            first is None or second is None or first.digest != second.digest
            for first, second in both
        ):
            yield name


def _migrations(revision: Revision, today: Today) -> Iterator[tuple[str, str]]:
    """Yield the migrations that differ, and the paths of their files."""
    for package in today.loaded.migrations:
        module = today.sources.find(package)
        if module is None:
            continue
        folder = os.path.realpath(module.file.parent)
        for path in revision.files:
            if os.path.dirname(path) == folder and path.endswith(".py"):  # noqa: PTH120
                yield f"{package}.{Path(path).stem}", path


def _unlike_recording(
    migrations: Iterable[tuple[str, str]], revision: Revision, recorded: Inputs
) -> Iterator[str]:
    """Yield migrations that the recording does not have as the revision has them.

    If it has all of them, the databases of both are the same.
    """
    before = recorded.others.get("migrations", {})
    for name, path in migrations:
        text = None if revision.files[path] == ADDED else revision.text(path)
        then = MISSING if text is None else digest_of(text)
        if before.get(name, MISSING) != then:
            yield f"the migration {name} differs from {revision.name} and from the recording"


def _differs(kind: str, name: str, revision: Revision, today: Today) -> bool:
    return _KINDS[kind](name, revision, today)


def _file(name: str, revision: Revision, today: Today) -> bool:
    return any(os.path.realpath(path) in revision.files for path in today.paths.paths_of(name))


def _folder(name: str, revision: Revision, today: Today) -> bool:
    return _matches(f"{name}/*", revision, today)


def _matches(name: str, revision: Revision, today: Today) -> bool:
    start, _, pattern = name.rpartition("/")
    folders = [f"{os.path.realpath(path)}/" for path in today.paths.paths_of(start or "/")]
    return any(
        fnmatch.fnmatch(path.removeprefix(folder).partition("/")[0], pattern)
        for path in _added_or_deleted(revision)
        for folder in folders
        if path.startswith(folder)
    )


def _path(name: str, revision: Revision, today: Today) -> bool:
    paths = [os.path.realpath(path) for path in today.paths.paths_of(name)]
    return any(
        path == other or other.startswith(f"{path}/")
        for other in _added_or_deleted(revision)
        for path in paths
    )


def _template(name: str, revision: Revision, today: Today) -> bool:  # noqa: ARG001
    return any(os.path.realpath(path) in revision.files for path in template_files(name))


def _added_or_deleted(revision: Revision) -> Iterator[str]:
    return (path for path, status in revision.files.items() if status != MODIFIED)


_KINDS: Final[Mapping[str, Callable[[str, Revision, Today], bool]]] = {
    "files": _file,
    "folders": _folder,
    "matches": _matches,
    "paths": _path,
    "templates": _template,
}
