"""What a terminal shows, as an SVG."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console

FORMAT: Final = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, monospace; \
font-size: {char_height}px; line-height: {line_height}px; white-space: pre }}
{styles}
</style>
<defs>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})">
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>
"""
"""Rich's own, without fonts that come from the internet."""


def svg_of(console: Console, name: str) -> str:
    """What a recording console shows, as an SVG whose classes begin with this name."""
    from rich.terminal_theme import MONOKAI

    made = console.export_svg(
        title="ctest_containers", theme=MONOKAI, code_format=FORMAT, unique_id=name
    )
    return re.sub(r"[ \t]*\n\s*", "\n", made)
