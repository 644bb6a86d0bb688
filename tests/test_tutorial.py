"""The tutorials work as they are written, as far as they need no engine and no terminal."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from harness.walkthrough import blocks, environment_for, make_bookshop, run_line, write_file

PROMPT = "$ "
RUN = "python -m ctest_containers"
AS_AT_A_TERMINAL = {"CTEST_CONTAINERS_KEEP_FAILED": "3"}

VARYING = re.compile(
    r"\b[0-9a-f]{12}|\b[0-9a-f]{8}\b|\d+\.\d+|/\S+/bookshop|\d+ (workers|cores?|KiB)|\d+/\d+"
)
"""What differs between two runs: digests, times, folders, sizes."""


def _lines(output: str) -> list[str]:
    """The lines that two runs share, without the order in which tests end.

    From Python 3.13 on, a line below a line of code marks the call that failed.
    """
    text = re.sub(r"^[.F]{3,}$", "dots", VARYING.sub("…", output), flags=re.MULTILINE)
    return [
        re.sub(" +", " ", line).rstrip()
        for line in text.splitlines()
        if re.fullmatch(r" *[~^]+", line) is None
    ]


def test_every_step_on_sqlite_does_what_the_tutorial_shows(tmp_path: Path) -> None:
    env = environment_for(tmp_path / "cache", AS_AT_A_TERMINAL)
    project = make_bookshop(tmp_path, env)

    first, second = run_line(RUN, project, env), run_line(RUN, project, env)
    tests = project / "library" / "tests.py"
    tests.write_text(tests.read_text().replace("count(), 0)", "count(), 1)"))
    third = run_line(RUN, project, env)

    prompt = f"{PROMPT}{RUN}\n"
    console = [text for language, text in blocks("tutorial.md") if language == "console"]
    shown = [block.removeprefix(prompt) for block in console if block.startswith(prompt)]
    for done, output in zip((first, second, third), shown, strict=False):
        assert Counter(_lines(done.stdout)) == Counter(_lines(output)), done.stdout
    assert [first.returncode, second.returncode, third.returncode] == [0, 0, 1]


def test_every_step_after_a_failure_does_what_its_page_shows(tmp_path: Path) -> None:
    env = environment_for(tmp_path / "cache", AS_AT_A_TERMINAL)
    project = make_bookshop(tmp_path, env)

    steps = 0
    for language, block in blocks("failed.md"):
        if language == "python":
            write_file(project, block)
        if language != "console":
            continue
        command, _, output = block.removeprefix(PROMPT).partition("\n")
        printed = run_line(command, project, env).stdout
        rest = iter(_lines(printed))
        missing = [line for line in _lines(output) if line not in {"…", ""} and line not in rest]
        assert missing == [], f"{command}\n{printed}"
        steps += 1

    assert steps > 10
