"""Which engine it is, and whether it has what the toolkit needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ctest_containers.doctor.context import DoctorContext
from ctest_containers.doctor.finding import Area, Finding, error, note, ok, warning
from ctest_containers.engine.facts import LEAST_API, TESTED_API, EngineFacts, EngineKind, is_older
from ctest_containers.text import duration

CLOCK_SECONDS: Final = 5.0
"""How much clocks may differ before the ages of templates are wrong."""


def check_engine(context: DoctorContext) -> Iterator[Finding]:
    """Check what the engine reports about itself."""
    if context.facts is None:
        return
    yield from _which(context.facts, context.reached.address)
    yield from _what_it_lacks(context.facts)
    yield from _clock(context.facts)


def _which(facts: EngineFacts, address: str) -> Iterator[Finding]:
    rootless = "rootless " if facts.rootless else ""
    # Docker Desktop and others report the version of the Docker Engine inside them.
    name = f"{facts.kind.value}, {rootless}Docker Engine"
    if facts.kind in {EngineKind.DOCKER, EngineKind.PODMAN}:
        name = f"{rootless}{facts.kind.value}"
    yield ok(
        Area.ENGINE, f"{name[0].upper()}{name[1:]} {facts.version} (API {facts.api}) at {address}."
    )
    if is_older(facts.api, LEAST_API):
        yield error(
            Area.ENGINE,
            f"Its API {facts.api} is too old; {LEAST_API} or later is required.",
            "Update the engine: https://docs.docker.com/engine/install/.",
        )
    elif is_older(facts.api, TESTED_API):
        yield warning(
            Area.ENGINE,
            f"Its API {facts.api} is older than {TESTED_API} (Docker 20.10), the oldest one that "
            "is tested.",
            "Update the engine: https://docs.docker.com/engine/install/.",
        )
    if facts.kind is EngineKind.PODMAN:
        yield note(
            Area.ENGINE,
            "It is Podman with Docker's API. Servers run there, but Podman is tested less than "
            "Docker.",
            "If something fails here that does not fail with Docker, set DOCKER_HOST to a Docker "
            "Engine.",
        )


def _what_it_lacks(facts: EngineFacts) -> Iterator[Finding]:
    if facts.storage_driver == "vfs":
        yield warning(
            Area.ENGINE,
            "Its storage driver vfs copies the whole image for every server, which takes time "
            "and disk space.",
            'Set {"storage-driver": "overlay2"} in /etc/docker/daemon.json and restart it '
            '(for Podman: driver = "overlay" in storage.conf, or install fuse-overlayfs).',
        )
    if facts.root.startswith("/var/snap/"):
        yield warning(
            Area.ENGINE,
            "It is a snap, whose /tmp is not the one you see, so sockets there do not connect.",
            "Use `--transport port`, or install Docker from its own packages.",
        )
    limits = [limit for limit in facts.missing_limits if limit != "swap"]
    groups = f" (control groups of version {facts.cgroup_version})" if facts.cgroup_version else ""
    if limits:
        yield warning(
            Area.ENGINE,
            f"It does not limit {' and '.join(limits)} of containers{groups}, so "
            "--server-memory is not enforced: a runaway query can take all memory.",
            _limits_fix(facts),
        )
    elif facts.missing_limits:
        yield note(
            Area.ENGINE,
            "It does not limit swap, so a server that needs too much memory becomes slow before "
            "it is killed.",
            "On Debian and Ubuntu add swapaccount=1 to the kernel's command line.",
        )


def _limits_fix(facts: EngineFacts) -> str:
    if facts.rootless:
        return (
            "Rootless engines need control groups of version 2, delegated by systemd: "
            "https://rootlesscontaine.rs/getting-started/common/cgroup2/."
        )
    return (
        "Add cgroup_enable=memory swapaccount=1 to the kernel's command line: "
        "https://docs.docker.com/engine/install/troubleshoot/."
    )


def _clock(facts: EngineFacts) -> Iterator[Finding]:
    ahead = facts.clock_ahead_seconds
    if ahead is not None and abs(ahead) > CLOCK_SECONDS:
        direction = "ahead of" if ahead > 0 else "behind"
        yield warning(
            Area.ENGINE,
            f"Its clock is {duration(abs(ahead))} {direction} this machine's, so ages of templates "
            "are wrong.",
            "Synchronise both (`timedatectl set-ntp true`); restart Docker Desktop or Colima, "
            "whose machines lose time when a laptop sleeps.",
        )
