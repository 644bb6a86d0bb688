"""Finds the milestones of a build in the process that migrates."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from ctest_containers.backends import VENDORS
from ctest_containers.errors import LayerError, TemplateError
from ctest_containers.model import DatabaseGroup
from ctest_containers.project.classes import building_classes
from ctest_containers.project.migrations import name_of
from ctest_containers.recording.hidden import hidden_states
from ctest_containers.recording.manifest import definition_of, state_digests
from ctest_containers.recording.portable_paths import PortablePaths
from ctest_containers.recording.recorder import Recorder
from ctest_containers.recording.registry import watching_registry
from ctest_containers.recording.sources import Sources
from ctest_containers.recording.used import Used
from ctest_containers.template.layers import Milestone
from ctest_containers.template.obstacles import Obstacles
from ctest_containers.template.pace import Pace
from ctest_containers.template.plan_order import put_in_order, whole_plan
from ctest_containers.template.process_state import receivers
from ctest_containers.template.tables import TouchedTables
from ctest_containers.text import listing

SaveMilestone = Callable[[Milestone, Used, Collection[str]], None]
"""Saves the databases at a milestone.

The other arguments are what the build has used, and the names of migrations that it has not used.
"""


class Milestones:
    """Watches Django migrate, and saves the databases at some milestones.

    Args:
        start: The milestone from which the build resumes; an empty one for a full build.
        save: Called at a milestone; None if no layers are saved.
        recorder: Records what the build uses.
    """

    def __init__(
        self, group: DatabaseGroup, start: Milestone, save: SaveMilestone | None, recorder: Recorder
    ) -> None:
        support = VENDORS[group.vendor]
        self._session = support.session
        self._aliases = group.aliases
        self._start = start
        self._save = save
        self._recorder = recorder
        self._classes: list[type] = []
        self._applied = {alias: [*names] for alias, names in start.applied.items()}
        self._complete = [*start.complete]
        self._modules: dict[str, str] = {}
        self._has_squashed = False
        self._is_delayed = start.is_delayed
        self._is_applying = False
        self._positions: dict[str, int] = {}
        self._order: list[Any] = []
        self._pace = Pace(has_server=group.has_server, count=start.count)
        # A migration of one database may use another database in a second transaction.
        locks = support.locks if len(group.databases) == 1 else None
        self._tables = TouchedTables(start.touched, locks)
        self._obstacles = Obstacles(support.session, recorder)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch during the block.

        Raises:
            TemplateError: The process differs from that of the build that this one resumes from.
        """
        from django.core.management.commands import migrate
        from django.db import connections
        from django.db.migrations.executor import MigrationExecutor

        namespace = vars(migrate)
        apply, emit = MigrationExecutor.apply_migration, namespace["emit_post_migrate_signal"]
        forwards = vars(MigrationExecutor)["_migrate_all_forwards"]

        def apply_migration(executor: Any, state: Any, migration: Any, **options: Any) -> Any:
            connection = executor.connection
            self._begin(connection)
            names = self._applied.setdefault(connection.alias, [])
            if not self._modules:
                disk = executor.loader.disk_migrations.items()
                self._modules = {name_of(key): type(loaded).__module__ for key, loaded in disk}
                self._has_squashed = any(loaded.replaces for _, loaded in disk)
                self._pace.total = len(whole_plan(executor))
            self._is_delayed = state.is_delayed
            if names and self._is_due(is_last=len(names) + 1 == self._pace.total):
                if self._positions:
                    put_in_order(connection, self._order)
                self._save_layer()
            name = name_of((migration.app_label, migration.name))
            self._is_applying = True
            with self._tables.noting(connection, migration):
                result = apply(executor, state, migration, **options)
            self._is_applying = False
            self._is_delayed = result.is_delayed
            names.append(name)
            if self._positions:
                # A migration that may follow later ones has the same result as if it preceded them.
                names.sort(key=lambda name: self._positions.get(name, len(self._positions)))
            return result

        def migrate_all_forwards(
            executor: Any, state: Any, plan: Any, full_plan: Any, **options: Any
        ) -> Any:
            missing = [migration for migration, _ in plan]
            order = [migration for migration, _ in full_plan]
            steps = [name_of((migration.app_label, migration.name)) for migration in order]
            applied = self._start.applied.get(executor.connection.alias, [])
            if applied:
                self._check_new(missing)
                # A full build renders the models again, which changes their order.
                state.is_delayed = self._start.is_delayed
            if applied != steps[: len(applied)]:
                # New migrations may also change the order of earlier ones.
                self._positions = {name: number for number, name in enumerate(steps)}
                self._order = order
            if order[len(order) - len(missing) :] == missing:
                return forwards(executor, state, plan, full_plan, **options)
            self._tables.expect(order, missing)
            # As in a full build, no migration sees the models of later ones.
            state = executor._create_project_state()
            state.is_delayed = self._start.is_delayed
            for migration in order:
                if migration in missing:
                    _ = state.apps
                    state = executor.apply_migration(state, migration, **options)
                else:
                    # Models are rendered again when they are needed.
                    vars(state).pop("apps", None)
                    state = migration.mutate_state(state, preserve=False)
            return state

        def emit_post_migrate(verbosity: Any, interactive: Any, db: str, **options: Any) -> None:
            before = self._start.applied.get(db, [])
            if db in self._start.complete and self._applied[db] == before:
                return
            connection = connections[db]
            self._begin(connection)
            self._applied.setdefault(db, [])
            if before:
                if not self._is_delayed:
                    raise LayerError("The order of models may differ from that of a full build.")
                options["plan"] = plan = whole_plan(MigrationExecutor(connection))
                if self._positions:
                    put_in_order(connection, [migration for migration, _ in plan])
            if self._tables.has_late:
                self._check_start()
                if not self._obstacles.is_resumable():
                    raise TemplateError("A migration applied after later ones changes the process.")
            # By now, Django has recorded squashed migrations, which it does after all others.
            if (
                self._obstacles.is_resumable()
                and not self._has_squashed
                and self._is_due(is_last=True)
            ):
                self._save_layer()
            emit(verbosity, interactive, db, **options)
            if db not in self._complete:
                self._complete.append(db)

        with ExitStack() as undo:
            undo.enter_context(watching_registry(self._note_asking))
            undo.callback(setattr, MigrationExecutor, "apply_migration", apply)
            setattr(MigrationExecutor, "apply_migration", apply_migration)  # noqa: B010  # mypy knows it as a method.
            undo.callback(setattr, MigrationExecutor, "_migrate_all_forwards", forwards)
            setattr(MigrationExecutor, "_migrate_all_forwards", migrate_all_forwards)  # noqa: B010  # As above.
            undo.callback(namespace.update, emit_post_migrate_signal=emit)
            namespace["emit_post_migrate_signal"] = emit_post_migrate
            if self._session.keeping is not None:
                for connection in connections.all(initialized_only=True):
                    undo.enter_context(connection.execute_wrapper(self._obstacles.read_statement))
            yield

    def reached(self) -> Milestone:
        """Return the current milestone, just after the recorder was asked what the build used.

        If no build can resume from here, the milestone only says why.
        """
        obstacles = self._obstacles
        if not obstacles.first and (names := sorted(hidden_states(self._recorder.reached))):
            obstacles.note(f"{names[0]} has a state that cannot be compared")
        if obstacles.first:
            return Milestone(obstacle=obstacles.first)
        known = map(definition_of, self._start.states)
        sources = self._recorder.sources
        states = state_digests({*self._recorder.reached, *known}, PortablePaths.here(), sources)
        return Milestone(
            applied={alias: [*names] for alias, names in self._applied.items()},
            complete=[*self._complete],
            states=states,
            receivers=receivers(),
            touched=dict(self._tables.touched),
            acting=sorted(self._acting()),
            is_delayed=self._is_delayed,
        )

    def _acting(self) -> set[str]:
        """Return the migrations whose modules have side effects when imported."""
        sources = self._recorder.sources
        return {name for name, module in self._modules.items() if _acts(sources, module)}

    def _check_new(self, missing: list[Any]) -> None:
        """Refuse new migrations whose mere import may have changed what earlier ones did."""
        sources = self._recorder.sources
        sources.look_again()
        for migration in missing:
            name = name_of((migration.app_label, migration.name))
            if name not in self._start.acting and _acts(sources, type(migration).__module__):
                raise TemplateError(f"Importing the module of {name} has side effects.")

    def _note_asking(self, is_real: bool) -> None:  # noqa: FBT001
        """Note that the project asks for all models: today's, or those of a migration."""
        if self._is_applying:
            self._tables.note_asking()
            if is_real:
                self._obstacles.note(
                    "a migration used today's models instead of those of its state"
                )

    def _begin(self, connection: Any) -> None:
        """Note the state of the process and session before the first migration of a database."""
        if not self._obstacles.has_begun:
            self._check_start()
            self._obstacles.begin()
            self._pace.begin()
        self._obstacles.begin_session(connection)

    def _is_due(self, *, is_last: bool) -> bool:
        return self._pace.is_due(sum(map(len, self._applied.values())), is_last=is_last)

    def _check_start(self) -> None:
        """Refuse to resume from a milestone at which the process had other values than this one.

        Migrations may change what later ones read, and new modules may change what earlier ones
        have read.
        """
        states = self._start.states
        definitions = [definition_of(name) for name in states]
        for module, _ in definitions:
            # A migration may import it only in a function.
            with suppress(Exception):
                importlib.import_module(module)
        today = state_digests(definitions, PortablePaths.here(), self._recorder.sources)
        if changed := sorted(name for name in states if today.get(name) != states[name]):
            names = listing([".".join(definition_of(name)) for name in changed])
            raise LayerError(f"These values differ from those at the milestone: {names}.")
        if states and self._start.receivers != receivers():
            raise LayerError("The receivers of signals differ from those at the milestone.")

    def _save_layer(self) -> None:
        """Save a layer, unless the process or a session has a state that a layer cannot contain."""
        self._pace.begin_saving()
        if self._save is None or not self._obstacles.is_resumable():
            return
        self._classes = self._classes or [*building_classes(self._aliases)]
        used = self._recorder.so_far(self._classes)
        milestone = self.reached()
        if milestone.obstacle:
            return
        reached = {module for module, _ in self._recorder.reached}
        applied = {name for names in milestone.applied.values() for name in names}
        unused = {name for name, module in self._modules.items() if module not in reached}
        # Files that the toolkit writes are not obstacles.
        with self._recorder.paused():
            self._save(milestone, used, unused - applied - {*milestone.acting})
        self._pace.end_saving(milestone.count)


def _acts(sources: Sources, module: str) -> bool:
    """Return whether importing a module of a migration does more than define the migration."""
    source = sources.find(module)
    return source is not None and bool(source.effects() - {"Migration"})
