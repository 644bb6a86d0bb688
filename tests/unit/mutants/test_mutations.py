"""Mutations are changes that a person could make: files that can be read, each changed once."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from harness.mutants.file_mutations import mutations
from harness.mutants.model import KINDS, Mutation, applied
from harness.mutants.python_mutations import python_mutations
from harness.mutants.subjects import SUBJECTS, Subject
from harness.mutants.truths import sampled
from harness.projects import PROJECTS, copy_of

(REACH,) = (subject for subject in SUBJECTS if subject.name == "reach")


def words_of(code: str, kind: str = "") -> dict[str, list[str]]:
    """The words of all mutations of a module, by kind."""
    words: dict[str, list[str]] = {}
    for mutation in python_mutations("m.py", code.encode(), kind):
        words.setdefault(mutation.kind, []).append(mutation.words)
    return words


def all_of(subject: Subject) -> list[Mutation]:
    return list(mutations(subject.contents(PROJECTS / subject.name), subject.settings_path))


def test_what_a_function_does_is_changed_in_many_ways() -> None:
    code = 'def total(price):\n    if price < 10:\n        return price + 1\n    log("dear")\n'

    assert words_of(code) == {
        "constants": ["1: `def total(price): if price < 10: return price +...` → `pass`"],
        "functions": [
            "2: `if price < 10: return price + 1` → `pass`",
            "2: `price < 10` → `(price <= 10)`",
            "2: `10` → `(11)`",
            "3: `return price + 1` → `return None`",
            "3: `price + 1` → `(price - 1)`",
            "3: `1` → `(2)`",
            '4: `log("dear")` → `pass`',
            "4: `\"dear\"` → `'dearx'`",
        ],
    }


def test_kinds_follow_from_where_the_code_is() -> None:
    code = "import os\nLIMIT = 1\nclass A:\n    size = 2\n    def test_it(self):\n        f(3)\n"

    words = words_of(code)

    assert words["imports"] == ["1: `import os` → `pass`", "1: `import os` → `os = None`"]
    assert words["constants"][:2] == ["2: `LIMIT = 1` → `pass`", "2: `1` → `(2)`"]
    assert words["classes"][:2] == ["4: `size = 2` → `pass`", "4: `2` → `(3)`"]
    assert words["tests"] == ["6: `f(3)` → `pass`", "6: `3` → `(4)`"]
    assert set(words_of("LIMIT = 1\n", "settings")) == {"settings"}


def test_every_mutation_of_code_is_valid() -> None:
    contents = REACH.contents(PROJECTS / "reach")

    for mutation in all_of(REACH):
        if mutation.path.endswith(".py") and mutation.text is not None:
            before = contents.get(mutation.path, b"")
            begin, end = mutation.span or (0, len(before))
            ast.parse(before[:begin] + mutation.text.encode() + before[end:])


def test_a_project_has_mutations_of_every_kind() -> None:
    assert {mutation.kind for mutation in all_of(REACH)} == {*KINDS}


def test_the_same_seed_gives_the_same_mutations() -> None:
    folder = PROJECTS / "reach"

    first, second = sampled(REACH, folder, 55, seed=1), sampled(REACH, folder, 55, seed=1)

    assert first == second
    assert first != sampled(REACH, folder, 55, seed=2)
    assert sampled(REACH, folder, 12, seed=1) == first[:12]
    assert [mutation.kind for mutation in first] == [*KINDS] * 5


@pytest.mark.parametrize("kind", KINDS)
def test_a_project_is_as_before_after_a_mutation(kind: str, tmp_path: Path) -> None:
    project = copy_of("reach", tmp_path)
    before = files(project)

    for mutation in sampled(REACH, project, 10, seed=3, kinds=[kind]):
        with applied(mutation, project):
            assert files(project) != before

        assert files(project) == before


def files(project: Path) -> dict[Path, bytes | None]:
    return {path: path.read_bytes() if path.is_file() else None for path in project.rglob("*")}
