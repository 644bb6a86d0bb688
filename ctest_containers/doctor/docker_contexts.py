"""Whether the `docker` command talks to the engine that the toolkit talks to."""

from __future__ import annotations

from collections.abc import Iterator

from ctest_containers.doctor.context import DoctorContext
from ctest_containers.doctor.finding import Area, Finding, error, ok, warning
from ctest_containers.engine.contexts import chosen_context, named_in_properties
from ctest_containers.engine.reach import socket_path


def check_contexts(context: DoctorContext) -> Iterator[Finding]:
    """Compare the engine that is used with those of the docker command and of testcontainers."""
    used = context.reached.address
    chosen = chosen_context()
    if chosen is not None and not chosen.host:
        yield warning(
            Area.ENGINE,
            f"Docker's context {chosen.name!r}, chosen in {chosen.source}, does not exist, so "
            f"{used} is used.",
            "Choose an existing one with `docker context use NAME`; `docker context ls` lists "
            "them.",
        )
    elif chosen is not None and not _same(chosen.host, used):
        yield error(
            Area.ENGINE,
            f"The docker command talks to {chosen.host} (context {chosen.name!r}, chosen in "
            f"{chosen.source}), but the toolkit to {used}: the installed SDK does not support "
            "contexts.",
            f"Run `export DOCKER_HOST={chosen.host}`, or `docker context use default`.",
        )
    elif chosen is not None:
        yield ok(
            Area.ENGINE,
            f"Its address is that of Docker's context {chosen.name!r}, chosen in {chosen.source}.",
        )
    if (named := named_in_properties()) and not _same(named, used):
        yield error(
            Area.ENGINE,
            f"Images are looked up at {used}, but testcontainers would start servers at {named}, "
            "set by tc.host in ~/.testcontainers.properties.",
            f"Remove tc.host from that file, or run `export DOCKER_HOST={named}`.",
        )


def _same(first: str, other: str) -> bool:
    paths = [socket_path(first), socket_path(other)]
    if None in paths:
        return first.rstrip("/") == other.rstrip("/")
    real = {path.resolve() for path in paths if path is not None}
    return len(real) == 1
