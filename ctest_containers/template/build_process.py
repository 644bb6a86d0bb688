"""Creates and migrates the databases of a template, in a process of its own."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from ctest_containers.backends import BACKENDS, VENDORS, sqlite
from ctest_containers.backends.catalog import Catalog
from ctest_containers.backends.clocks import clock_in, clocks_in_defaults
from ctest_containers.backends.settings import setting_in
from ctest_containers.errors import CtestError, PrivilegeError, RenderingError, TemplateError
from ctest_containers.events import TemplateBuildSlowed
from ctest_containers.model import OWNER, SQLITE, DatabaseGroup, Lease, Vendor
from ctest_containers.project import connections, line_coverage
from ctest_containers.project.classes import building_classes
from ctest_containers.project.guard import guarded
from ctest_containers.project.migrations import find_migrations
from ctest_containers.project.models import import_models
from ctest_containers.project.remembered import facts_of
from ctest_containers.project.settings_lookup import override
from ctest_containers.recording.digests import OVERRIDDEN
from ctest_containers.recording.portable_paths import PortablePaths
from ctest_containers.recording.recorder import Recorder
from ctest_containers.recording.used import Used
from ctest_containers.rendering.on_demand import rendering_on_demand
from ctest_containers.rendering.support import obstacle
from ctest_containers.rendering.transcript import Transcriber
from ctest_containers.template.build_task import (
    EXIT_REFUSED,
    EXIT_SETTING_NAMED,
    LAYER,
    BuildTask,
    MilestoneReached,
)
from ctest_containers.template.layers import Milestone
from ctest_containers.template.milestones import Milestones
from ctest_containers.template.progress import Progress

SHARED: Final = "shared"
"""The prefix of the file that a build makes for aliases that share an SQLite database."""


def create_in_this_process(
    task: BuildTask,
    writing: Connection,
    close: Sequence[int],
    models: Mapping[str, str],
    needed: Collection[str],
) -> None:
    """Create and migrate the databases of a task, and end with an exit code.

    Args:
        writing: The connection to which events, milestones and the result are sent.
        close: Descriptors of the parent to close.
        models, needed: See `import_models`.
    """
    group = task.group
    for descriptor in close:
        with suppress(OSError):
            os.close(descriptor)
    # Lines that only a build runs are not covered by tests.
    line_coverage.stop()
    # At the terminal, Ctrl-C also reaches this process; the parent ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from django.db import connections as configured
    from django.db.backends.signals import connection_created

    errors: Sequence[RenderingError] = ()
    try:
        task.setup.load()
        import_models(models, needed)
        files = {} if task.folder is None else _shared_files(group, task.folder)
        _adjust_test_settings(group, files)
        leases = [
            replace(lease, settings={**lease.settings, "NAME": files[lease.alias]})
            if lease.alias in files
            else lease
            for lease in task.leases
        ]

        readable = {lease.alias: lease for lease in task.lent}

        def resolve(alias: str) -> None:
            if alias not in {*group.aliases, *readable}:
                raise TemplateError(
                    f"A migration for {group.label} uses the database {alias!r}, which is on "
                    "another server.",
                    f"To let it read from {alias!r}, add {alias!r} to TEST['DEPENDENCIES'] of "
                    f"{' or '.join(map(repr, group.aliases))}.",
                )

        def keep_from_writing(connection: Any, **_: object) -> None:
            if connection.alias in readable:
                with connection.cursor() as cursor:
                    cursor.execute(VENDORS[connection.vendor].session.read_only)

        with guarded(resolve):
            for lease in (*leases, *task.lent):
                connections.redirect(lease)
            # No template would contain what a migration wrote there.
            connection_created.connect(keep_from_writing)
            if OVERRIDDEN:
                # Each pytest process has its own folders, which no template may name.
                override(OVERRIDDEN)
            recorder = Recorder(PortablePaths.here(), migration_packages(), clock_in)

            def save(milestone: Milestone, used: Used, unused: Collection[str]) -> None:
                if task.folder is not None:
                    (task.folder / LAYER).mkdir()
                    _save(milestone.applied, task.folder / LAYER)
                clocks = _clocks_in_defaults(milestone.applied, leases, group.vendor)
                used |= Used(clocks=frozenset(clocks))
                writing.send(MilestoneReached(milestone, used.to_json(), {}, frozenset(unused)))
                writing.recv()

            recorder.start()
            transcriber = Transcriber()
            progress = Progress(group, task.known_seconds, writing.send)
            on_milestone = save if task.saves_layers else None
            milestones = Milestones(group, task.start, on_milestone, recorder)
            slowed = obstacle() if task.on_demand else ""
            if slowed:
                writing.send(TemplateBuildSlowed(group=group.label, reason=slowed))
            with ExitStack() as block:
                if task.is_watched:
                    block.enter_context(milestones.watching())
                block.enter_context(progress.watching())
                if task.on_demand and not slowed:
                    errors = block.enter_context(rendering_on_demand())
                if task.transcribes:
                    watched = [configured[alias] for alias in group.aliases]
                    block.enter_context(transcriber.watching(watched))
                task.create(group.aliases, bool(task.start.applied))
            if errors:
                raise errors[0]
            used = recorder.stop(building_classes(group.aliases))
            last = milestones.reached() if task.is_watched else Milestone()
            firsts = [database.aliases[0] for database in group.databases]
            used |= Used(clocks=frozenset(_clocks_in_defaults(firsts, leases, group.vendor)))
            if task.folder is not None:
                _save(firsts, task.folder)
            transcript = None
            if task.transcribes:
                catalogs = _catalogs(firsts, leases, group.vendor, task.folder)
                transcript = transcriber.transcript(catalogs, map(configured.__getitem__, firsts))
            facts = {alias: facts_of(configured[alias]) for alias in group.aliases}
            connections.disconnect(group.aliases)
            for file in () if task.folder is None else task.folder.glob(f"{SHARED}-*"):
                file.unlink()
        result = MilestoneReached(last, used.to_json(), facts, is_last=True, transcript=transcript)
        writing.send(replace(result, seconds=progress.seconds))
    except RenderingError as error:
        refusal = VENDORS[group.vendor].refusal_in(error)
        writing.send(PrivilegeError(refusal) if refusal and task.may_need_superuser else error)
        sys.exit(1)
    except TemplateError as error:
        writing.send(error)
        sys.exit(1)
    except CtestError as error:
        writing.send(TemplateError(error.message, error.hint))
        sys.exit(1)
    # What the project raised is printed here and reported by the exit code.
    except (Exception, SystemExit) as error:
        refusal = VENDORS[group.vendor].refusal_in(error)
        if refusal and task.may_need_superuser:
            writing.send(PrivilegeError(refusal))
            sys.exit(1)
        if errors:
            # The project turned it into another error.
            writing.send(errors[0])
            sys.exit(1)
        if task.start.applied:
            # The full build that follows prints it, unless that succeeds.
            writing.send(TemplateError(f"{type(error).__name__}: {error}"))
            sys.exit(1)
        # If Django's runner exits, it has already printed why.
        if not isinstance(error, SystemExit):
            traceback.print_exc()
        if refusal and group.privileges == OWNER:
            sys.exit(EXIT_REFUSED)
        if isinstance(error, SystemExit):
            raise
        setting = setting_in(group, str(error)) if group.has_server else ""
        if not setting:
            sys.exit(1)
        sys.stderr.write(f"The toolkit starts its {group.vendor} servers with {setting}.\n")
        sys.exit(EXIT_SETTING_NAMED)


def _save(aliases: Iterable[str], folder: Path) -> None:
    """Write SQLite databases to files."""
    for alias in aliases:
        connections.save_sqlite(alias, sqlite.file_of(folder, alias))


def _catalogs(
    aliases: Iterable[str], leases: Iterable[Lease], vendor: Vendor, folder: Path | None
) -> dict[str, Catalog]:
    """Return the catalog of each database, by its first alias.

    Args:
        folder: Where SQLite databases have been saved; None for a server.
    """
    from django.db import connections as configured

    if folder is not None:
        return {alias: sqlite.catalog(sqlite.file_of(folder, alias)) for alias in aliases}
    addresses = {lease.alias: lease.address for lease in leases}
    return {
        alias: BACKENDS[vendor].catalog(address, configured[alias].settings_dict["NAME"])
        for alias in aliases
        if (address := addresses.get(alias)) is not None
    }


def _clocks_in_defaults(
    aliases: Iterable[str], leases: Iterable[Lease], vendor: Vendor
) -> Iterator[str]:
    """Yield the columns whose defaults took values from a clock or at random."""
    from django.db import connections as configured

    addresses = {lease.alias: lease.address for lease in leases}
    for alias in aliases:
        address = addresses.get(alias)
        if address is None:
            with configured[alias].cursor() as cursor:
                yield from clocks_in_defaults(cursor, VENDORS[vendor].session.defaults)
        else:
            # The project's role may not see all rows.
            name = configured[alias].settings_dict["NAME"]
            yield from BACKENDS[vendor].clocks_in_defaults(address, name)


def migration_packages() -> list[str]:
    """Return the names of the packages of migrations, whose files are inputs as they are."""
    from django.apps import apps
    from django.conf import settings

    packages = (
        find_migrations(config.label, config.name, settings.MIGRATION_MODULES)
        for config in apps.get_app_configs()
    )
    return [package.name for package in packages if package is not None]


def _shared_files(group: DatabaseGroup, folder: Path) -> dict[str, str]:
    """Return files in a folder for SQLite databases that several aliases share, by alias.

    A database in memory belongs to one alias.
    """
    from django.db import connections as configured

    files = {}
    for number, database in enumerate(group.databases):
        own = [name for name in database.aliases if not configured.settings[name]["TEST"]["MIRROR"]]
        if len(own) > 1:
            file = str(folder / f"{SHARED}-{number}.sqlite3")
            files.update(dict.fromkeys(database.aliases, file))
    return files


def _adjust_test_settings(group: DatabaseGroup, files: Mapping[str, str]) -> None:
    """Let Django order the group's databases without those of other servers.

    SQLite databases are created in memory, or in `files`, and then saved: a file that the settings
    name is never touched.
    """
    from django.db import DEFAULT_DB_ALIAS
    from django.db import connections as configured

    for database in group.databases:
        for alias in database.aliases:
            test = configured[alias].settings_dict["TEST"]
            # Django's default for an alias of another database than the default one.
            default = [] if DEFAULT_DB_ALIAS in database.aliases else [DEFAULT_DB_ALIAS]
            dependencies = test.get("DEPENDENCIES", default)
            test["DEPENDENCIES"] = [
                name for name in dependencies if name in group.aliases and name != alias
            ]
            if group.vendor == SQLITE:
                test["NAME"] = files.get(alias)
            if alias in files:
                # Django recognises a shared database by its name.
                configured.settings[alias]["NAME"] = files[alias]
