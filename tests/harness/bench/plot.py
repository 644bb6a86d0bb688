"""A growth as a picture: an SVG that needs nothing but itself."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final
from xml.sax.saxutils import escape

from ctest_containers.text import plural
from harness.bench.results import CaseResult, Figure
from harness.bench.spread import spread
from harness.bench.table import shown_seconds

WIDTH, HEIGHT, MARGIN = 320, 240, 56
"""Of one panel and of the space around it, in pixels."""

COLOURS: Final = {"set-up": "#1b6ca8", "wall": "#222222", "overhead": "#c8553d"}

STYLE: Final = "text{font:11px sans-serif;fill:#333}.axis{stroke:#999;fill:none}"


def svg(case: CaseResult) -> str:
    """A panel for each axis; both scales are logarithmic, bars go from the least to the most."""
    axes = list(dict.fromkeys(figure.name for figure in case.figures))
    width, height = len(axes) * (WIDTH + MARGIN) + MARGIN, HEIGHT + 2 * MARGIN + 16
    noisy = "NOISY: " if case.noise.trouble else ""
    title = f"{noisy}{case.name} on {case.on}, {plural(int(case.options['rounds']), 'round')}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">',
        f"<style>{STYLE}</style>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="{MARGIN}" y="20" font-weight="bold">{escape(title)}</text>',
    ]
    for place, axis in enumerate(axes):
        figures = [figure for figure in case.figures if figure.name == axis]
        left = MARGIN + place * (WIDTH + MARGIN)
        parts += [f'<g transform="translate({left} {MARGIN})">', *_panel(axis, figures), "</g>"]
    return "\n".join([*parts, "</svg>", ""])


def _panel(axis: str, figures: Sequence[Figure]) -> Iterator[str]:
    points = sorted({int(figure.at[axis]) for figure in figures})
    across = _Scale(min(points), max(points), 0, WIDTH - 20)
    values = [max(value, 1e-3) for figure in figures for value in figure.values]
    up = _Scale(min(values), max(values), HEIGHT, 0)
    yield f'<path class="axis" d="M0 0V{HEIGHT}H{WIDTH - 20}"/>'
    for point in points:
        x = across.of(point)
        yield f'<text x="{x:.1f}" y="{HEIGHT + 16}" text-anchor="middle">{point}</text>'
    for value in up.ticks():
        y = up.of(value)
        yield f'<path class="axis" d="M-4 {y:.1f}h4"/>'
        yield f'<text x="-7" y="{y + 4:.1f}" text-anchor="end">{shown_seconds(value)}</text>'
    yield f'<text x="{WIDTH / 2:g}" y="{HEIGHT + 34}" text-anchor="middle">{escape(axis)}</text>'
    for place, (measure, colour) in enumerate(COLOURS.items()):
        found = {
            int(one.at[axis]): spread([max(value, 1e-3) for value in one.values])
            for one in figures
            if one.measure == measure
        }
        line = [(across.of(point), up.of(one.median)) for point, one in sorted(found.items())]
        shown = " ".join(f"{x:.1f},{y:.1f}" for x, y in line)
        yield f'<polyline points="{shown}" fill="none" stroke="{colour}" stroke-width="2"/>'
        for point, one in found.items():
            x = across.of(point)
            low, high = up.of(one.least), up.of(one.most)
            yield f'<path d="M{x:.1f} {low:.1f}V{high:.1f}" stroke="{colour}"/>'
            yield f'<circle cx="{x:.1f}" cy="{up.of(one.median):.1f}" r="3" fill="{colour}"/>'
        y = HEIGHT + 50
        yield f'<text x="{place * 90}" y="{y}" style="fill:{colour}">{escape(measure)}</text>'


class _Scale:
    """Puts values on a line, by their logarithms."""

    def __init__(self, least: float, most: float, begin: float, end: float) -> None:
        self._least, self._most = least, most
        self._begin, self._end = begin, end

    def of(self, value: float) -> float:
        """Where a value is."""
        if self._least == self._most:
            return (self._begin + self._end) / 2
        share = math.log(value / self._least) / math.log(self._most / self._least)
        return self._begin + share * (self._end - self._begin)

    def ticks(self) -> list[float]:
        """Round values on it; the ends where there are fewer than two."""
        powers = range(math.floor(math.log10(self._least)), math.ceil(math.log10(self._most)) + 1)
        found = [factor * 10.0**power for power in powers for factor in (1, 2, 5)]
        inside = [one for one in found if self._least <= one <= self._most]
        return inside if len(inside) > 1 else sorted({self._least, self._most})
