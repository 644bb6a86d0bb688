"""Every check of the doctor, and how they are run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from ctest_containers.clock import Deadline
from ctest_containers.doctor.connectivity import check_reach
from ctest_containers.doctor.context import DoctorContext
from ctest_containers.doctor.databases import check_databases
from ctest_containers.doctor.deadline import within
from ctest_containers.doctor.discovery import check_tests
from ctest_containers.doctor.docker_contexts import check_contexts
from ctest_containers.doctor.drivers import check_drivers, check_servers
from ctest_containers.doctor.engine import check_engine
from ctest_containers.doctor.finding import Area, Finding, Severity, error, warning
from ctest_containers.doctor.folders import (
    check_cache,
    check_engine_disk,
    check_temporary_folder,
)
from ctest_containers.doctor.images import check_images
from ctest_containers.doctor.isolation import check_isolation
from ctest_containers.doctor.leftovers import check_failures, check_leftovers, check_templates
from ctest_containers.doctor.memory import check_cores, check_memory
from ctest_containers.doctor.options import check_options
from ctest_containers.doctor.transport import check_transport
from ctest_containers.doctor.versions import check_versions
from ctest_containers.errors import CtestError, EngineUnreachableError

Check = Callable[[DoctorContext], Iterable[Finding]]

CHECKS: Final[tuple[tuple[Area, Check], ...]] = (
    (Area.PROJECT, lambda _: check_versions()),
    (Area.PROJECT, lambda context: check_tests(context.project) if context.project else ()),
    (Area.ENGINE, check_reach),
    (Area.ENGINE, check_contexts),
    (Area.ENGINE, check_engine),
    (Area.TRANSPORT, check_transport),
    (Area.MACHINE, check_memory),
    (Area.MACHINE, check_cores),
    (Area.MACHINE, check_temporary_folder),
    (Area.MACHINE, check_cache),
    (Area.MACHINE, check_engine_disk),
    (Area.DATABASES, check_databases),
    (Area.DATABASES, check_drivers),
    (Area.DATABASES, check_servers),
    (Area.DATABASES, check_images),
    (Area.ISOLATION, check_isolation),
    (Area.OPTIONS, check_options),
    (Area.LEFTOVERS, check_leftovers),
    (Area.LEFTOVERS, check_templates),
    (Area.LEFTOVERS, check_failures),
)

ENGINE_SECONDS: Final = 15.0
"""How long the engine may take for all checks together."""

STOPPED_ANSWERING: Final = (
    "Run `docker ps` to see what keeps it busy; if that hangs too, restart the engine."
)


def run_checks(context: DoctorContext) -> list[Finding]:
    """Run every check, area by area; a check that fails becomes a finding itself."""
    deadline = Deadline(ENGINE_SECONDS)
    findings: list[Finding] = []
    silent = False
    for area, check in CHECKS:
        if silent and area in {Area.TRANSPORT, Area.LEFTOVERS}:
            continue
        try:
            findings += _run(check, context, deadline)
        except EngineUnreachableError as problem:
            if not silent:
                findings.append(_stopped(context, problem))
            silent = True
        except CtestError as problem:
            findings.append(
                warning(
                    area, problem.message, problem.hint or "Run the tests, which may show more."
                )
            )
    return findings


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether tests could not run."""
    return any(finding.severity is Severity.ERROR for finding in findings)


def _run(check: Check, context: DoctorContext, deadline: Deadline) -> list[Finding]:
    def run() -> list[Finding]:
        return list(check(context))

    return run() if context.engine is None else within(deadline, run)


def _stopped(context: DoctorContext, problem: CtestError) -> Finding:
    kind = error if context.needs_engine else warning
    return kind(Area.ENGINE, problem.message, STOPPED_ANSWERING)


def summary(findings: Iterable[Finding]) -> Iterator[tuple[Severity, int]]:
    """How many findings there are of each severity, the worst first."""
    severities = [finding.severity for finding in findings]
    for severity in reversed(Severity):
        yield severity, severities.count(severity)
