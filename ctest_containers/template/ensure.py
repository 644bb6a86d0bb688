"""Finds a template, or lets exactly one run build it."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from ctest_containers.backends.drivers import unfit_drivers
from ctest_containers.backends.leases import server_leases
from ctest_containers.engine import labels
from ctest_containers.errors import EngineError, ImageUnavailableError, TemplateError
from ctest_containers.events import (
    BaseImageBuildStarted,
    Event,
    TemplateAwaited,
    TemplateBuildStarted,
    TemplateBuilt,
    TemplateFound,
)
from ctest_containers.model import Lease, Vendor, address_of
from ctest_containers.project.process import ProjectSetup
from ctest_containers.servers import ServerHostClient
from ctest_containers.servers.requests import (
    BuildBase,
    DigestImage,
    EndSessions,
    FindTemplate,
    RemoveServer,
    Snapshot,
    StartServer,
)
from ctest_containers.template.base import BaseImage
from ctest_containers.template.build import CreateDatabases, build_in_child
from ctest_containers.template.identity import Template
from ctest_containers.text import slug

FIND_SECONDS = 60.0
SNAPSHOT_SECONDS = 600.0
IMAGE_SECONDS = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateStore:
    """Where templates are kept: the engine's images, and a folder of files for SQLite.

    Attributes:
        folder: The toolkit's cache folder of this user; locks live there too.
        host: Gives the server host, starting it when it does not run yet.
        report: Is told what happens.
    """

    folder: Path
    host: Callable[[], ServerHostClient]
    report: Callable[[Event], None]
    server_timeout_seconds: float
    server_memory_bytes: int
    build_timeout_seconds: float

    def base_digest(self, base: BaseImage | None) -> str:
        """What identifies a base image on every machine; a named image may be pulled for it."""
        if base is None or base.context:
            return base.context if base else ""
        return str(self.host().call(DigestImage(image=base.name), IMAGE_SECONDS))

    def ensure(
        self,
        template: Template,
        setup: ProjectSetup,
        create: CreateDatabases,
        lend: Callable[[], Sequence[Lease]],
    ) -> bool:
        """Make sure that a template exists; build it unless another run does so already.

        Args:
            lend: Called before it is built; gives databases of other servers that it may read.

        Returns:
            Whether it was there all along.

        Raises:
            TemplateError: It could not be built.
            EngineError: The engine did not do its part.
        """
        if self._exists(template):
            self.report(_found(template))
            return True
        try:
            self._build_once(template, setup, create, lend)
        except OSError as error:
            raise TemplateError(
                f"The template cannot be made with the cache folder {self.folder}: {error}.",
                "Make room there, or name another folder with XDG_CACHE_HOME.",
            ) from error
        return False

    def files(self, template: Template) -> Path:
        """The folder of an SQLite template."""
        return self.folder / "sqlite" / slug(template.project) / template.fingerprint

    def _build_once(
        self,
        template: Template,
        setup: ProjectSetup,
        create: CreateDatabases,
        lend: Callable[[], Sequence[Lease]],
    ) -> None:
        group = template.group
        lent = lend()
        with self._locked(f"{slug(template.project)}-{template.fingerprint[:32]}", template):
            if self._exists(template):
                self.report(_found(template))
                return
            started = time.monotonic()
            self.report(
                TemplateBuildStarted(
                    group=group.label, aliases=group.aliases, fingerprint=template.fingerprint
                )
            )
            if group.vendor is Vendor.SQLITE:
                self._build_files(template, setup, create, lent)
            else:
                self._build_image(template, setup, create, lent)
            self.report(
                TemplateBuilt(
                    group=group.label,
                    fingerprint=template.fingerprint,
                    seconds=time.monotonic() - started,
                )
            )

    def _exists(self, template: Template) -> bool:
        if template.group.vendor is Vendor.SQLITE:
            return self.files(template).is_dir()
        found = self.host().call(FindTemplate(image=template.image), FIND_SECONDS)
        return found is not None and found.get(labels.FINGERPRINT) == template.fingerprint

    def _build_files(
        self,
        template: Template,
        setup: ProjectSetup,
        create: CreateDatabases,
        lent: Sequence[Lease],
    ) -> None:
        target = self.files(template)
        target.parent.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix="making-", dir=target.parent))
        try:
            build_in_child(
                setup=setup,
                create=create,
                group=template.group,
                leases=(),
                lent=lent,
                folder=making,
                close=self.host().descriptors() if lent else (),
                timeout_seconds=self.build_timeout_seconds,
            )
            making.rename(target)
        except BaseException:
            shutil.rmtree(making, ignore_errors=True)
            raise

    def _build_image(
        self,
        template: Template,
        setup: ProjectSetup,
        create: CreateDatabases,
        lent: Sequence[Lease],
    ) -> None:
        assert template.base is not None
        group = template.group
        host = self.host()
        self._ensure_base(template.base, template)
        server = f"template-{group.label}"
        start = StartServer(
            server=server,
            group=group.label,
            image=template.base.name,
            own_image=bool(template.base.context),
            vendor=group.vendor,
            users=group.roles,
            timeout_seconds=self.server_timeout_seconds,
            memory_bytes=self.server_memory_bytes,
        )
        try:
            answer = host.call(start, self.server_timeout_seconds + FIND_SECONDS)
            for unfit in unfit_drivers(group, answer["version"]):
                self.report(unfit)
            address = address_of(answer["address"])
            # An image of somebody else's may hold databases of these names, which Django drops.
            host.call(EndSessions(server=server), FIND_SECONDS)
            # Django gives the test database its name when it creates it.
            leases = server_leases(group, address, without="NAME")
            build_in_child(
                setup=setup,
                create=create,
                group=group,
                leases=leases,
                lent=lent,
                folder=None,
                close=host.descriptors(),
                timeout_seconds=self.build_timeout_seconds,
            )
            snapshot = Snapshot(
                server=server,
                image=template.image,
                databases=tuple(one.name for one in group.databases),
                fingerprint=template.fingerprint,
                labels=_labels(template),
                timeout_seconds=SNAPSHOT_SECONDS,
            )
            host.call(snapshot, SNAPSHOT_SECONDS * 2)
        finally:
            # What went wrong before counts more than an engine that has gone meanwhile.
            with suppress(EngineError):
                host.call(RemoveServer(server=server), FIND_SECONDS)

    def _ensure_base(self, base: BaseImage, template: Template) -> None:
        host = self.host()
        if host.call(FindTemplate(image=base.name), FIND_SECONDS) is not None:
            return
        if base.folder is None:
            raise ImageUnavailableError(f"The image {base.name} has gone from the engine.")
        with self._locked(f"base-{template.group.vendor.value}-{base.context[:32]}", template):
            self.report(BaseImageBuildStarted(image=base.name))
            build = BuildBase(image=base.name, folder=str(base.folder), context=base.context)
            host.call(build, IMAGE_SECONDS)

    @contextmanager
    def _locked(self, name: str, template: Template) -> Iterator[None]:
        """Between runs, one at a time; let go even when the holder is killed."""
        folder = self.folder / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"{name}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            self.report(
                TemplateAwaited(group=template.group.label, fingerprint=template.fingerprint)
            )
            try:
                lock.acquire(timeout=self.build_timeout_seconds)
            except Timeout as error:
                raise TemplateError(
                    f"Another run has been building {name} for more than "
                    f"{self.build_timeout_seconds:g} seconds.",
                    "End that run, or give it more time with --build-timeout.",
                ) from error
        try:
            yield
        finally:
            lock.release()


def _labels(template: Template) -> dict[str, str]:
    digests = {one.name: one.digest[:16] for one in template.inputs}
    return {labels.FINGERPRINT: template.fingerprint, labels.INPUTS: json.dumps(digests)}


def _found(template: Template) -> TemplateFound:
    group = template.group
    return TemplateFound(group=group.label, aliases=group.aliases, fingerprint=template.fingerprint)
