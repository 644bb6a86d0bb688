"""The screens of watch mode in the order in which a user may see them."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from harness.projects import copy_of, wait_for
from harness.svg import svg_of
from harness.tmux import COLUMNS, on_screen
from harness.walkthrough import environment_for

HOME: Final = "/home/you/shop"
"""Where a reader would have the example project."""

CODE: Final = "cart/services.py"

MODELS: Final = "cart/models.py"

MIGRATION: Final = "accounts/migrations/0013_user_nickname.py"

NICKNAME: Final = """\
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0012_add_loyalty_points_constraint")]
    operations = [
        migrations.AddField("user", "nickname", models.CharField(max_length=50, default="")),
    ]
"""


def screens(folder: Path, server: str) -> Iterator[tuple[str, str]]:
    """Yield what the screen shows, with the name of each picture.

    Args:
        server: The kind of server of the example project.
    """
    project = copy_of("shop", folder)
    env = environment_for(folder / "cache", {"SHOP_DB": server, "TERM": "xterm-256color"})
    # With bytecode, as people have it.
    del env["PYTHONDONTWRITEBYTECODE"]
    command = [sys.executable, "-m", "ctest_containers", "watch", "--parallel", "2"]
    code = project / CODE
    text = code.read_text()
    with on_screen(command, project, env) as screen:
        yield "loading", screen.see("Loading")
        yield "passed", screen.see("tests passed")
        wait_for(lambda: [*(folder / "cache").rglob("*.usage")], 60, "the recording of the tests")
        code.write_text(text.replace("line.quantity += quantity", "line.quantity = quantity"))
        yield "running", screen.see(r"Running \d+ of (?!663)")
        yield "failed", screen.see(" failed, ")
        screen.press("o")
        yield "opened", screen.see("Traceback")
        screen.press("q")
        screen.see("last output")
        models, loadable = project / MODELS, (project / MODELS).read_text()
        models.write_text(loadable.replace("class Cart(", "class Cart"))
        yield "syntax", screen.see("SyntaxError")
        code.write_text(text)
        models.write_text(loadable)
        screen.see(" passed")
        (project / MIGRATION).write_text(NICKNAME)
        yield "building", screen.see("Building the template")
        screen.press("q")


def picture_of(screen: str, name: str) -> str:
    """Return what a screen shows as an SVG."""
    from rich.console import Console
    from rich.text import Text

    console = Console(
        record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="256"
    )
    console.print(Text.from_ansi(screen), highlight=False, no_wrap=True)
    return svg_of(console, f"watch-{name}")


def watch_pictures(folder: Path, server: str) -> Iterator[tuple[str, str]]:
    """Yield the pictures of watch mode as SVGs, each with the name of its file."""
    for name, screen in screens(folder, server):
        shown = screen.replace(str(folder / "shop"), HOME)
        yield f"watch-{name}.svg", picture_of(shown, name)
