"""Mutations of HTML templates and data files, and of which files there are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final

from harness.mutants.migration_mutations import added_migrations
from harness.mutants.model import Mutation
from harness.mutants.python_mutations import python_mutations

TEMPLATES: Final = (".html",)

DATA: Final = (".json", ".csv", ".tsv", ".xml", ".yaml", ".yml", ".txt", ".ldif", ".vcf", ".dat")

OVERRIDDEN: Final = (
    *("admin/base_site.html", "admin/change_form.html", "registration/login.html"),
    *("404.html", "base.html", "registration/logged_out.html"),
)
"""HTML templates of Django and of projects, which a project may override."""


def mutations(contents: Mapping[str, bytes], settings: str) -> Iterator[Mutation]:
    """All mutations of a project.

    Args:
        contents: The project's files, by their paths relative to its folder.
        settings: The path of the settings.
    """
    texts = {path: content.decode() for path, content in contents.items()}
    for path, content in sorted(contents.items()):
        file = PurePosixPath(path)
        if file.suffix == ".py":
            yield from python_mutations(path, content, _kind(file, settings))
        elif file.suffix in TEMPLATES:
            yield from _of_template(path, texts[path])
        elif file.suffix == ".json":
            yield from _of_json(path, texts[path])
        elif file.suffix in DATA:
            yield from _of_lines("fixtures", path, texts[path])
        if file.name not in ("__init__.py", "manage.py") and not file.name.startswith("test"):
            yield Mutation(kind="files", path=path, words="is removed", text=None)
    yield from added_migrations(texts, texts)
    yield from (added for added in _added_files(texts) if added.path not in texts)


def _kind(file: PurePosixPath, settings: str) -> str:
    """The kind of all mutations of a module; empty if it depends on what they change."""
    if str(file) == settings:
        return "settings"
    if file.parent.name == "migrations":
        return "migrations"
    return "urls" if file.stem == "urls" else ""


def _of_template(path: str, text: str) -> Iterator[Mutation]:
    for tag in re.finditer(r"\{%.*?%\}|\{\{.*?\}\}", text):
        yield _replaced("templates", path, text, tag.span(), "")
    for variable in re.finditer(r"(?<=\{\{ )[\w.]+", text):
        yield _replaced("templates", path, text, variable.span(), variable[0] + "_x")
    for word in re.finditer(r"(?<=>)[^<>{}]*?(\w+)[^<>{}]*?(?=[<{])", text):
        yield _replaced("templates", path, text, word.span(1), word[1] + "x")
    yield from _of_lines("templates", path, text)


def _of_json(path: str, text: str) -> Iterator[Mutation]:
    for value in re.finditer(r'(?<=: )"((?:[^"\\]|\\.)*)"|(?<=: )-?\d+(?:\.\d+)?', text):
        new = json.dumps(value[1] + "x") if value[1] is not None else value[0] + "1"
        yield _replaced("fixtures", path, text, value.span(), new)
    rows = json.loads(text)
    if isinstance(rows, list):
        for number in range(len(rows)):
            fewer = rows[:number] + rows[number + 1 :]
            words = f"without its object {number}"
            new = json.dumps(fewer, indent=2, ensure_ascii=False)
            yield Mutation(kind="fixtures", path=path, words=words, text=new)


def _of_lines(kind: str, path: str, text: str) -> Iterator[Mutation]:
    """Without each line, and for data with each word changed."""
    begin = 0
    for line in text.splitlines(keepends=True):
        if line.strip():
            yield _replaced(kind, path, text, (begin, begin + len(line)), "")
        for word in re.finditer(r"\w+", line) if kind == "fixtures" else ():
            span = begin + word.start(), begin + word.end()
            yield _replaced(kind, path, text, span, word[0] + "1")
        begin += len(line)


def _added_files(texts: Mapping[str, str]) -> Iterator[Mutation]:
    """Files that take precedence over others, or that are found in addition to others."""
    apps = sorted({str(PurePosixPath(path).parent) for path in texts if path.endswith("apps.py")})
    for app in apps:
        for name in OVERRIDDEN:
            yield _added(f"{app}/templates/{name}", "overridden {{ title }}")
        yield _added(f"{app}/management/commands/migrate.py", "raise ImportError('added')\n")
        yield _added(f"{app}/test_added.py", "import unittest\n")
    for path in sorted(texts):
        file = PurePosixPath(path)
        for folder in ("templates", "fixtures"):
            if folder in file.parts[:-1] and file.suffix in (*TEMPLATES, ".json"):
                name = "/".join(file.parts[file.parts.index(folder) + 1 :])
                for app in apps:
                    if not path.startswith(f"{app}/"):
                        new = "[]"
                        if folder == "templates":
                            new = texts[path].replace("<", "<b>added</b><", 1)
                        yield _added(f"{app}/{folder}/{name}", new)


def _added(path: str, text: str) -> Mutation:
    return Mutation(kind="files", path=path, words="is added", text=text)


def _replaced(kind: str, path: str, text: str, span: tuple[int, int], new: str) -> Mutation:
    begin, end = span
    line = text.count("\n", 0, begin) + 1
    encoded = len(text[:begin].encode()), len(text[:end].encode())
    old = " ".join(text[begin:end].split())
    words = f"{line}: `{old[:50]}` → `{new[:50]}`"
    return Mutation(kind=kind, path=path, words=words, text=new, span=encoded)
