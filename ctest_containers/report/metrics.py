"""A run as metrics for Prometheus: a file for its textfile collector, or a push to its gateway.

The labels are the project and closed sets such as statuses and phases; no test is named, so that
a large suite does not make a time series for each of its tests.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from ctest_containers.errors import ReportError, UsageError
from ctest_containers.events import (
    Event,
    RunFinished,
    TemplateBuilt,
    TemplateFound,
    TemplatePulled,
)
from ctest_containers.options.option import option
from ctest_containers.options.values import parse_text, parse_url
from ctest_containers.report.api import Report
from ctest_containers.report.files import Output, file_named
from ctest_containers.report.format import SECTION, ReportContext, ReportFormat
from ctest_containers.report.record import RunRecord, Status

BUCKETS: Final = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds of the histogram of durations, in seconds."""

PUSH_SECONDS: Final = 10.0
"""How long a gateway may take to answer."""

JOB: Final = "ctest_containers"

EXTRA: Final = "prometheus"


@dataclass(frozen=True, kw_only=True)
class MetricsFormat(ReportFormat):
    """Metrics for Prometheus, into a file or to a gateway."""

    prometheus: str = option(
        "",
        parse_text,
        "FILE",
        "Write metrics to a file for the textfile collector of Prometheus' node exporter. Needs "
        "ctest-containers[prometheus].",
        section=SECTION,
        written="metrics for Prometheus' textfile collector",
    )
    prometheus_gateway: str = option(
        "",
        parse_url,
        "URL",
        "Push these metrics to a Prometheus Pushgateway. Needs ctest-containers[prometheus].",
        section=SECTION,
    )

    def outputs(self) -> Iterator[Output]:
        """See `ReportFormat`."""
        if self.prometheus:
            check_installed()
            yield Output(file_named(self.prometheus), render)

    def reports(self, context: ReportContext) -> Iterator[Report]:
        """See `ReportFormat`."""
        if self.prometheus_gateway:
            check_installed()
            yield PushReport(context.run, self.prometheus_gateway)


def check_installed() -> None:
    """Check that the library is installed.

    Raises:
        UsageError: It is not.
    """
    try:
        import prometheus_client  # noqa: F401
    except ImportError:
        raise UsageError(
            "Metrics for Prometheus need the package prometheus_client.",
            f"Run pip install 'ctest-containers[{EXTRA}]'.",
        ) from None


def render(run: RunRecord) -> str:
    """All metrics in Prometheus' text format."""
    from prometheus_client import generate_latest

    return generate_latest(_registry(run)).decode()


class PushReport:
    """Pushes the metrics of a run to a gateway when it has ended.

    Args:
        run: The record of the run, which is up to date when this handles an event.
        url: Of the gateway; user and password in it are sent as HTTP's basic authentication.
    """

    def __init__(self, run: RunRecord, url: str) -> None:
        self._run = run
        self._url = url

    def handle(self, event: Event, at: float) -> None:  # noqa: ARG002  # The record has the times.
        """See `Report`."""
        if isinstance(event, RunFinished):
            push(self._url, self._run)


def push(url: str, run: RunRecord) -> None:
    """Replace what the gateway has of the run's project.

    Raises:
        ReportError: It does not answer, or refuses.
    """
    from prometheus_client import push_to_gateway
    from prometheus_client.exposition import basic_auth_handler, default_handler

    parts = urlsplit(url)
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))

    def handler(url: str, method: str, timeout: float | None, headers: Any, data: bytes) -> Any:
        if parts.username is None:
            return default_handler(url, method, timeout, headers, data)
        user, password = parts.username, parts.password
        return basic_auth_handler(url, method, timeout, headers, data, user, password)

    try:
        push_to_gateway(
            bare,
            job=JOB,
            registry=_registry(run),
            grouping_key={"project": _project(run)},
            timeout=PUSH_SECONDS,
            handler=handler,
        )
    except (OSError, ValueError) as error:
        raise ReportError(f"The metrics cannot be pushed to {bare}: {error}.") from error


def _registry(run: RunRecord) -> Any:
    from prometheus_client import CollectorRegistry
    from prometheus_client.registry import Collector

    class RunCollector(Collector):
        """The metrics of one run, which no longer change."""

        def collect(self) -> Iterator[Any]:
            return _metrics(run)

    registry = CollectorRegistry()
    registry.register(RunCollector())
    return registry


def _project(run: RunRecord) -> str:
    return run.started.project if run.started else "unknown"


def _metrics(run: RunRecord) -> Iterator[Any]:
    from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily

    project = _project(run)

    def gauge(name: str, meaning: str, values: dict[str, float], label: str = "") -> Any:
        labels = ["project", label] if label else ["project"]
        family = GaugeMetricFamily(f"ctest_run_{name}", meaning, labels=labels)
        for key, value in values.items():
            family.add_metric([project, key] if label else [project], value)
        return family

    yield gauge("success", "1 if the last run passed.", {"": 0.0 if run.has_failed else 1.0})
    yield gauge("duration_seconds", "How long the run took.", {"": run.ended})
    if run.started is not None:
        began = dt.datetime.fromisoformat(run.started.started_at).timestamp()
        yield gauge("timestamp_seconds", "When the run ended.", {"": began + run.ended})
    phases = {phase.value: seconds for phase, seconds in run.phase_seconds.items()}
    yield gauge("phase_seconds", "How long each phase took.", phases, "phase")
    counts = {status.value: float(count) for status, count in run.counts.items()}
    yield gauge("tests", "How many tests ended in each way.", counts, "status")
    yield gauge(
        "fixture_errors", "Fixtures of classes or modules that failed.", {"": len(run.bad_fixtures)}
    )
    retries = float(sum(len(test.retries) for test in run.tests.values()))
    yield gauge("retries", "Attempts at tests that were abandoned.", {"": retries})
    reruns = sum(len(test.reruns) for test in run.tests.values())
    reruns += sum(len(outcomes) for outcomes in run.fixture_reruns.values())
    failed_again = {"": float(reruns)}
    yield gauge("failed_reruns", "Further attempts at failed tests that failed.", failed_again)
    flaky = {"": float(len(run.flaky_fixtures))}
    yield gauge("flaky_fixtures", "Fixtures that failed and then passed.", flaky)
    queries = float(sum(test.query_count for test in run.tests.values()))
    yield gauge("queries", "Queries that tests sent.", {"": queries})
    if run.planned is not None:
        yield gauge("workers", "How many workers the run had.", {"": float(run.planned.workers)})
    lost = sum(len(worker.started) - 1 for worker in run.workers.values() if worker.started)
    yield gauge("workers_replaced", "Worker processes that were replaced.", {"": float(lost)})
    yield from _memory(run, gauge)
    yield from _templates(run, gauge)

    seconds = [test.seconds for test in run.tests.values() if test.status is not Status.NOT_RUN]
    histogram = HistogramMetricFamily(
        "ctest_run_test_duration_seconds", "How long tests took.", labels=["project"]
    )
    buckets = [(str(bound), float(sum(value <= bound for value in seconds))) for bound in BUCKETS]
    histogram.add_metric([project], [*buckets, ("+Inf", float(len(seconds)))], sum(seconds))
    yield histogram


def _memory(run: RunRecord, gauge: Any) -> Iterator[Any]:
    processes = [count for worker in run.workers.values() for _, count in worker.process_bytes]
    if processes:
        peak = {"": float(max(processes))}
        yield gauge("process_memory_peak_bytes", "The peak memory of worker processes.", peak)
    servers: dict[str, float] = {}
    for worker in run.workers.values():
        for group, samples in worker.server_bytes.items():
            most = max(count for _, count in samples)
            servers[group] = max(float(most), servers.get(group, 0.0))
    if servers:
        meaning = "The peak memory of database servers."
        yield gauge("server_memory_peak_bytes", meaning, servers, "database")
    if run.available:
        least = {"": float(min(count for _, count in run.available))}
        yield gauge("memory_available_least_bytes", "The least memory that was available.", least)


def _templates(run: RunRecord, gauge: Any) -> Iterator[Any]:
    hits: dict[str, float] = {}
    seconds: dict[str, float] = {}
    for event in run.templates:
        match event:
            case TemplateFound(group=group):
                hits[group] = 1.0
            case TemplateBuilt(group=group) | TemplatePulled(group=group):
                hits[group] = 0.0
                seconds[group] = event.seconds
            case _:
                pass
    if hits:
        yield gauge("template_hit", "1 if the template existed before the run.", hits, "database")
    if seconds:
        meaning = "How long it took to build or pull the template."
        yield gauge("template_build_seconds", meaning, seconds, "database")
