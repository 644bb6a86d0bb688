"""Runs generated projects, and checks what is selected for each change of them."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from harness.mutants.affected import Affected
from harness.mutants.model import Mutation
from harness.mutants.subjects import Subject
from harness.mutants.value_graphs import ValueGraph

SUBJECT = Subject(name="graph", settings="settings")


def missed_tests(graph: ValueGraph, changes: Iterable[ValueGraph], home: Path) -> list[set[str]]:
    """The affected tests that were not selected for each change.

    Args:
        home: An empty folder.

    Raises:
        RuntimeError: If nothing could be selected.
    """
    expected = graph.values()
    selector = Affected(SUBJECT, Path(sys.executable))
    _write(graph.files(expected), home / "project")
    selector.prepare(home)
    missed = []
    for changed in changes:
        _write(changed.files(expected), home / "project")
        selection = selector.selected(home, Mutation(kind="", path="", words="", text=""))
        if selection.tests is None:
            raise RuntimeError(selection.output)
        tests = graph.affected(changed)
        missed.append(set() if selection.is_everything else tests.difference(selection.tests))
    return missed


def _write(files: dict[str, str], folder: Path) -> None:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists() or file.read_text() != text:
            file.write_text(text)
