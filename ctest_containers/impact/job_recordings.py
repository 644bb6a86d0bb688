"""Joins what several jobs have recorded of the tests that they shared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ctest_containers.impact.update import merge_inputs
from ctest_containers.usage.merging import joined
from ctest_containers.usage.recording import Recording, Run
from ctest_containers.usage.store import RecordingFile


def add_recordings(timings: Path, logs: Sequence[Path], *, is_whole: bool) -> list[str]:
    """Add the recordings beside event logs to the one beside a file of timings.

    Args:
        logs: The event logs of the jobs.
        is_whole: Whether these are all jobs of the run, and each has ended.

    Returns:
        What went wrong, as sentences.
    """
    problems, parts = [], []
    for log in logs:
        part, problem = RecordingFile.beside(log).read()
        problems.append(problem)
        if part.run.id:
            parts.append(part)
    if parts:
        file, is_whole = RecordingFile.beside(timings), is_whole and len(parts) == len(logs)
        problems.append(add_parts(file, parts, is_whole=is_whole))
    return [problem for problem in problems if problem]


def add_parts(file: RecordingFile, parts: Sequence[Recording], *, is_whole: bool) -> str:
    """Add what several jobs or processes of one run have recorded, and return a warning or "".

    Args:
        is_whole: Whether these are all jobs of the run, and each has ended.
    """
    whole = _of_one_run(parts, is_whole=is_whole)
    # Each job has computed the inputs of what its recording follows, too.
    return file.update(lambda before: replace(joined(before, whole), inputs=whole.inputs))


def _of_one_run(parts: Sequence[Recording], *, is_whole: bool) -> Recording:
    """Return what jobs have recorded, as if they were processes of one run."""
    run = Run(parts[0].run.id, min(part.run.at for part in parts))
    first, *others = (replace(part, run=run, runs=dict.fromkeys(part.runs, run)) for part in parts)
    for other in others:
        inputs = merge_inputs(first.inputs, other.inputs)
        first = replace(joined(first, other), inputs=inputs)
    return replace(first, is_complete=first.is_complete and is_whole)
