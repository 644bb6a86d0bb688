"""Collects what the tests of a run use, for its recording."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Final

from ctest_containers.events import BatchFinished, Event, TestStarted, UsageRecorded, WorkerLost
from ctest_containers.history.last_failed import LastOutcomes, owners_of
from ctest_containers.usage.decoding import usage_of
from ctest_containers.usage.model import CLASS, MODULE, TEST, Usage
from ctest_containers.usage.packing import Packer
from ctest_containers.usage.receiving import SentNames
from ctest_containers.usage.recording import Recording, Run

FAILED: Final = "failed"
UNFINISHED: Final = "did not end"
UNRECORDED: Final = "was not recorded"
"""Why a test runs again, whatever has changed."""


class UsageReport:
    """Listens to the workers; of a test that runs again, the last attempt counts.

    Attributes:
        has_usage: Whether anything was recorded.
    """

    def __init__(self) -> None:
        self.has_usage = False
        self._packer = Packer()
        # By worker; None if events of its process are missing.
        self._names: dict[int, SentNames | None] = {}
        self._started: set[str] = set()
        # The last test of each worker, whose events may not be complete yet.
        self._latest: dict[int, list[tuple[SentNames, UsageRecorded]]] = {}
        self._others: dict[str, Usage] = {}
        # Fixtures of classes and modules, by worker, until their batch has ended.
        self._open: dict[int, set[str]] = defaultdict(set)
        self._closed: set[str] = set()

    def handle(self, event: Event, at: float) -> None:  # noqa: ARG002  # It tells no times.
        """See `Report`."""
        match event:
            case TestStarted(test_id=test_id):
                self._started.add(test_id)
                for worker, latest in list(self._latest.items()):
                    if latest[0][1].unit == TEST + test_id:
                        del self._latest[worker]
            case UsageRecorded():
                self.has_usage = True
                names = self._names_of(event)
                if names is not None:
                    self._add(event, names)
            case BatchFinished(worker=worker, stopped=False):
                self._closed |= self._open.pop(worker, set())
            case WorkerLost(worker=worker):
                self._open.pop(worker, None)
            case _:
                pass

    def _names_of(self, event: UsageRecorded) -> SentNames | None:
        """Return the names that the process of an event has sent, with those of the event."""
        if event.first == 0:
            # Another process has begun.
            self._names[event.worker] = SentNames(self._packer)
        names = self._names.get(event.worker)
        try:
            if names is not None:
                names.add(event)
        except ValueError:
            names = self._names[event.worker] = None
        return names

    def _add(self, event: UsageRecorded, names: SentNames) -> None:
        unit = event.unit
        if unit.startswith(TEST):
            latest = self._latest.get(event.worker)
            if latest is not None and latest[0][1].unit == unit:
                latest.append((names, event))
                return
            if latest is not None:
                self._pack(latest)
            self._latest[event.worker] = [(names, event)]
            return
        usage, before = usage_of(event, names.texts), self._others.get(unit)
        self._others[unit] = usage if before is None else before | usage
        if unit.startswith((CLASS, MODULE)):
            self._open[event.worker].add(unit)

    def _pack(self, events: Sequence[tuple[SentNames, UsageRecorded]]) -> None:
        """Pack a test."""
        (names, event), *others = events
        if not others:
            names.pack(event)
            return
        usage = usage_of(event, names.texts)
        for more, other in others:
            usage |= usage_of(other, more.texts)
        self._packer.add(event.unit, usage)

    def recording(self, run: Run, tests: Collection[str], outcomes: LastOutcomes) -> Recording:
        """Return what was recorded; to be called once, after the last event.

        Args:
            tests: The ids of the tests that were selected.
        """
        for latest in self._latest.values():
            self._pack(latest)
        # What fixtures use that fail, or do not all end, is not everything.
        unfinished = {
            unit.partition(" ")[2]
            for unit in self._others
            if unit.startswith((CLASS, MODULE)) and unit not in self._closed
        }
        broken = outcomes.failed_owners | unfinished
        for unit, usage in self._others.items():
            if not unit.startswith((CLASS, MODULE)) or unit.partition(" ")[2] not in broken:
                self._packer.add(unit, usage)
        units = self._packer.packed()
        marks = {}
        for test in tests:
            owners = owners_of(test)
            if test in outcomes.failed or not outcomes.failed_owners.isdisjoint(owners):
                marks[test] = FAILED
            elif test not in self._started:
                continue
            elif test not in outcomes.ended or not unfinished.isdisjoint(owners):
                marks[test] = UNFINISHED
            elif TEST + test not in units:
                marks[test] = UNRECORDED
        return Recording(run=run, units=units, runs=dict.fromkeys(units, run), marks=marks)
