"""`scripts/pictures`: the pictures in the README and the documentation, from a real run.

The example project runs a few times, so that it has a template and timings. The product draws its
live view from the event log of the last run, and makes the page that is opened in Chromium.
"""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ctest_containers.events import TestFinished, TestStarted
from ctest_containers.history.lines import Entry
from ctest_containers.history.store import read
from ctest_containers.report import page
from ctest_containers.report.live import LiveReport
from ctest_containers.report.output import WorkerOutput
from ctest_containers.report.recording import Recording, record_of
from harness.projects import copy_of
from harness.svg import svg_of
from harness.terminal import CTRL_D, MOVES, at_terminal
from harness.walkthrough import blocks, environment_for, make_bookshop, run_line, write_file
from harness.watch_pictures import HOME, watch_pictures

PICTURES: Final = Path(__file__).resolve().parents[2] / "docs" / "pictures"
CHROMIUM: Final = "/usr/bin/chromium"

ARGUMENTS: Final = ("--parallel", "4")

PAGE: Final = "failed.md"
"""The page whose first failure is opened."""

QUERY: Final = "SELECT title, author_id FROM library_book;"
"""What is typed into the database's client."""

PSQL: Final = "test_bookshop=# "
"""The prompt of PostgreSQL's client."""

ON_POSTGRESQL: Final = """
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "bookshop"}}
"""

CLOSING: Final = """\
from django.conf import settings
from django.test import TestCase


class ClosingTests(TestCase):
    def test_the_shop_can_be_closed(self):
        settings.SHOP_MAINTENANCE = True
"""
"""A test that leaves a changed setting behind, for a hunt."""

HUNTED: Final = "MaintenanceTests.test_the_shop_is_open_by_default"

TYPED: Final = 'p list(self.cart.lines.values_list("variant__sku", "quantity"))'
"""What is typed into the debugger."""

COLUMNS: Final = 124
"""Wide enough for the names of containers."""


class Picture(LiveReport):
    """The live view at one moment of a run, instead of a moving one."""

    def _draw(self, at: float) -> None:
        self._mark_slow(at)

    def as_svg(self, at: float) -> str:
        """What a terminal shows at a moment, in seconds since the run began."""
        from rich.console import Console
        from rich.text import Text

        console = Console(
            record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="256"
        )
        console.print(Text(f"$ python -m ctest_containers {' '.join(ARGUMENTS)}", "bold"))
        for line in [*self.said, *self._above]:
            console.print(line, soft_wrap=True, highlight=False)
        console.print(self._picture(at))
        return svg_of(console, "live")

    said: list[str]
    """What was said before anything moved."""


def live_view(entries: Sequence[Entry], share: float) -> str:
    """The live view as an SVG, at the moment when a share of the tests has ended."""
    from rich.console import Console

    recording = Recording()
    with tempfile.TemporaryDirectory() as folder:
        output = WorkerOutput()
        output.keep_in(Path(folder))
        said: list[str] = []
        picture = Picture(
            recording.run,
            console=Console(file=io.StringIO(), width=COLUMNS, force_terminal=True),
            say=lambda text, level: said.extend([text] if level >= logging.INFO else []),
            output=output,
            slow_seconds=10.0,
        )
        picture.said = said
        left = share * sum(isinstance(event, TestFinished) for _, event in entries)
        for at, event in entries:
            recording.handle(event, at)
            picture.handle(event, at)
            left -= isinstance(event, TestFinished)
            if left <= 0 and isinstance(event, TestStarted):
                break
        svg = picture.as_svg(at)
        picture.stop()
    return svg


def debugger(folder: Path) -> str:
    """A failing test of the example project in the debugger, as an SVG."""
    from rich.console import Console
    from rich.text import Text

    project = copy_of("shop", folder)
    services = project / "cart" / "services.py"
    broken = services.read_text().replace("line.quantity += quantity", "line.quantity = quantity")
    services.write_text(broken)
    env = {
        **os.environ,
        "PYTHONPATH": str(PICTURES.parents[1]),
        "SHOP_DB": "sqlite",
        "TERM": "dumb",
        "XDG_CACHE_HOME": str(folder / "cache"),
    }
    with at_terminal(project, "--pdb", "cart", env=env) as program:
        program.see("(Pdb) ")
        program.type(TYPED)
        program.see("(Pdb) ")
        shown = program.output.replace(str(project), HOME)
    console = Console(
        record=True, width=100, file=io.StringIO(), force_terminal=True, color_system="256"
    )
    console.print(Text("$ python -m ctest_containers --pdb", "bold"))
    console.print(Text(shown[shown.index("=" * 70) :].rstrip()), highlight=False, soft_wrap=True)
    return svg_of(console, "debugger")


def terminal_svg(command: str, shown: str, name: str) -> str:
    """What a terminal shows of a command, with its colours, as an SVG."""
    from rich.console import Console
    from rich.text import Text

    console = Console(
        record=True, width=100, file=io.StringIO(), force_terminal=True, color_system="256"
    )
    console.print(Text(f"$ python -m ctest_containers {command}", "bold"))
    text = MOVES.sub("", shown).replace("\r", "").strip()
    console.print(Text.from_ansi(text), highlight=False)
    return svg_of(console, name)


def opened(folder: Path) -> tuple[str, str]:
    """The failure of the page in the client of its database, and its differences, as SVGs."""
    env = environment_for(folder / "cache", {"TERM": "xterm-256color"})
    project = make_bookshop(folder, env)
    for language, block in blocks(PAGE):
        if language == "python":
            write_file(project, block)
        if language == "console":
            break
    if _has_engine():
        settings = project / "bookshop" / "settings.py"
        settings.write_text(settings.read_text() + ON_POSTGRESQL)
    run_line("python -m ctest_containers --keep-failed", project, env)
    with at_terminal(project, "open", env=env) as program:
        program.see("Ctrl-D discards")
        program.see(PSQL if _has_engine() else "sqlite> ")
        program.type(QUERY)
        program.see("(1 row)" if _has_engine() else "The Dispossessed")
        program.see(PSQL if _has_engine() else "sqlite> ")
        client = program.output
        program.finish(insisting=CTRL_D)
    with at_terminal(project, "open", "--diff", env=env) as program:
        differences = program.finish().output
    # From the beginning of the line, whose first characters make it bold.
    shown = differences[differences.rindex("\n", 0, differences.index("library_author")) + 1 :]
    return (
        terminal_svg("open", client.replace(str(project), "/home/you/bookshop"), "open"),
        terminal_svg("open --diff", "…\n" + shown, "diff"),
    )


def hunted(folder: Path) -> str:
    """The result of a hunt among the tests of the example project, as an SVG."""
    project = copy_of("shop", folder)
    (project / "accounts" / "tests" / "test_closing.py").write_text(CLOSING)
    env = environment_for(folder / "cache", {"SHOP_DB": "sqlite", "TERM": "xterm-256color"})
    done = run_line(f"python -m ctest_containers hunt {HUNTED} --parallel 4", project, env)
    shown = done.stdout[done.stdout.index("Hunting") :]
    return terminal_svg(f"hunt {HUNTED}", shown, "hunt")


def open_page(file: Path, target: Path) -> None:
    """The top of a run's page, as Chromium shows it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        view = browser.new_page(viewport={"width": 1100, "height": 672}, color_scheme="light")
        view.goto(file.as_uri())
        view.locator("#timeline canvas").first.wait_for()
        view.screenshot(path=target)
        browser.close()


def recorded_run(folder: Path) -> Path:
    """The event log of a run of the example project, with a template and known timings."""
    project, log = copy_of("shop", folder), folder / "run.jsonl"
    env = {
        **os.environ,
        "PYTHONPATH": str(PICTURES.parents[1]),
        "SHOP_DB": _server(),
        "XDG_CACHE_HOME": str(folder / "cache"),
    }
    command = [sys.executable, "-m", "ctest_containers", *ARGUMENTS, "--event-log", str(log)]
    for _ in range(3):
        log.unlink(missing_ok=True)
        subprocess.run(command, cwd=project, env=env, check=True)
    header, started, *rest = log.read_text().splitlines(keepends=True)
    shown = json.loads(started)
    # Not where this was made, but where a reader would run it.
    shown |= {"arguments": ARGUMENTS, "folder": HOME, "branch": "main"}
    shown["platform"] = "Linux"
    log.write_text("".join([header, json.dumps(shown) + "\n", *rest]))
    return log


def _server() -> str:
    return "postgresql" if _has_engine() else "sqlite"


def _has_engine() -> bool:
    done = subprocess.run(["docker", "version"], capture_output=True, check=False)
    return not done.returncode


def main() -> None:
    """Make all pictures."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        entries = read(recorded_run(folder))
        (PICTURES / "live.svg").write_text(live_view(entries, 0.6))
        (PICTURES / "debugger.svg").write_text(debugger(folder / "broken"))
        client, differences = opened(folder / "bookshop")
        (PICTURES / "open.svg").write_text(client)
        (PICTURES / "diff.svg").write_text(differences)
        (PICTURES / "hunt.svg").write_text(hunted(folder / "hunt"))
        for file, svg in watch_pictures(folder / "watch", _server()):
            (PICTURES / file).write_text(svg)
        html = folder / "run.html"
        html.write_text(page.render(record_of(entries)))
        open_page(html, PICTURES / "page.png")


if __name__ == "__main__":
    main()
