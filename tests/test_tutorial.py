"""The tutorial works as it is written, as far as it needs no engine."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from harness.projects import environment

ROOT = Path(__file__).resolve().parents[1]
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text()

PROGRAMS = {"django-admin": ("-m", "django"), "python": ()}
RUN = ("-m", "ctest_containers")


def _blocks(language: str) -> list[str]:
    """The contents of the tutorial's blocks of code in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TUTORIAL, re.MULTILINE | re.DOTALL)


def _comparable(output: str) -> Counter[str]:
    """The lines that two runs share: not times and digests, nor the order in which tests end."""
    text = re.sub(r"[0-9a-f]{12}|\d+\.\d+|/\S+/bookshop|\d+ (workers|cores?)", "…", output)
    return Counter(re.sub(r"^[.F]{3}$", "dots", text, flags=re.MULTILINE).splitlines())


def test_every_step_on_sqlite_does_what_the_tutorial_shows(tmp_path: Path) -> None:
    env = environment(tmp_path / "cache", {"PYTHONPATH": str(ROOT)})
    project = tmp_path / "bookshop"

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=project if project.exists() else tmp_path,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=60,
        )

    for line in "".join(_blocks("bash")).splitlines():
        program, *arguments = line.split()
        if program == "django-admin" or "manage.py" in arguments:
            done = run(*PROGRAMS[program], *arguments)
            assert done.returncode == 0, done.stdout
        if "startapp" in arguments:
            for block in _blocks("python"):
                name, _, body = block.removeprefix("# ").partition("\n")
                if name.endswith(".py"):
                    (project / name).write_text(body)
            settings = project / "bookshop" / "settings.py"
            settings.write_text(settings.read_text() + "INSTALLED_APPS += ['library']\n")

    first, second = run(*RUN), run(*RUN)
    tests = project / "library" / "tests.py"
    tests.write_text(tests.read_text().replace("count(), 0)", "count(), 1)"))
    third = run(*RUN)

    prompt = "$ python -m ctest_containers\n"
    shown = [block.removeprefix(prompt) for block in _blocks("console") if block.startswith(prompt)]
    for done, output in zip((first, second, third), shown, strict=False):
        assert _comparable(done.stdout) == _comparable(output), done.stdout
    assert [first.returncode, second.returncode, third.returncode] == [0, 0, 1]
