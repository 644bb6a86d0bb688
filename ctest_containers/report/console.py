"""Tells the person at the keyboard what a run does besides running tests."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ctest_containers.events import (
    BaseImageBuildStarted,
    ContainersLeft,
    DriverUnfit,
    Event,
    LimitsInverted,
    RegistryFailed,
    RunStopping,
    RunTimedOut,
    ServerReady,
    TemplateAwaited,
    TemplateBuildStarted,
    TemplateBuilt,
    TemplateFound,
    TemplatePulled,
    TemplatePushed,
    TemplateRefused,
    TemplatesPruned,
    TestRetried,
    TimingsLost,
    WorkerLost,
    WorkerPaused,
    WorkerRecycled,
    WorkerResumed,
    WorkerRetired,
    WorkersPlanned,
    WorkerStarted,
)
from ctest_containers.text import duration, plural, size


class ConsoleReport:
    """Words for the events around the tests.

    Args:
        log: Prints a line, or not, by its `logging` level: Django's `DiscoverRunner.log`.
    """

    def __init__(self, log: Callable[[str, int], None]) -> None:
        self._log = log
        self._unfit: set[str] = set()

    def handle(self, event: Event) -> None:
        """See `Report`."""
        match event:
            case TemplateFound(group=group, fingerprint=fingerprint):
                self._log(f"Using the template {group}:{fingerprint[:12]}.", logging.INFO)
            case TemplateAwaited(group=group, fingerprint=fingerprint):
                self._log(
                    f"Waiting for another run that builds the template {group}:{fingerprint[:12]}…",
                    logging.INFO,
                )
            case TemplateBuildStarted(group=group, fingerprint=fingerprint):
                names = ", ".join(repr(alias) for alias in event.aliases)
                way = "incrementally" if event.incremental else "from scratch"
                self._log(
                    f"Building the template {group}:{fingerprint[:12]} for {names}, {way} "
                    f"({event.reason})…",
                    logging.INFO,
                )
            case TemplateBuilt(group=group, fingerprint=fingerprint, seconds=seconds):
                self._log(
                    f"Built the template {group}:{fingerprint[:12]} in {duration(seconds)}.",
                    logging.INFO,
                )
            case TemplateRefused(group=group, fingerprint=fingerprint):
                self._log(
                    f"The template {group}:{fingerprint[:12]} is not used: "
                    f"{' '.join(event.problems)}",
                    logging.WARNING,
                )
            case TemplatePulled(group=group, fingerprint=fingerprint, seconds=seconds):
                self._log(
                    f"Pulled the template {group}:{fingerprint[:12]} from {event.registry} in "
                    f"{duration(seconds)} ({plural(event.layers, 'layer')} came, {event.present} "
                    "were here).",
                    logging.INFO,
                )
            case TemplatePushed(group=group, fingerprint=fingerprint, seconds=seconds):
                self._log(
                    f"Pushed the template {group}:{fingerprint[:12]} to {event.registry} in "
                    f"{duration(seconds)} ({plural(event.layers, 'layer')} went, {event.present} "
                    "were there).",
                    logging.INFO,
                )
            case TemplatesPruned(templates=templates):
                for name, reason in templates:
                    self._log(f"Removed the template {name}: {reason}.", logging.DEBUG)
            case BaseImageBuildStarted(image=image):
                self._log(f"Building {image}, once on this machine…", logging.INFO)
            case WorkersPlanned() if event.workers:
                for warning in event.warnings:
                    self._log(warning, logging.WARNING)
                self._log(
                    f"Running in {plural(event.workers, 'worker')} ({event.reason}).", logging.INFO
                )
                for workers, reason in event.limits:
                    self._log(f"  {workers:>5}  {reason}", logging.DEBUG)
            case (
                LimitsInverted(reason=reason)
                | TimingsLost(reason=reason)
                | RegistryFailed(reason=reason)
            ):
                self._log(reason, logging.WARNING)
            case DriverUnfit(alias=alias, reason=reason) if alias not in self._unfit:
                # Said again for every server that starts.
                self._unfit.add(alias)
                self._log(f"The database {alias!r}: {reason}", logging.WARNING)
            case ContainersLeft(containers=containers, reason=reason):
                self._log(
                    f"Not removed: {', '.join(containers)}. {reason}\n"
                    "When the engine answers again: python -m ctest_containers clean",
                    logging.WARNING,
                )
            case RunTimedOut(limit_seconds=seconds):
                self._log(f"\nThe run took longer than {seconds:g} s and ends.", logging.WARNING)
            case RunStopping(tests=tests):
                self._log(
                    f"\nStopping: waiting for {', '.join(tests)}. Ctrl-C again stops at once.",
                    logging.INFO,
                )
            case ServerReady(worker=worker, container=name, version=version, seconds=seconds):
                self._log(
                    f"Worker {worker}: {name} ({version}) answered after {duration(seconds)}.",
                    logging.DEBUG,
                )
            case WorkerStarted(worker=worker, pid=pid):
                self._log(f"Worker {worker}: process {pid}.", logging.DEBUG)
            case WorkerRetired(worker=worker, reason=reason):
                self._log(f"Going on without worker {worker}: {reason}", logging.WARNING)
            case WorkerPaused(worker=worker, available_bytes=available, floor_bytes=floor):
                self._log(
                    f"\nWorker {worker} waits: {size(available)} of memory are available, and "
                    f"{size(floor)} are kept free.",
                    logging.WARNING,
                )
            case WorkerResumed(worker=worker, available_bytes=available):
                self._log(
                    f"\nWorker {worker} goes on: {size(available)} of memory are available again.",
                    logging.INFO,
                )
            case WorkerRecycled(worker=worker, memory_bytes=count, limit_bytes=limit):
                self._log(
                    f"Worker {worker} goes on in a new process: the old one had {size(count)}, "
                    f"and its limit is {size(limit)}.",
                    logging.DEBUG,
                )
            case TestRetried(test_id=test_id, limit_seconds=seconds):
                self._log(
                    f"\n{test_id} took longer than {seconds:.3g} s, which it never does. It gets "
                    "another try with the full limit.",
                    logging.INFO,
                )
            case WorkerLost(worker=worker, cause=cause, test_id=test_id):
                where = f" in {test_id}" if test_id else ""
                self._log(f"Worker {worker} ended with {cause}{where}.", logging.WARNING)
            case _:
                pass
