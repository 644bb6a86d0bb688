"""The table of options in docs/configuration.md; `scripts/docs --update` writes it."""

from __future__ import annotations

from dataclasses import Field, fields
from typing import Any, Final

from ctest_containers.config.model import Config
from ctest_containers.options.option import flag, setting, variable

HEADING: Final = (
    "| Option | Environment variable | In the setting `CTEST_CONTAINERS` | Default | Meaning |"
)


def _shown(row: Field[Any]) -> object:
    """A default as a user would write it; None if there is nothing to write."""
    default: Any = row.default if row.default is not None else row.metadata["shown"]
    if default in {"", (), None}:
        return None
    if isinstance(default, bool):
        return "yes" if default else "no"
    if row.metadata["metavar"] == "TIME":
        return f"{default / 86400:g}d"
    if row.metadata["metavar"] == "SIZE":
        gibibytes, rest = divmod(default, 2**30)
        return f"{default // 2**20}m" if rest else f"{gibibytes}g"
    return default


def table() -> str:
    """The whole table in Markdown, a part for each section, as the documentation shows it."""
    lines: list[str] = []
    section = ""
    for row in fields(Config):
        if row.metadata["section"] != section:
            section = row.metadata["section"]
            lines += [
                "",
                f"### {section.capitalize()}",
                "",
                HEADING,
                "| --- | --- | --- | --- | --- |",
            ]
        shown = _shown(row)
        default = "—" if shown is None else f"`{shown}`"
        cells = (
            f"`{flag(row)} {row.metadata['metavar']}".rstrip() + "`",
            f"`{variable(row)}`",
            f'`"{setting(row)}"`',
            default,
            row.metadata["meaning"],
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines[1:])
