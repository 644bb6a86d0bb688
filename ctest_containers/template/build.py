"""The child process that lets Django create and migrate the databases of a template."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Final

from ctest_containers.backends import read_only_statement, sqlite
from ctest_containers.backends.clocks import clock_in, clocks_in_defaults
from ctest_containers.backends.settings import setting_in
from ctest_containers.errors import CtestError, TemplateError
from ctest_containers.model import DatabaseGroup, Lease, Vendor
from ctest_containers.project import connections
from ctest_containers.project.classes import building_classes
from ctest_containers.project.migrations import find_migrations
from ctest_containers.project.process import ProjectSetup
from ctest_containers.recording.digests import OVERRIDDEN
from ctest_containers.recording.places import Places
from ctest_containers.recording.recorder import Recorder
from ctest_containers.recording.used import Used
from ctest_containers.template import filled
from ctest_containers.text import listing

END_SECONDS: Final = 10.0
"""What a child that has done its work may take to end."""

EXIT_SETTING_NAMED: Final = 3
"""The exit code of a build whose error names a setting that the toolkit's servers have."""

ASK_FOR_SETTING: Final = (
    "The setting printed above may be the cause: your usual database server may have another "
    "value. Override it with --server-settings."
)

CreateDatabases = Callable[[Sequence[str], bool], object]
"""Creates and migrates the test databases of some aliases, as Django's runner does.

The second argument says whether they are there already, and lack only some migrations.
"""


def build_in_child(
    *,
    setup: ProjectSetup,
    create: CreateDatabases,
    group: DatabaseGroup,
    leases: Sequence[Lease],
    lent: Sequence[Lease],
    folder: Path | None,
    keep: bool,
    close: Sequence[int],
    timeout_seconds: float,
) -> Used:
    """Create a group's databases in a child process, and wait for it.

    Args:
        keep: Whether the databases are there already, and lack only some migrations.
        leases: Where the aliases live while the template is built.
        lent: Databases of other servers that migrations may read, but not write.
        folder: Where SQLite's databases are saved, a file for each alias; None for a server.
        close: Descriptors of the parent that a forked child must not keep open.

    Returns:
        What the project's code used for that.

    Raises:
        TemplateError: Django could not create or migrate them; its own report has been printed.
    """
    reading, writing = setup.context.Pipe(duplex=False)
    process = setup.context.Process(  # type: ignore[attr-defined]  # typeshed: on every context
        target=_create,
        args=(
            *(setup, create, group, tuple(leases), tuple(lent), folder, keep, writing),
            () if setup.spawned else tuple(close),
        ),
        name=f"template-{group.label}",
    )
    sys.stdout.flush()
    sys.stderr.flush()
    process.start()
    writing.close()
    answer: str | TemplateError = ""
    try:
        ready = wait([reading, process.sentinel], timeout_seconds)
        if reading in ready:
            # A child that fails says nothing before its end.
            with suppress(EOFError):
                answer = reading.recv()
        if ready:
            process.join(END_SECONDS)
    finally:
        reading.close()
        late = process.exitcode is None
        if late:
            process.kill()
            process.join()
    if late:
        raise TemplateError(
            f"Migrating the template for {group.label} took longer than {timeout_seconds:g} "
            "seconds and was stopped.",
            "Give it more time with --build-timeout.",
        )
    if isinstance(answer, TemplateError):
        raise answer
    if process.exitcode != 0:
        raise TemplateError(
            f"The test databases of {', '.join(map(repr, group.aliases))} could not be created and "
            "migrated; the reason is printed above.",
            ASK_FOR_SETTING
            if process.exitcode == EXIT_SETTING_NAMED
            else "manage.py migrate on an empty database should show the same.",
        )
    return Used.from_json(answer)


def _create(  # noqa: PLR0917  # A process's target takes positional arguments.
    setup: ProjectSetup,
    create: CreateDatabases,
    group: DatabaseGroup,
    leases: Sequence[Lease],
    lent: Sequence[Lease],
    folder: Path | None,
    keep: bool,  # noqa: FBT001
    writing: Connection,
    close: Sequence[int],
) -> None:
    for descriptor in close:
        with suppress(OSError):
            os.close(descriptor)
    # At the terminal, Ctrl-C reaches this process, too; the parent ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from django.db.backends.signals import connection_created
    from django.test.utils import override_settings

    try:
        setup.load()
        _adjust_test_settings(group)

        readable = {lease.alias: lease for lease in lent}

        def resolve(alias: str) -> None:
            if alias not in {*group.aliases, *readable}:
                raise TemplateError(
                    f"A migration for {group.label} uses the database {alias!r}, which is on "
                    "another server.",
                    f"To let it read there, name {alias!r} in TEST['DEPENDENCIES'] of "
                    f"{' or '.join(map(repr, group.aliases))}.",
                )

        def keep_from_writing(connection: Any, **_: object) -> None:
            if connection.alias in readable:
                with connection.cursor() as cursor:
                    cursor.execute(read_only_statement(connection.vendor))

        with connections.guarded(resolve):
            for lease in (*leases, *lent):
                connections.redirect(lease)
            # What it wrote there would be in no template.
            connection_created.connect(keep_from_writing)
            if OVERRIDDEN:
                # A process of pytest has folders of its own, which no template may name.
                override_settings(**OVERRIDDEN).enable()
            recorder = Recorder(Places.here(), _migration_packages(), clock_in)
            recorder.start()
            with filled.watched() as too_early:
                create(group.aliases, keep)
            if keep and too_early:
                raise TemplateError(
                    f"A new migration looks at rows of {listing(sorted(too_early))}, which an "
                    "empty database gets after its last migration."
                )
            used = recorder.stop(building_classes(group.aliases))
            used |= Used(clocks=frozenset(_clocks_in_defaults(group)))
            if folder is not None and group.vendor is Vendor.SQLITE:
                for database in group.databases:
                    first = database.aliases[0]
                    connections.save_sqlite(first, sqlite.file_of(folder, first))
            connections.disconnect(group.aliases)
        writing.send(used.to_json())
    except TemplateError as error:
        writing.send(error)
        sys.exit(1)
    except CtestError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
    except Exception as error:  # noqa: BLE001  # Whatever the project raised is printed here and reported by the exit code.
        traceback.print_exc()
        setting = setting_in(group, str(error)) if group.has_server else ""
        if not setting:
            sys.exit(1)
        sys.stderr.write(f"The toolkit starts its {group.vendor.value} servers with {setting}.\n")
        sys.exit(EXIT_SETTING_NAMED)


def _clocks_in_defaults(group: DatabaseGroup) -> Iterator[str]:
    """The columns that have got their values from a clock, or at random, wherever that was."""
    from django.db import connections as configured

    for database in group.databases:
        with configured[database.aliases[0]].cursor() as cursor:
            yield from clocks_in_defaults(cursor, group.vendor)


def _migration_packages() -> list[str]:
    """The names of the packages whose files are inputs as they are."""
    from django.apps import apps
    from django.conf import settings

    found = (
        find_migrations(config.label, config.name, settings.MIGRATION_MODULES)
        for config in apps.get_app_configs()
    )
    return [package.name for package in found if package is not None]


def _adjust_test_settings(group: DatabaseGroup) -> None:
    """Let Django order the group's databases without those of other servers.

    SQLite's are made in memory and then saved: a file that the settings name is never touched.
    """
    from django.db import DEFAULT_DB_ALIAS
    from django.db import connections as configured

    for alias in group.aliases:
        test = configured[alias].settings_dict["TEST"]
        wanted = test.get("DEPENDENCIES", [] if alias == DEFAULT_DB_ALIAS else [DEFAULT_DB_ALIAS])
        test["DEPENDENCIES"] = [one for one in wanted if one in group.aliases and one != alias]
        if group.vendor is Vendor.SQLITE:
            test["NAME"] = None
