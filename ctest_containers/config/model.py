"""The table of all that can be configured; names of options and variables follow from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, TypeVar

from ctest_containers.config.server_settings import ServerSetting, parse_server_settings
from ctest_containers.config.values import (
    parse_age,
    parse_choice,
    parse_count,
    parse_flag,
    parse_floor,
    parse_images,
    parse_limit,
    parse_natural,
    parse_paths,
    parse_repository,
    parse_seconds,
    parse_shard,
    parse_size,
    parse_text,
    parse_url,
)
from ctest_containers.limits import MAIN_SECONDS, PER_TEST_SECONDS, Limits, limits
from ctest_containers.model import AUTO, COMPARE, DJANGO, OWNER, SUPERUSER, Shard

T = TypeVar("T")

TESTS: Final = "which tests"
CLUSTER: Final = "other machines"
TEMPLATES: Final = "templates and images"
SERVERS: Final = "database servers"
WORKERS: Final = "workers"
LIMITS: Final = "time limits"
REPORTS: Final = "reports"

LIKE_OTHERS: Final = frozenset(
    {
        *("app", "backend", "code", "django", "example", "project", "server", "site", "source"),
        *("src", "test", "testproject", "tests", "web", "www"),
    }
)
"""What folders of many projects are called."""

HEADING: Final = (
    "| Option | Environment variable | In the setting `CTEST_CONTAINERS` | Default | Meaning |"
)


def option(
    default: T,
    parse: Callable[[object], Any],
    metavar: str,
    meaning: str,
    *,
    section: str,
    variable: str = "",
    shown: object = None,
) -> T:
    """A row of the table; the field's name gives the names of option, variable and setting.

    Args:
        section: Under which heading help shows it.
        variable: The environment variable, where it has a name of its own.
        shown: What applies by default, where it matters that nothing was given.
    """
    metadata = {
        "parse": parse,
        "metavar": metavar,
        "meaning": meaning,
        "section": section,
        "variable": variable,
        "shown": shown,
    }
    row: T = field(default=default, metadata=metadata)
    return row


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The effective configuration of one run."""

    shard: Shard | None = option(  # noqa: RUF009  # It gives a field.
        None,
        parse_shard,
        "I/N",
        "Run the I-th of N parts of the tests, which several jobs share: complete, disjoint, and "
        "as long as each other by the timings of past runs. All jobs need the same timings, "
        "and leave them as they are; python -m ctest_containers report merge joins what all have "
        "left.",
        section=TESTS,
    )
    cluster: str = option(
        "",
        parse_text,
        "ADDRESS",
        "Run the tests on the workers of a Dask cluster, each with an engine of its own: the "
        "address of its scheduler, such as tcp://scheduler:8786 or tls://…, the file that the "
        "scheduler has written, or local. --parallel is then the number of workers on each of "
        "them. Needs ctest-containers[cluster].",
        section=CLUSTER,
    )
    cluster_wait: float = option(
        60.0,
        parse_seconds,
        "SECONDS",
        "How long a run waits for a node while the cluster has none.",
        section=CLUSTER,
    )
    cluster_tls_ca: str = option(
        "",
        parse_text,
        "FILE",
        "The authority that a cluster's certificates are signed by. By default as Dask is "
        "configured.",
        section=CLUSTER,
    )
    cluster_tls_cert: str = option(
        "",
        parse_text,
        "FILE",
        "The certificate by which this machine is known in the cluster.",
        section=CLUSTER,
    )
    cluster_tls_key: str = option(
        "",
        parse_text,
        "FILE",
        "The key of that certificate.",
        section=CLUSTER,
    )
    ship_code: bool = option(
        False,  # noqa: FBT003
        parse_flag,
        "",
        "Send the project's code to the nodes of the cluster. By default each has to have the same "
        "checkout in the same folder, which is verified.",
        section=CLUSTER,
    )
    project: str = option(
        "",
        parse_text,
        "NAME",
        "The project's name in the names of its template images. "
        "By default the name of the folder that the command runs in, with the one above before it "
        "where it is called tests, src, app or the like. You can also use the "
        "Django setting PROJECT_NAME.",
        section=TEMPLATES,
    )
    postgresql_image: str = option(
        "",
        parse_text,
        "IMAGE",
        "An image to use for PostgreSQL instead of the toolkit's own, such as postgres:16.",
        section=TEMPLATES,
    )
    mysql_image: str = option(
        "",
        parse_text,
        "IMAGE",
        "An image to use for databases of Django's mysql backends: mariadb for the toolkit's own "
        "MariaDB, or one such as mysql:8.4 or mariadb:11.4. By default the toolkit's own MySQL.",
        section=TEMPLATES,
    )
    images: tuple[tuple[str, str], ...] = option(
        (),
        parse_images,
        "ALIAS=IMAGE",
        "Images for single aliases, with commas between them; as a setting, a dictionary. They go "
        "before the vendor's.",
        section=TEMPLATES,
    )
    registry: str = option(
        "",
        parse_repository,
        "REPOSITORY",
        "Where templates that are missing are pulled from before they are built, such as "
        "ghcr.io/acme/templates, with the credentials of docker login.",
        section=TEMPLATES,
    )
    push: bool = option(
        False,  # noqa: FBT003
        parse_flag,
        "",
        "Push templates to the registry after they have been built.",
        section=TEMPLATES,
    )
    verify_templates: bool | None = option(
        None,
        parse_flag,
        "",
        "Look into templates before they are used: whether their databases are what their labels "
        "say, and have had every migration. By default where the variable CI is set.",
        section=TEMPLATES,
    )
    template_max_age: float = option(
        86400.0,
        parse_age,
        "TIME",
        "How old a template may be whose build asked for a clock, random numbers or another "
        "program: 30m, 12h or 7d, say; 0 for no limit. Other templates have none.",
        section=TEMPLATES,
    )
    rebuild: bool = option(
        False,  # noqa: FBT003
        parse_flag,
        "",
        "Build new templates from scratch, in place of those that would be used.",
        section=TEMPLATES,
    )
    fingerprint_files: tuple[str, ...] = option(
        (),
        parse_paths,
        "PATHS",
        "More files that decide what migrations put into the database, as paths or glob patterns "
        "relative to the current folder, with commas between them.",
        section=TEMPLATES,
    )
    build: str = option(
        AUTO,
        parse_choice(AUTO, DJANGO, COMPARE),
        "HOW",
        "How migrations run when a template is built. auto: render a model when an operation asks "
        "for it, where that gives the same statements. django: render every related model before "
        "each operation, as manage.py migrate does, which takes longer. compare: do both, from "
        "scratch, and fail if statements, catalogs or rows differ.",
        section=TEMPLATES,
    )
    build_timeout: float = option(
        1800.0,
        parse_seconds,
        "SECONDS",
        "How long migrating a template may take.",
        section=TEMPLATES,
    )
    transport: str = option(
        "auto",
        parse_choice("auto", "socket", "port", "network"),
        "HOW",
        "How workers reach their servers: socket (no network at all), port (loopback), network "
        "(from one container to another), or auto: socket where the engine is on this Linux "
        "machine, network where the toolkit runs in a container, else port.",
        section=SERVERS,
    )
    server_timeout: float = option(
        60.0,
        parse_seconds,
        "SECONDS",
        "How long a database server may take to start.",
        section=SERVERS,
    )
    server_memory: int = option(
        2 * 2**30,
        parse_size,
        "SIZE",
        "What one database server may take of the memory, such as 512m or 2g; a query that wants "
        "more ends its own server, and not the machine.",
        section=SERVERS,
    )
    server_settings: tuple[ServerSetting, ...] = option(
        (),
        parse_server_settings,
        "NAME=VALUE",
        "Settings that database servers are started with, such as "
        "wal_level=replica,max_replication_slots=4; in Django's settings, a dictionary. If the "
        "project has servers of several vendors, prefix each name with the vendor: "
        "postgresql.wal_level, mysql.event_scheduler. The settings are part of the fingerprint. "
        "Use the dictionary for a value that contains both a comma and an equals sign. Do not "
        "include secrets: templates store the values in plain text.",
        section=SERVERS,
    )
    database_role: str = option(
        AUTO,
        parse_choice(AUTO, OWNER, SUPERUSER),
        "HOW",
        "What your project's PostgreSQL role may do. owner: own its databases, and create "
        "databases, roles and extensions. superuser: anything. auto: migrations run as an owner; "
        "afterwards, the role becomes a superuser unless migrations leave row-level security, "
        "granted or revoked privileges, or other roles; if a migration lacks a privilege, "
        "migrations and tests run as a superuser. The role postgres is always a superuser.",
        section=SERVERS,
    )
    min_workers: int = option(
        2,
        parse_count,
        "N",
        "As many workers as this on a machine with fewer cores, where the memory allows it.",
        variable="DJANGO_TEST_MIN_WORKERS",
        section=WORKERS,
    )
    max_workers: int = option(
        16,
        parse_count,
        "N",
        "Never more workers than this, whatever cores and memory allow.",
        variable="DJANGO_TEST_MAX_WORKERS",
        section=WORKERS,
    )
    start_method: str = option(
        "auto",
        parse_choice("auto", "fork", "spawn"),
        "HOW",
        "How worker processes start: fork (they inherit the loaded project), spawn (they load it "
        "again), or auto: fork on Linux, else spawn.",
        section=WORKERS,
    )
    separate: bool = option(
        True,  # noqa: FBT003
        parse_flag,
        "",
        "Give each worker caches, folders for media and uploads, and temporary files of its own, "
        "as far as Django's settings allow it.",
        section=WORKERS,
    )
    worker_setup: str = option(
        "",
        parse_text,
        "FUNCTION",
        "The dotted path of a function that each worker calls with itself before its first test, "
        "to separate what the toolkit does not know.",
        section=WORKERS,
    )
    reset: str = option(
        "fast",
        parse_choice("fast", "django", "compare"),
        "HOW",
        "How databases are reset after a TransactionTestCase: to where Django's flush brings them, "
        "but sooner (fast), by that flush (django), or both ways, with an error where they do not "
        "end alike (compare).",
        section=WORKERS,
    )
    split_classes: bool = option(
        False,  # noqa: FBT003  # A default, as in every row.
        parse_flag,
        "",
        "Let a class that alone would take longer than a worker's share of all tests run in "
        "several workers, if its fixtures are Django's.",
        section=WORKERS,
    )
    timings_file: str = option(
        "",
        parse_text,
        "FILE",
        "Where the durations of tests are kept between runs, so that the longest begin first. By "
        "default a file of this project in the user's cache folder. You can also use the "
        "Django setting TEST_TIMINGS_FILE.",
        variable="TEST_TIMINGS_FILE",
        section=WORKERS,
    )
    memory_floor: int = option(
        256 * 2**20,
        parse_floor,
        "SIZE",
        "When less memory than this is available during a run, workers are given up until there "
        "is more; 0 for never.",
        section=WORKERS,
    )
    worker_max_memory: int | None = option(
        None,
        parse_size,
        "SIZE",
        "A worker whose process has more memory than this gets a new process after the class that "
        "it runs. By default twice what was measured in past runs, at least 512m, and at most its "
        "share of what is available.",
        variable="DJANGO_TEST_WORKER_MAX_MEMORY",
        section=WORKERS,
    )
    timeout: float | None = option(
        None,
        parse_limit,
        "SECONDS",
        "The main time limit, from which those per worker and for the run follow; 0 for none. If "
        "you set it, those are exact.",
        variable="DJANGO_TEST_TIMEOUT",
        section=LIMITS,
        shown=MAIN_SECONDS,
    )
    timeout_per_test: float | None = option(
        None,
        parse_limit,
        "SECONDS",
        "What one test, or one fixture of a class or module, may take; 0 for no limit. The default "
        "counts only time without progress; a value that you set counts all time.",
        variable="DJANGO_TEST_TIMEOUT_PER_TEST",
        section=LIMITS,
        shown=PER_TEST_SECONDS,
    )
    timeout_per_worker: float | None = option(
        None,
        parse_limit,
        "SECONDS",
        "What a worker may take for one class of tests before it is replaced; 0 for no limit. By "
        "default, the main limit. If you set neither, it applies to each test or fixture instead "
        "of to the whole class.",
        variable="DJANGO_TEST_TIMEOUT_PER_WORKER",
        section=LIMITS,
    )
    timeout_global: float | None = option(
        None,
        parse_limit,
        "SECONDS",
        "What all tests together may take; 0 for no limit. By default, twice the main limit. If "
        "you set neither, it applies to the time since a test last ended.",
        variable="DJANGO_TEST_TIMEOUT_GLOBAL",
        section=LIMITS,
    )
    adaptive_timeouts: bool = option(
        False,  # noqa: FBT003
        parse_flag,
        "",
        "Interrupt a test that takes several times longer than it ever did, and try it once more "
        "with the full limit.",
        section=LIMITS,
    )
    junit: str = option(
        "",
        parse_text,
        "FILE",
        "Write the run as JUnit XML, which CI systems read, into a file.",
        section=REPORTS,
    )
    html: str = option(
        "",
        parse_text,
        "FILE",
        "Write the run as a page that needs nothing but itself: a timeline, failures, all tests.",
        section=REPORTS,
    )
    prometheus: str = option(
        "",
        parse_text,
        "FILE",
        "Write metrics of the run into a file for the textfile collector of Prometheus' node "
        "exporter. Needs ctest-containers[prometheus].",
        section=REPORTS,
    )
    prometheus_gateway: str = option(
        "",
        parse_url,
        "URL",
        "Push these metrics to a gateway of Prometheus. Needs ctest-containers[prometheus].",
        section=REPORTS,
    )
    progress: bool | None = option(
        None,
        parse_flag,
        "",
        "Show on the terminal what each worker is doing. By default with -v 1 on a terminal that "
        "can show it, and not under CI.",
        section=REPORTS,
    )
    slow_after: float = option(
        10.0,
        parse_seconds,
        "SECONDS",
        "From when on a test is called slow while it runs.",
        section=REPORTS,
    )
    github: bool | None = option(
        None,
        parse_flag,
        "",
        "Annotations, groups and a job summary for GitHub Actions. By default there.",
        section=REPORTS,
    )
    log_format: str = option(
        "off",
        parse_choice("off", "text", "json"),
        "HOW",
        "Write what happens to the logger ctest_containers as lines of key=value (text) or as "
        "JSON (needs ctest-containers[json]); off leaves that to Django's LOGGING.",
        section=REPORTS,
    )
    log_level: str = option(
        "info",
        parse_choice("debug", "info", "warning"),
        "LEVEL",
        "What is written then: every event (debug), a line for each worker and the run (info), "
        "or only what needs attention (warning).",
        section=REPORTS,
    )
    log_file: str = option(
        "",
        parse_text,
        "FILE",
        "Where it is written. By default to the standard error.",
        section=REPORTS,
    )
    event_log: str = option(
        "",
        parse_text,
        "FILE",
        "Write the event log into this file, too, for python -m ctest_containers report.",
        section=REPORTS,
    )
    event_logs: int = option(
        20,
        parse_natural,
        "N",
        "How many runs of the project leave their event log in the user's cache folder, for "
        "python -m ctest_containers report; 0 for none.",
        section=REPORTS,
    )


def image_of(config: Config, vendor: str, alias: str) -> str:
    """The image that the user wants for an alias; empty for the toolkit's own."""
    of_vendor = {"postgresql": config.postgresql_image, "mysql": config.mysql_image}
    return dict(config.images).get(alias, of_vendor.get(vendor, ""))


def limits_of(config: Config) -> Limits:
    """The time limits that follow from what was configured."""
    return limits(
        main=config.timeout,
        per_test=config.timeout_per_test,
        per_worker=config.timeout_per_worker,
        whole_run=config.timeout_global,
    )


def project_of(config: Config) -> str:
    """The name of the project: the configured one, or that of the current folder.

    Many projects have their manage.py in a folder that is called alike; the one above tells them
    apart.
    """
    here = Path.cwd()
    if config.project or here.name.lower() not in LIKE_OTHERS or not here.parent.name:
        return config.project or here.name
    return f"{here.parent.name}-{here.name}"


def flag(row: Field[Any]) -> str:
    """The command-line option of a row."""
    return "--" + row.name.replace("_", "-")


def variable(row: Field[Any]) -> str:
    """The environment variable of a row."""
    return str(row.metadata["variable"]) or "CTEST_CONTAINERS_" + row.name.upper()


def setting(row: Field[Any]) -> str:
    """The key of a row in the Django setting `CTEST_CONTAINERS`."""
    return row.name.upper()


def _shown(row: Field[Any]) -> object:
    """A default as a user would write it; None if there is nothing to write."""
    default: Any = row.default if row.default is not None else row.metadata["shown"]
    if default in {"", (), None}:
        return None
    if isinstance(default, bool):
        return "yes" if default else "no"
    if row.metadata["metavar"] == "TIME":
        return f"{default / 86400:g}d"
    if row.metadata["metavar"] == "SIZE":
        gibibytes, rest = divmod(default, 2**30)
        return f"{default // 2**20}m" if rest else f"{gibibytes}g"
    return default


def table() -> str:
    """The whole table in Markdown, a part for each section, as the documentation shows it."""
    lines: list[str] = []
    section = ""
    for row in fields(Config):
        if row.metadata["section"] != section:
            section = row.metadata["section"]
            lines += [
                "",
                f"### {section.capitalize()}",
                "",
                HEADING,
                "| --- | --- | --- | --- | --- |",
            ]
        shown = _shown(row)
        default = "—" if shown is None else f"`{shown}`"
        cells = (
            f"`{flag(row)} {row.metadata['metavar']}".rstrip() + "`",
            f"`{variable(row)}`",
            f'`"{setting(row)}"`',
            default,
            row.metadata["meaning"],
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines[1:])
