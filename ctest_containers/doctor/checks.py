"""Makes every check, one after another; one that fails is a finding, and no end to the others."""

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
from ctest_containers.doctor.leftovers import check_leftovers, check_templates
from ctest_containers.doctor.memory import check_cores, check_memory
from ctest_containers.doctor.options import check_options
from ctest_containers.doctor.transport import check_transport
from ctest_containers.doctor.versions import check_versions
from ctest_containers.errors import CtestError, EngineUnreachableError

Check = Callable[[DoctorContext], Iterable[Finding]]

CHECKS: Final[tuple[tuple[Area, Check], ...]] = (
    (Area.PROJECT, lambda _: check_versions()),
    (Area.PROJECT, lambda scene: check_tests(scene.project) if scene.project else ()),
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
)

ENGINE_SECONDS: Final = 15.0
"""What the engine may take for everything that it is asked."""

STOPPED_ANSWERING: Final = (
    "Is it overloaded? `docker ps` shows what it does; restart it if that hangs, too."
)


def examine(scene: DoctorContext) -> list[Finding]:
    """Everything that there is to say, area by area."""
    deadline = Deadline(ENGINE_SECONDS)
    found: list[Finding] = []
    silent = False
    for area, check in CHECKS:
        if silent and area in {Area.TRANSPORT, Area.LEFTOVERS}:
            continue
        try:
            found += _made(check, scene, deadline)
        except EngineUnreachableError as problem:
            if not silent:
                found.append(_stopped(scene, problem))
            silent = True
        except CtestError as problem:
            found.append(
                warning(area, problem.message, problem.hint or "Run the tests; they may say more.")
            )
    return found


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether tests could not run."""
    return any(one.severity is Severity.ERROR for one in findings)


def _made(check: Check, scene: DoctorContext, deadline: Deadline) -> list[Finding]:
    def make() -> list[Finding]:
        return list(check(scene))

    return make() if scene.engine is None else within(deadline, make)


def _stopped(scene: DoctorContext, problem: CtestError) -> Finding:
    kind = error if scene.needs_engine else warning
    return kind(Area.ENGINE, problem.message, STOPPED_ANSWERING)


def summary(findings: Iterable[Finding]) -> Iterator[tuple[Severity, int]]:
    """How many findings there are of each severity, the worst first."""
    severities = [one.severity for one in findings]
    for severity in reversed(Severity):
        yield severity, severities.count(severity)
