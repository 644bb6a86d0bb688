"""Shows watch mode: on one screen of a terminal, or as lines where there is none."""

from __future__ import annotations

import os
import sys
import termios
import time
import tty
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ctest_containers.report.record import Status
from ctest_containers.text import plural, without_controls
from ctest_containers.watching.failures import failures_of, last_line
from ctest_containers.watching.round import Round, State
from ctest_containers.watching.view import Display, View

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

KEYS: Final = (
    ("a", "all"),
    ("f", "failed"),
    ("↑↓", "choose"),
    ("o", "open"),
    ("l", "last output"),
    ("q", "quit"),
)

ARROWS: Final = {"\x1b[A": "up", "\x1b[B": "down", "\x1bOA": "up", "\x1bOB": "down", "\r": "\n"}

SLOW_SECONDS: Final = 2.0
"""After how many seconds a running test is named."""

ERROR_LINES: Final = 12
"""How many lines of the error are shown for which the project cannot be loaded."""


def display_of_terminal() -> Display:
    """Return the display for this process's terminal."""
    if sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        return Screen()
    return Lines()


class Lines:
    """Prints a line when something begins or ends."""

    def __init__(self) -> None:
        self._shown: set[object] = set()
        self._load_error = ""

    def start(self) -> None:
        """See `Display`."""

    def stop(self) -> None:
        """See `Display`."""

    def page(self, text: str) -> None:
        """See `Display`."""
        _print(text)

    def pressed(self) -> Sequence[str]:
        """See `Display`."""
        return ()

    def fileno(self) -> int | None:
        """See `Display`."""
        return None

    def show(self, view: View) -> None:
        """See `Display`."""
        if view.note:
            self._say("note", view.note)
        if view.load_error != self._load_error:
            self._load_error = view.load_error
            if view.load_error:
                _print(f"The project cannot be loaded.\n{view.load_error.rstrip()}")
        current = view.round
        if current is None:
            return
        if view.builder is not None:
            self._say((view.builder.number, "builds"), building(view.builder))
        key = current.number
        self._say((key, "began"), f"Running {current.selection.reason}.")
        for failure in failures_of(current.record):
            self._say((key, failure.name), f"FAILED {failure.name}: {failure.message}")
        if view.run_error and not view.is_loading:
            self._say((key, view.run_error), view.run_error)
        elif current.has_run or current.why_nothing:
            self._say((key, "ended"), f"{summary(view)} ({times(current)})")

    def _say(self, key: object, text: str) -> None:
        if key not in self._shown:
            self._shown.add(key)
            _print(text)


class Screen:
    """Draws one calm screen, and reads keys."""

    def __init__(self) -> None:
        self._live: Live | None = None
        self._before: list[Any] = []
        self._drawn = ""

    def start(self) -> None:
        """See `Display`."""
        from rich.console import Console
        from rich.live import Live

        self._before = termios.tcgetattr(0)
        # What has been typed meanwhile is not discarded.
        tty.setcbreak(0, termios.TCSADRAIN)
        self._live = Live(console=Console(), screen=True, auto_refresh=False)
        self._live.start()

    def stop(self) -> None:
        """See `Display`."""
        if self._live is not None:
            self._live.stop()
            self._live = None
            termios.tcsetattr(0, termios.TCSADRAIN, self._before)

    def page(self, text: str) -> None:
        """See `Display`."""
        import pydoc

        self.stop()
        pydoc.pager(without_controls(text) or "Nothing was printed.")
        self.start()
        self._drawn = ""

    def pressed(self) -> Sequence[str]:
        """See `Display`."""
        typed = os.read(0, 64).decode(errors="replace")
        return [ARROWS[typed]] if typed in ARROWS else [*typed]

    def fileno(self) -> int | None:
        """See `Display`."""
        return 0

    def show(self, view: View) -> None:
        """See `Display`."""
        assert self._live is not None
        picture = self._picture(view)
        if picture.markup != self._drawn:
            self._drawn = picture.markup
            self._live.update(picture, refresh=True)

    def _picture(self, view: View) -> Text:
        from rich.text import Text

        assert self._live is not None
        console = self._live.console
        lines = [
            line
            for each in (*_head(view), Text(), *_body(view))
            for line in [_cut(each, console.width)]
        ]
        del lines[max(0, console.height - 2) :]
        lines += [Text()] * (console.height - 1 - len(lines))
        keys = [part for key, what in KEYS for part in ((key, "bold"), f" {what}   ")]
        lines.append(_cut(Text.assemble(*keys), console.width))
        return Text("\n").join(lines)


def _cut(line: Text, width: int) -> Text:
    line.truncate(width, overflow="ellipsis")
    return line


def _head(view: View) -> Iterator[Text]:
    from rich.text import Text

    current = view.round
    if view.load_error:
        yield Text("✗ The project cannot be loaded", "bold red")
        yield Text(last_line(view.load_error))
        return
    if view.is_loading or current is None:
        yield Text("● Loading…", "bold cyan")
        return
    if view.run_error:
        yield Text("✗ The tests cannot be run", "bold red")
        yield Text(view.run_error)
        return
    if current.state is State.RUNNING:
        yield Text(f"● {_progress(current)}", "bold cyan")
    else:
        style = "bold red" if view.failures else "bold green"
        yield Text(f"{'✗' if view.failures else '✓'} {summary(view)}", style)
    yield Text(f"{current.selection.reason} · {times(current)}".rstrip(" ·"), "dim")
    if view.builder is not None:
        yield Text(building(view.builder), "cyan")
    if view.note:
        yield Text(view.note, "yellow")


def _progress(current: Round) -> str:
    if current.found is None or not current.finished:
        return _last_note(current) or "Running…"
    return f"Running {current.finished} of {plural(len(current.found), 'test')}"


def _last_note(of: Round) -> str:
    notes = [text for _, _, text in of.record.notes]
    return without_controls(notes[-1]) if notes else ""


def building(builder: Round) -> str:
    """Return what a round does that only builds a template, in words."""
    return f"In the background: {_last_note(builder)}"


def _body(view: View) -> Iterator[Text]:
    from rich.text import Text

    if view.load_error:
        for line in _own_lines(view.load_error)[-ERROR_LINES:]:
            yield Text(f"  {without_controls(line)}")
        return
    for number, failure in enumerate(view.failures):
        is_chosen = number == view.chosen
        yield Text(
            f"{'>' if is_chosen else ' '} {failure.name}", "bold red" if is_chosen else "red"
        )
        yield Text(f"    {without_controls(failure.message)}")
        if failure.place:
            yield Text(f"    {failure.place}", "dim")
    current = view.round
    if current is not None and current.state is State.RUNNING:
        for test in current.record.tests.values():
            seconds = time.monotonic() - current.began - test.started
            if test.worker and test.status is Status.NOT_RUN and seconds > SLOW_SECONDS:
                yield Text(f"  running for {seconds:.0f} s: {test.place.test_id}", "yellow")


def _own_lines(error: str) -> list[str]:
    """Return the lines of a traceback from the last line of the project's own code on."""
    here = f"{Path.cwd()}{os.sep}"
    lines = error.rstrip().splitlines()
    own = [number for number, line in enumerate(lines) if line.startswith(f'  File "{here}')]
    return [line.replace(here, "") for line in lines[own[-1] if own else 0 :]]


def summary(view: View) -> str:
    """Return the outcome of the last round in words."""
    current = view.round
    assert current is not None
    if current.why_nothing:
        return current.why_nothing
    ran = sum(test.status is not Status.NOT_RUN for test in current.record.tests.values())
    if view.failures:
        return f"{len(view.failures)} failed, {plural(ran, 'test')} run"
    return f"{plural(ran, 'test')} passed"


def times(current: Round) -> str:
    """Return how long a round took, in words."""
    parts = []
    if current.first_result is not None:
        parts.append(f"first result after {current.first_result:.2f} s")
    if current.state is not State.RUNNING:
        parts.append(f"{current.seconds:.1f} s")
    return " · ".join(parts)


def _print(text: str) -> None:
    sys.stdout.write(f"{without_controls(text) if chr(10) not in text else text}\n")
    sys.stdout.flush()
