"""Pages that walk through a small project: their blocks of code, and the project itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from harness.projects import environment

ROOT: Final = Path(__file__).resolve().parents[2]

BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str) -> list[tuple[str, str]]:
    """Return the blocks of code of a page in `docs`, each with its language."""
    return [(match[1], match[2]) for match in BLOCK.finditer((ROOT / "docs" / page).read_text())]


def environment_for(cache: Path, variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a reader whose `python` is this one."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return environment(cache, {"PYTHONPATH": str(ROOT), "PATH": path, **(variables or {})})


def run_line(line: str, folder: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run what a reader types."""
    return subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )


def write_file(project: Path, block: str) -> None:
    """Write the file that the first line of a block names, if it names one."""
    name, _, text = block.removeprefix("# ").partition("\n")
    if name.endswith(".py"):
        (project / name).write_text(text)


def make_bookshop(folder: Path, env: Mapping[str, str]) -> Path:
    """Follow the tutorial until its first run, and return the folder of the project."""
    project = folder / "bookshop"
    lines = "".join(text for language, text in blocks("tutorial.md") if language == "bash")
    for line in lines.splitlines():
        if not line.startswith("django-admin") and "manage.py" not in line:
            continue
        done = run_line(line, project if project.exists() else folder, env)
        assert done.returncode == 0, done.stdout
        if "startapp" in line:
            for language, text in blocks("tutorial.md"):
                if language == "python":
                    write_file(project, text)
            settings = project / "bookshop" / "settings.py"
            settings.write_text(settings.read_text() + "INSTALLED_APPS += ['library']\n")
    return project
