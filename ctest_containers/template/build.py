"""The child process that lets Django create and migrate the databases of a template."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Final

from ctest_containers.backends import BACKENDS, read_only_statement, sqlite
from ctest_containers.backends.catalog import Catalog
from ctest_containers.backends.clocks import clock_in, clocks_in_defaults
from ctest_containers.backends.privileges import refusal_in
from ctest_containers.backends.settings import setting_in
from ctest_containers.clock import Deadline
from ctest_containers.errors import CtestError, PrivilegeError, RenderingError, TemplateError
from ctest_containers.events import Event, MigrationsProgressed, TemplateBuildSlowed
from ctest_containers.model import OWNER, DatabaseGroup, Lease, Vendor
from ctest_containers.project import connections, line_coverage
from ctest_containers.project.classes import building_classes
from ctest_containers.project.guard import guarded
from ctest_containers.project.migrations import find_migrations
from ctest_containers.project.models import import_models, labels_with_tables, modules_of_models
from ctest_containers.project.process import ProjectSetup, start_child
from ctest_containers.project.remembered import facts_of
from ctest_containers.project.settings_lookup import override
from ctest_containers.recording.digests import OVERRIDDEN
from ctest_containers.recording.portable_paths import PortablePaths
from ctest_containers.recording.recorder import Recorder
from ctest_containers.recording.used import Used
from ctest_containers.rendering.on_demand import rendering_on_demand
from ctest_containers.rendering.support import obstacle
from ctest_containers.rendering.transcript import Transcriber, Transcript
from ctest_containers.template.layers import Milestone
from ctest_containers.template.milestones import Keep, Milestones
from ctest_containers.template.progress import Progress

END_SECONDS: Final = 10.0
"""What a child that has done its work may take to end."""

EXIT_SETTING_NAMED: Final = 3
"""The exit code of a build whose error names a setting that the toolkit's servers have."""

EXIT_REFUSED: Final = 4
"""The exit code of a build in which the project's role lacked a privilege."""

HINTS: Final = {
    EXIT_SETTING_NAMED: (
        "The setting printed above may be the cause: your usual database server may have another "
        "value. Override it with --server-settings."
    ),
    EXIT_REFUSED: (
        "If the role has this privilege on your usual database server, use --database-role auto "
        "or superuser."
    ),
}
"""What to suggest to the user, by exit code."""

SHARED: Final = "shared"
"""How the file is called that a build makes for the aliases of one database of SQLite's."""

LAYER: Final = "layer"
"""The folder in that of a build in which SQLite's databases are saved at a milestone."""

CreateDatabases = Callable[[Sequence[str], bool], object]
"""Creates and migrates the test databases of some aliases, as Django's runner does.

The second argument says whether they are there already, and lack only some migrations.
"""


@dataclass(frozen=True, slots=True)
class Left:
    """Says that a build is at a milestone, and waits.

    Attributes:
        used: What it has used, as JSON.
        facts: What each alias's connection remembers about the server.
        transcript: What it has done, at its end, if that was taken down.
        seconds: How long each migration took, at its end.
        unused: The names of migrations that it has not used.
        is_last: Whether it is at its end, and does not wait.
    """

    milestone: Milestone
    used: str
    facts: Mapping[str, Mapping[str, str]]
    unused: frozenset[str] = frozenset()
    is_last: bool = False
    transcript: Transcript | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Built:
    """What a build has come to.

    Attributes:
        milestone: The last one.
        used: What the project's code used.
        facts: What each alias's connection remembers about the server.
        transcript: What the build did, if that was taken down.
        seconds: How long each migration took.
    """

    milestone: Milestone
    used: Used
    facts: Mapping[str, Mapping[str, str]]
    transcript: Transcript | None
    seconds: Mapping[str, float]


def build_in_child(
    *,
    setup: ProjectSetup,
    create: CreateDatabases,
    group: DatabaseGroup,
    leases: Sequence[Lease],
    lent: Sequence[Lease],
    may_need_superuser: bool,
    on_demand: bool,
    transcribes: bool,
    report: Callable[[Event], None],
    known_seconds: Mapping[str, float],
    folder: Path | None,
    start: Milestone,
    keep: Keep | None,
    is_watched: bool,
    close: Sequence[int],
    timeout_seconds: float,
) -> Built:
    """Create a group's databases in a child process, and wait for it.

    Args:
        start: What the databases have had already; empty if there are none yet.
        keep: Called at milestones, while the child waits; None if the build is not to be left.
        is_watched: Whether other builds may resume from what this one makes, or this one does.
        leases: Where the aliases live while the template is built.
        lent: Databases of other servers that migrations may read, but not write.
        may_need_superuser: Whether a missing privilege raises PrivilegeError, instead of being
            printed.
        on_demand: Whether models are rendered when an operation asks for them.
        transcribes: Whether what the build does is taken down.
        report: Called with each event.
        known_seconds: How long migrations took in earlier builds.
        folder: Where SQLite's databases are saved, a file for each alias, and in a folder LAYER
            in it at milestones; None for a server.
        close: Descriptors of the parent that a forked child must not keep open.

    Raises:
        PrivilegeError: A migration needs a privilege that its role lacks.
        RenderingError: It has to be done again with models rendered as Django does.
        TemplateError: Django could not create or migrate them; its own report has been printed.
    """
    ours, theirs = setup.context.Pipe()
    process = setup.context.Process(  # type: ignore[attr-defined]  # typeshed: on every context
        target=_create,
        args=(
            *(
                setup,
                create,
                group,
                tuple(leases),
                tuple(lent),
                may_need_superuser,
                on_demand,
                transcribes,
                known_seconds,
                folder,
            ),
            *(start, keep is not None, is_watched, theirs),
            () if setup.spawned else tuple(close),
            modules_of_models() if setup.spawned else {},
            labels_with_tables() if setup.spawned else frozenset(),
        ),
        name=f"template-{group.label}",
    )
    sys.stdout.flush()
    sys.stderr.flush()
    start_child(process)
    theirs.close()
    answer: Left | TemplateError | None = None
    deadline = Deadline(timeout_seconds)
    try:
        while ready := wait([ours, process.sentinel], deadline.remaining):
            message = None
            if ours in ready:
                # A child that fails says nothing before its end.
                with suppress(EOFError, ConnectionResetError):
                    message = ours.recv()
            if isinstance(message, (MigrationsProgressed, TemplateBuildSlowed)):
                report(message)
                continue
            if not isinstance(message, Left) or message.is_last:
                answer = message
                process.join(END_SECONDS)
                break
            if keep is not None:
                keep(message.milestone, Used.from_json(message.used), message.unused)
            ours.send(None)
    finally:
        ours.close()
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
            HINTS.get(
                process.exitcode, "manage.py migrate on an empty database should show the same."
            ),
        )
    assert answer is not None
    used = Used.from_json(answer.used)
    return Built(answer.milestone, used, answer.facts, answer.transcript, answer.seconds)


def _create(  # noqa: PLR0917  # A process's target takes positional arguments.
    setup: ProjectSetup,
    create: CreateDatabases,
    group: DatabaseGroup,
    leases: Sequence[Lease],
    lent: Sequence[Lease],
    may_need_superuser: bool,  # noqa: FBT001
    on_demand: bool,  # noqa: FBT001
    transcribes: bool,  # noqa: FBT001
    known_seconds: Mapping[str, float],
    folder: Path | None,
    start: Milestone,
    is_left: bool,  # noqa: FBT001
    is_watched: bool,  # noqa: FBT001
    writing: Connection,
    close: Sequence[int],
    models: Mapping[str, str],
    needed: Collection[str],
) -> None:
    for descriptor in close:
        with suppress(OSError):
            os.close(descriptor)
    # What only a build runs is nothing that tests have run.
    line_coverage.stop()
    # At the terminal, Ctrl-C reaches this process, too; the parent ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from django.db import connections as configured
    from django.db.backends.signals import connection_created

    errors: Sequence[RenderingError] = ()
    try:
        setup.load()
        import_models(models, needed)
        files = {} if folder is None else _shared_files(group, folder)
        _adjust_test_settings(group, files)
        leases = [
            replace(lease, settings={**lease.settings, "NAME": files[lease.alias]})
            if lease.alias in files
            else lease
            for lease in leases
        ]

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

        with guarded(resolve):
            for lease in (*leases, *lent):
                connections.redirect(lease)
            # What it wrote there would be in no template.
            connection_created.connect(keep_from_writing)
            if OVERRIDDEN:
                # A process of pytest has folders of its own, which no template may name.
                override(OVERRIDDEN)
            recorder = Recorder(PortablePaths.here(), migration_packages(), clock_in)

            def leave(milestone: Milestone, used: Used, unused: Collection[str]) -> None:
                if folder is not None:
                    (folder / LAYER).mkdir()
                    _save(milestone.applied, folder / LAYER)
                clocks = _clocks_in_defaults(milestone.applied, leases, group.vendor)
                used |= Used(clocks=frozenset(clocks))
                writing.send(Left(milestone, used.to_json(), {}, frozenset(unused)))
                writing.recv()

            recorder.start()
            transcriber = Transcriber()
            progress = Progress(group, known_seconds, writing.send)
            milestones = Milestones(group, start, leave if is_left else None, recorder)
            slowed = obstacle() if on_demand else ""
            if slowed:
                writing.send(TemplateBuildSlowed(group=group.label, reason=slowed))
            with ExitStack() as block:
                if is_watched:
                    block.enter_context(milestones.watching())
                block.enter_context(progress.watching())
                if on_demand and not slowed:
                    errors = block.enter_context(rendering_on_demand())
                if transcribes:
                    watched = [configured[alias] for alias in group.aliases]
                    block.enter_context(transcriber.watching(watched))
                create(group.aliases, bool(start.applied))
            if errors:
                raise errors[0]
            used = recorder.stop(building_classes(group.aliases))
            last = milestones.reached() if is_watched else Milestone()
            firsts = [database.aliases[0] for database in group.databases]
            used |= Used(clocks=frozenset(_clocks_in_defaults(firsts, leases, group.vendor)))
            if folder is not None:
                _save(firsts, folder)
            transcript = None
            if transcribes:
                catalogs = _catalogs(firsts, leases, group.vendor, folder)
                transcript = transcriber.transcript(catalogs, map(configured.__getitem__, firsts))
            facts = {alias: facts_of(configured[alias]) for alias in group.aliases}
            connections.disconnect(group.aliases)
            for file in folder.glob(f"{SHARED}-*") if folder is not None else ():
                file.unlink()
        left = Left(last, used.to_json(), facts, is_last=True, transcript=transcript)
        writing.send(replace(left, seconds=progress.seconds))
    except RenderingError as error:
        refusal = refusal_in(error) if group.has_server else ""
        writing.send(PrivilegeError(refusal) if refusal and may_need_superuser else error)
        sys.exit(1)
    except TemplateError as error:
        writing.send(error)
        sys.exit(1)
    except CtestError as error:
        writing.send(TemplateError(error.message, error.hint))
        sys.exit(1)
    # Whatever the project raised is printed here and reported by the exit code.
    except (Exception, SystemExit) as error:
        refusal = refusal_in(error) if group.has_server else ""
        if refusal and may_need_superuser:
            writing.send(PrivilegeError(refusal))
            sys.exit(1)
        if errors:
            # The project has raised another error because of it.
            writing.send(errors[0])
            sys.exit(1)
        if start.applied:
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
        sys.stderr.write(f"The toolkit starts its {group.vendor.value} servers with {setting}.\n")
        sys.exit(EXIT_SETTING_NAMED)


def _save(aliases: Iterable[str], folder: Path) -> None:
    """Write SQLite databases to files."""
    for alias in aliases:
        connections.save_sqlite(alias, sqlite.file_of(folder, alias))


def _catalogs(
    aliases: Iterable[str], leases: Iterable[Lease], vendor: Vendor, folder: Path | None
) -> dict[str, Catalog]:
    """What each database consists of.

    Args:
        folder: Where SQLite's databases have been saved.
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
    """The columns that have got their values from a clock, or at random, wherever that was."""
    from django.db import connections as configured

    addresses = {lease.alias: lease.address for lease in leases}
    for alias in aliases:
        address = addresses.get(alias)
        if address is None:
            with configured[alias].cursor() as cursor:
                yield from clocks_in_defaults(cursor, vendor)
        else:
            # The project's role may not see all rows.
            name = configured[alias].settings_dict["NAME"]
            yield from BACKENDS[vendor].clocks_in_defaults(address, name)


def migration_packages() -> list[str]:
    """The names of the packages whose files are inputs as they are."""
    from django.apps import apps
    from django.conf import settings

    found = (
        find_migrations(config.label, config.name, settings.MIGRATION_MODULES)
        for config in apps.get_app_configs()
    )
    return [package.name for package in found if package is not None]


def _shared_files(group: DatabaseGroup, folder: Path) -> dict[str, str]:
    """Files in a folder for databases of SQLite's that several aliases have, by alias.

    Those in memory are each one alias's own.
    """
    from django.db import connections as configured

    files = {}
    for number, database in enumerate(group.databases):
        own = [one for one in database.aliases if not configured.settings[one]["TEST"]["MIRROR"]]
        if len(own) > 1:
            name = str(folder / f"{SHARED}-{number}.sqlite3")
            files.update(dict.fromkeys(database.aliases, name))
    return files


def _adjust_test_settings(group: DatabaseGroup, files: Mapping[str, str]) -> None:
    """Let Django order the group's databases without those of other servers.

    SQLite's are made in memory, or in these files, and then saved: a file that the settings name
    is never touched.
    """
    from django.db import DEFAULT_DB_ALIAS
    from django.db import connections as configured

    for database in group.databases:
        for alias in database.aliases:
            test = configured[alias].settings_dict["TEST"]
            # What Django assumes of an alias that does not live in the default database itself.
            assumed = [] if DEFAULT_DB_ALIAS in database.aliases else [DEFAULT_DB_ALIAS]
            wanted = test.get("DEPENDENCIES", assumed)
            test["DEPENDENCIES"] = [one for one in wanted if one in group.aliases and one != alias]
            if group.vendor is Vendor.SQLITE:
                test["NAME"] = files.get(alias)
            if alias in files:
                # Django tells by their names that they have one database.
                configured.settings[alias]["NAME"] = files[alias]
