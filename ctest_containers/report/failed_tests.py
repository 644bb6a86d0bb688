"""The words for what a run does with failed tests."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from ctest_containers.events import FailedTestsChosen, RerunsEnded, RerunStarted
from ctest_containers.text import listing, plural

SHOWN = 3
"""How many tests a line names."""


def lines_on_failed(
    event: FailedTestsChosen | RerunStarted | RerunsEnded,
) -> Iterator[tuple[int, str]]:
    """Sentences, each with its `logging` level."""
    match event:
        case FailedTestsChosen(failed=failed, only=only, gone=gone):
            verb = "Running only" if only else "Running first"
            yield logging.INFO, f"{verb} {plural(failed, 'test')} that failed in the last run."
            if gone:
                verb = "exists" if gone == 1 else "exist"
                yield logging.INFO, f"{gone} that failed no longer {verb}."
        case RerunStarted(attempt=attempt, attempts=attempts):
            names = listing([*event.fixtures, *event.tests], SHOWN)
            yield logging.INFO, f"Failed, running again: {names} (attempt {attempt} of {attempts})."
        case RerunsEnded(flaky=flaky) if flaky:
            verb = "are" if len(flaky) > 1 else "is"
            yield (
                logging.WARNING,
                f"{listing(flaky, SHOWN)} {verb} flaky: failed, and passed in another attempt.",
            )
        case RerunsEnded():
            pass
