"""Runs what stands for modules that cannot be imported."""

from __future__ import annotations

import unittest
from collections.abc import Callable, Sequence
from pathlib import Path

from ctest_containers.events import Event, RerunsEnded
from ctest_containers.project.suite import Batch
from ctest_containers.supply.parent import PARENT
from ctest_containers.workers.recorder import RecordingResult


def run_placeholders(
    batches: Sequence[Batch], report: Callable[[Event], None], folder: Path, *, reruns: bool
) -> list[Batch]:
    """Run the placeholders of modules that cannot be imported, and return the other batches.

    Such a placeholder raises the ImportError, which often cannot be pickled; that needs no worker.

    Args:
        folder: Where the run was started; files are named relative to it.
        reruns: Whether failed tests run again, which these don't.
    """
    rest = []
    for batch in batches:
        if not isinstance(batch.tests[0], unittest.loader._FailedTest):  # type: ignore[attr-defined]
            rest.append(batch)
            continue
        pairs = zip(batch.tests, batch.indices, strict=True)
        result = RecordingResult(
            send=report,
            worker=PARENT,
            indices={id(test): index for test, index in pairs},
            folder=folder,
        )
        unittest.TestSuite(batch.tests).run(result)
        if reruns:
            # Importing the module again would fail again.
            names, indices = tuple(test.id() for test in batch.tests), tuple(batch.indices)
            report(RerunsEnded(attempts=1, indices=indices, failed=names))
    return rest
