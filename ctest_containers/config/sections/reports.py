"""Options for reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ctest_containers.config.option import option
from ctest_containers.config.values import (
    parse_choice,
    parse_flag,
    parse_natural,
    parse_seconds,
    parse_text,
    parse_url,
)

SECTION: Final = "reports"


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """Options for reports."""

    junit: str = option(
        "",
        parse_text,
        "FILE",
        "Write the run as JUnit XML, which CI systems read, into a file.",
        section=SECTION,
    )
    html: str = option(
        "",
        parse_text,
        "FILE",
        "Write the run as a page that needs nothing but itself: a timeline, failures, all tests.",
        section=SECTION,
    )
    prometheus: str = option(
        "",
        parse_text,
        "FILE",
        "Write metrics of the run into a file for the textfile collector of Prometheus' node "
        "exporter. Needs ctest-containers[prometheus].",
        section=SECTION,
    )
    prometheus_gateway: str = option(
        "",
        parse_url,
        "URL",
        "Push these metrics to a gateway of Prometheus. Needs ctest-containers[prometheus].",
        section=SECTION,
    )
    progress: bool | None = option(
        None,
        parse_flag,
        "",
        "Show on the terminal what each worker is doing. By default with -v 1 on a terminal that "
        "can show it, and not under CI.",
        section=SECTION,
    )
    slow_after: float = option(
        10.0,
        parse_seconds,
        "SECONDS",
        "From when on a test is called slow while it runs.",
        section=SECTION,
    )
    github: bool | None = option(
        None,
        parse_flag,
        "",
        "Annotations, groups and a job summary for GitHub Actions. By default there.",
        section=SECTION,
    )
    log_format: str = option(
        "off",
        parse_choice("off", "text", "json"),
        "HOW",
        "Write what happens to the logger ctest_containers as lines of key=value (text) or as "
        "JSON (needs ctest-containers[json]); off leaves that to Django's LOGGING.",
        section=SECTION,
    )
    log_level: str = option(
        "info",
        parse_choice("debug", "info", "warning"),
        "LEVEL",
        "What is written then: every event (debug), a line for each worker and the run (info), "
        "or only what needs attention (warning).",
        section=SECTION,
    )
    log_file: str = option(
        "",
        parse_text,
        "FILE",
        "Where it is written. By default to the standard error.",
        section=SECTION,
    )
    event_log: str = option(
        "",
        parse_text,
        "FILE",
        "Write the event log into this file, too, for python -m ctest_containers report.",
        section=SECTION,
    )
    event_logs: int = option(
        20,
        parse_natural,
        "N",
        "How many runs of the project leave their event log in the user's cache folder, for "
        "python -m ctest_containers report; 0 for none.",
        section=SECTION,
    )
