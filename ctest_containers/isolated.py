"""Isolated, migrated databases of a Django project for programs other than test runners.

For example:

    with Template.ensure() as template, template.spawn() as server:
        subprocess.run([...], env={**os.environ, "DATABASE_URL": server.url("default")})
"""

from __future__ import annotations

import functools
import itertools
import os
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from ctest_containers.backends.clients import database_url
from ctest_containers.config import Config, resolve
from ctest_containers.errors import CtestError, UsageError
from ctest_containers.events import Event
from ctest_containers.model import Lease
from ctest_containers.project import connections
from ctest_containers.project import settings as project_settings
from ctest_containers.project.process import ProjectSetup, spawns
from ctest_containers.supply.supply import Supply


@dataclass(frozen=True, slots=True)
class Server:
    """Freshly migrated databases, which exist until the `with` block of `spawn` ends.

    Attributes:
        settings: The entry of each alias in `DATABASES`.
        leases: The lease of each alias's database.
    """

    settings: Mapping[str, Mapping[str, Any]]
    leases: Mapping[str, Lease]

    def url(self, alias: str = "default") -> str:
        """Return the address of an alias's database, in the format of `DATABASE_URL`.

        Raises:
            UsageError: There is no database of this alias here.
        """
        if alias not in self.leases:
            raise UsageError(
                f"Unknown database {alias!r}.", f"The databases are: {', '.join(self.leases)}."
            )
        return database_url(self.leases[alias])


class Template:
    """The templates of a project's databases, which stay until they are pruned.

    It owns the process that manages the servers, so it must be closed, as its `with` block does.
    """

    def __init__(self, supply: Supply) -> None:
        self._supply = supply
        self._numbers = itertools.count(1)

    @classmethod
    def ensure(
        cls,
        aliases: Collection[str] | None = None,
        *,
        report: Any = None,
        **options: Any,
    ) -> Template:
        """Return the templates for some databases, after building those that do not exist.

        Django must be set up. The project's own test runner creates the databases.

        Args:
            aliases: The aliases of the databases; by default all aliases of the settings.
            report: Called with every event, such as `TemplateBuildStarted`.
            options: Options of the command line, by their names: `registry`, `transport`, ….

        Raises:
            UsageError: An option or an alias is unknown.
            TemplateError: A template could not be built.
            EngineError: The engine does not answer, or refuses a request.
        """
        return cls.of(configuration(options), aliases, report or _ignore)

    @classmethod
    def of(
        cls,
        config: Config,
        aliases: Collection[str] | None,
        report: Callable[[Event], None],
    ) -> Template:
        """Return the same as `ensure`, with a complete configuration."""
        names = known_aliases(aliases)
        supply = supply_of(config, report)
        with ExitStack() as undo:
            undo.callback(supply.close)
            # A forked child must not close the connections that this process has open.
            with connections.set_aside():
                supply.prepare(names)
            undo.pop_all()
        return cls(supply)

    @contextmanager
    def spawn(self) -> Iterator[Server]:
        """Create databases from the templates, and remove them when the block ends.

        The configured connections of this process do not change.

        Raises:
            ServerError: A server did not start.
            EngineError: The engine does not answer, or refuses a request.
        """
        number = next(self._numbers)
        folder = self._supply.host.folder() / f"spawned-{number}"
        databases = self._supply.databases
        groups = [template.group for template in databases.templates()]
        on_servers = [alias for group in groups if group.has_server for alias in group.aliases]
        try:
            # Servers come up while files are copied.
            self._supply.acquire(number, on_servers)
            copies = databases.copies(folder)
            spawned = (*copies, *self._supply.await_leases(number, on_servers))
            by_alias = {lease.alias: lease for lease in spawned if isinstance(lease, Lease)}
            leases = [by_alias[alias] for group in groups for alias in group.aliases]
            yield Server(
                settings={lease.alias: connections.settings_with(lease) for lease in leases},
                leases={lease.alias: lease for lease in leases},
            )
        finally:
            with suppress(CtestError):
                self._supply.release(number)
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Remove every server; the templates stay."""
        self._supply.close()

    def __enter__(self) -> Template:  # noqa: PYI034  # `Self` is not in Python 3.10.
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def configuration(options: Mapping[str, Any]) -> Config:
    """Return the configuration of the loaded project, with these options of the command line.

    Raises:
        UsageError: An option is unknown or has an invalid value.
    """
    return resolve(settings=project_settings.options(), environment=os.environ, options=options)


def known_aliases(aliases: Collection[str] | None) -> list[str]:
    """Return the given aliases, or all aliases of the settings if none are given.

    Raises:
        UsageError: There is no such alias.
    """
    from django.db import connections as configured

    unknown = sorted({*(aliases or ())}.difference(configured))
    if unknown:
        raise UsageError(
            f"Unknown database {unknown[0]!r}.",
            f"The settings define {', '.join(map(repr, sorted(configured)))}.",
        )
    return sorted(configured if aliases is None else aliases)


def supply_of(config: Config, report: Callable[[Event], None]) -> Supply:
    """Return the supply of the loaded project, whose own test runner creates the databases.

    The caller must close it.

    Raises:
        UsageError: The configuration contradicts the settings.
    """
    from django.conf import settings

    from ctest_containers.runner import combined

    return Supply(
        config=config,
        setup=ProjectSetup(spawned=spawns(config.start_method)),
        create=functools.partial(_create, settings.TEST_RUNNER),
        runner_inputs=combined(settings.TEST_RUNNER).fingerprint_inputs(),
        report=report,
    )


def _create(path: str, aliases: Sequence[str], keep: bool) -> None:  # noqa: FBT001
    """Create and migrate test databases in Django's test environment."""
    from django.test.utils import _TestState, setup_test_environment

    from ctest_containers.runner import create_databases

    if not hasattr(_TestState, "saved_data"):
        setup_test_environment()
    create_databases(path, aliases, keep, verbosity=0)


def _ignore(_: Event) -> None:
    """Ignore an event."""
