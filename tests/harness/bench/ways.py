"""The ways to run a suite: the toolkit's, those on a running server, those of testcontainers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import docker

from harness.bench.place import LABEL, SQLITE, Place, Server
from harness.bench.suites import NOWHERE, Suite
from harness.bench.told import Counting
from harness.bench.way import Way
from harness.projects import TESTS
from harness.servers import own_image

COLD: Final = "toolkit-cold"
WARM: Final = "toolkit-warm"
DJANGO_RESET: Final = "toolkit-warm-django-reset"
DJANGO: Final = "django"
KEEPDB: Final = "django-keepdb"
PYTEST: Final = "pytest"
PER_RUN: Final = "testcontainers-run"
PER_WORKER: Final = "testcontainers-worker"

LABELS: Final = {
    COLD: "the toolkit without a template, history or cache",
    WARM: "the toolkit with a template and timings of past runs",
    DJANGO_RESET: "the same with --reset django: Django's own flush after a TransactionTestCase",
    DJANGO: "manage.py test --parallel, on a running server",
    KEEPDB: "the same with --keepdb, databases made before",
    PYTEST: "pytest -n with pytest-django, on a running server",
    PER_RUN: "manage.py test --parallel, a PostgresContainer for the run",
    PER_WORKER: "pytest -n, a PostgresContainer for each worker",
}
"""Every way, and what it is."""

PYTEST_COMMAND: Final = (
    *("-m", "pytest", "-q", "-p", "no:cacheprovider"),
    *("-o", "python_files=test_*.py tests.py"),
)
PLUGINS: Final = ("xdist.plugin", "pytest_django.plugin")

TESTCONTAINERS: Final = "harness.bench.testcontainers_"
"""How modules begin that only its ways load."""


def toolkit_ways(
    place: Place, suite: Suite, workers: int, name: str = "warm"
) -> Iterator[tuple[str, Callable[[], Way]]]:
    """The toolkit's own ways.

    Args:
        name: Of the cache and the project of warm runs.
    """
    command = (*suite.toolkit, f"--parallel={workers}", *suite.labels)
    variables = {**suite.toolkit_variables, **suite.leads_to(NOWHERE)}
    warm = {**variables, **place.toolkit_variables(name)}

    def made(way: str, more: dict[str, str], *, cold: bool = False) -> Way:
        return Way(name=way, place=place, suite=suite, command=command, variables=more, cold=cold)

    yield COLD, lambda: made(COLD, variables, cold=True)
    yield WARM, lambda: made(WARM, warm)
    yield DJANGO_RESET, lambda: made(DJANGO_RESET, {**warm, "CTEST_CONTAINERS_RESET": "django"})


def server_ways(
    place: Place, suite: Suite, workers: int, server: Server | None
) -> Iterator[tuple[str, Callable[[], Way]]]:
    """Those on a running server; on SQLite there is none."""
    command = (*suite.django, f"--parallel={workers}", "--noinput", *suite.labels)
    there = dict(suite.leads_to(server.host if server is not None else ""))

    def made(way: str, *more: str) -> Way:
        return Way(name=way, place=place, suite=suite, command=(*command, *more), variables=there)

    yield DJANGO, lambda: made(DJANGO)
    if place.on != SQLITE:
        yield KEEPDB, lambda: made(KEEPDB, "--keepdb")
    if suite.has_pytest:
        yield (
            PYTEST,
            lambda: Way(
                name=PYTEST,
                place=place,
                suite=suite,
                command=(*PYTEST_COMMAND, f"-n{workers}"),
                variables={**there, **_plugins()},
                counting=Counting.PYTEST,
            ),
        )


def testcontainers_ways(
    place: Place, suite: Suite, workers: int
) -> Iterator[tuple[str, Callable[[], Way]]]:
    """Those that start a PostgresContainer."""
    if place.on != "postgresql" or not suite.has_pytest:
        return
    runner = f"--testrunner={TESTCONTAINERS}runner.ContainerPerRun"
    django = (*suite.django, runner, f"--parallel={workers}", "--noinput", *suite.labels)
    pytest = (*PYTEST_COMMAND, f"-n{workers}")

    def made(way: str, command: Sequence[str], counting: Counting) -> Way:
        variables = {
            **suite.leads_to(NOWHERE),
            **_plugins(f"{TESTCONTAINERS}fixture"),
            "PYTHONPATH": str(TESTS),
            "BENCH_IMAGE": official_image(place),
            "BENCH_LABEL": f"{LABEL}={place.token}",
            # Its image cannot be had everywhere; what is left is removed after each run.
            "TESTCONTAINERS_RYUK_DISABLED": "true",
        }
        return Way(
            name=way,
            place=place,
            suite=suite,
            command=tuple(command),
            variables=variables,
            counting=counting,
        )

    yield PER_RUN, lambda: made(PER_RUN, django, Counting.UNITTEST)
    yield PER_WORKER, lambda: made(PER_WORKER, pytest, Counting.PYTEST)


def ways_for(
    place: Place, suite: Suite, server: Server | None, workers: int, wanted: Sequence[str]
) -> tuple[dict[str, Way], list[str]]:
    """The ways that this suite can be run here, and a sentence on each that it cannot.

    Args:
        wanted: Those that are asked for; empty for all.
    """
    makers = {
        **dict(toolkit_ways(place, suite, workers)),
        **dict(server_ways(place, suite, workers, server)),
        **dict(testcontainers_ways(place, suite, workers)),
    }
    names = [name for name in LABELS if not wanted or name in wanted]
    missing = [f"{name} is left out: {_why(name)}." for name in names if name not in makers]
    return {name: makers[name]() for name in names if name in makers}, missing


def _plugins(*more: str) -> dict[str, str]:
    """What lets pytest and its workers load these, and none that happens to be installed."""
    names = ",".join([*PLUGINS, *more])
    return {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": names}


def _why(name: str) -> str:
    """What keeps a way from being taken."""
    return {
        DJANGO_RESET: "this toolkit has no option --reset",
        KEEPDB: "on SQLite test databases are in memory, and nothing is kept",
        PYTEST: "pytest cannot run this suite",
    }.get(name, "it is for PostgreSQL, and for suites that pytest can run")


def official_image(place: Place) -> str:
    """An image with the contract of the official `postgres`, made of the toolkit's own."""
    name = f"localhost/ctest-tests/{place.token}-official-postgres:1"
    try:
        place.client.images.get(name)
    except docker.errors.ImageNotFound:
        folder = Path(__file__).resolve().parents[1] / "official-postgres"
        base = own_image(place.client, "postgresql")
        place.client.images.build(path=str(folder), tag=name, buildargs={"BASE": base}, rm=True)
    return name
