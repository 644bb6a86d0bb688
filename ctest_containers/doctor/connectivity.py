"""Whether an engine answers; what keeps it from that, each with the way to change it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ctest_containers.doctor.context import DoctorContext
from ctest_containers.doctor.finding import Area, Finding, error, note
from ctest_containers.engine.contexts import chosen_context
from ctest_containers.engine.reach import Obstacle, Reach, socket_path
from ctest_containers.errors import EngineUnreachableError

INSTALL: Final = "Install Docker: https://docs.docker.com/engine/install/"

EXPORT: Final = "export DOCKER_HOST={}"


def check_reach(context: DoctorContext) -> Iterator[Finding]:
    """Find out why no engine answers, if none does."""
    reached = context.reached
    if reached.obstacle is None and context.trouble is None:
        return
    if context.trouble is None:
        what, fix = _explained(reached)
    else:
        silent = isinstance(context.trouble, EngineUnreachableError)
        what = context.trouble.message
        fix = (
            _remedy(reached.address) if silent else context.trouble.hint or _remedy(reached.address)
        )
    if context.needs_engine:
        yield error(Area.ENGINE, what, fix)
    else:
        yield note(Area.ENGINE, f"{what} The tests' databases need no engine.", fix)


def _remedy(address: str) -> str:
    """The fix where only the SDK knows what is wrong."""
    if address.startswith("ssh:"):
        return (
            'The SDK needs `pip install "docker[ssh]"` and a key without a passphrase; or forward '
            "the socket: `ssh -L /tmp/docker.sock:/var/run/docker.sock HOST`."
        )
    chosen = chosen_context()
    if chosen is not None and chosen.host:
        return (
            f"Check `docker --context {chosen.name} info`; fix the context, or choose another one "
            "with `docker context use NAME`."
        )
    if os.environ.get("DOCKER_TLS_VERIFY"):
        return "Check the certificates in DOCKER_CERT_PATH and the address in DOCKER_HOST."
    return f"Restart it: {_restart()}."


def _explained(reached: Reach) -> tuple[str, str]:
    path, named = socket_path(reached.address), bool(os.environ.get("DOCKER_HOST"))
    where = f"{reached.address} (DOCKER_HOST)" if named else reached.address
    detail = f": {reached.detail}" if reached.detail else ""
    correct = "Correct DOCKER_HOST, or `unset DOCKER_HOST` to use the engine of this machine."
    match reached.obstacle:
        case Obstacle.ABSENT:
            return _absent(where, named=named)
        case Obstacle.FORBIDDEN:
            assert path is not None
            return _forbidden(path)
        case Obstacle.NOT_A_SOCKET:
            return f"{path} is not a socket.", correct if named else _start()
        case Obstacle.REFUSED:
            return f"Nothing listens at {where}; the engine is not running.", (
                _other() or (_start() if path is not None else correct)
            )
        case Obstacle.SILENT:
            unset = " Or `unset DOCKER_HOST` to use the engine of this machine." if named else ""
            return (
                f"The engine at {where} accepts the connection, but does not answer.",
                f"Restart it: {_restart()}.{unset}",
            )
        case Obstacle.BAD_ADDRESS:
            return (
                f"{where} is not the address of an engine{detail}.",
                (
                    "Set DOCKER_HOST to an address such as unix:///var/run/docker.sock or "
                    "tcp://127.0.0.1:2375, or `unset DOCKER_HOST`."
                ),
            )
        case Obstacle.NOT_AN_ENGINE:
            return (
                f"The program that answers at {where} is not a Docker Engine{detail}.",
                (
                    "Correct DOCKER_HOST; an engine behind TLS also needs DOCKER_TLS_VERIFY=1 "
                    "and DOCKER_CERT_PATH."
                ),
            )
        case _:
            return f"The engine's host cannot be reached at {where}{detail}.", correct


def _absent(where: str, *, named: bool) -> tuple[str, str]:
    if other := _other():
        return f"There is no engine socket at {where}.", other
    chosen = chosen_context()
    if chosen is not None and chosen.host:
        return (
            (
                f"There is no engine socket at {where}, the address in Docker's context "
                f"{chosen.name!r}."
            ),
            "Start that engine, or choose another one: `docker context use default`.",
        )
    if named:
        return (
            f"There is no engine socket at {where}.",
            "Correct DOCKER_HOST, or `unset DOCKER_HOST` to use the engine of this machine.",
        )
    if Path("/.dockerenv").exists():
        return (
            f"This process runs in a container without an engine socket at {where}.",
            "Start the container with `-v /var/run/docker.sock:/var/run/docker.sock`.",
        )
    if shutil.which("dockerd") or shutil.which("docker"):
        return f"Docker is installed but not running: there is no socket at {where}.", _start()
    return f"Docker is not installed, and there is no engine socket at {where}.", _install()


def _forbidden(path: Path) -> tuple[str, str]:
    what = f"You do not have permission to use the engine socket {path}"
    try:
        import grp
        import pwd

        group = grp.getgrgid(path.stat().st_gid)
        user = pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError, OSError):
        return f"{what}.", f"Ask the administrator of {path.parent} for access."
    if group.gr_gid == 0:
        return (
            f"{what}: only root does.",
            (
                f"Give it to a group: run `sudo groupadd docker; sudo usermod -aG docker {user}`, "
                "restart Docker, then log in again."
            ),
        )
    if user in group.gr_mem:
        return (
            f"{what}: you are in the group {group.gr_name}, but were not when you logged in.",
            f"Log in again, or run `newgrp {group.gr_name}`.",
        )
    return (
        f"{what}: you ({user}) are not in the group {group.gr_name}.",
        f"Run `sudo usermod -aG {group.gr_name} {user}`, then log in again.",
    )


def _other() -> str:
    """How to use another engine of this user that has a socket; empty if there is none."""
    home, runtime = Path.home(), os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{_user()}")
    for what, path in (
        ("rootless Docker", Path(runtime) / "docker.sock"),
        ("Docker Desktop", home / ".docker" / "run" / "docker.sock"),
        ("Docker Desktop", home / ".docker" / "desktop" / "docker.sock"),
        ("Colima", home / ".colima" / "default" / "docker.sock"),
        ("OrbStack", home / ".orbstack" / "run" / "docker.sock"),
        ("Podman", Path(runtime) / "podman" / "podman.sock"),
    ):
        try:
            if path.is_socket():
                return f"To use {what} instead: `{EXPORT.format(f'unix://{path}')}`."
        except OSError:
            continue
    return ""


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0


def _start() -> str:
    if sys.platform != "linux":
        return "Start Docker Desktop, or run `colima start`."
    return f"Start it: {_command('start')}."


def _restart() -> str:
    return "restart Docker Desktop" if sys.platform != "linux" else _command("restart")


def _command(action: str) -> str:
    if Path("/run/systemd/system").is_dir():
        return f"`sudo systemctl {action} docker`"
    return f"`sudo service docker {action}`"


def _install() -> str:
    if shutil.which("apt-get"):
        return (
            "Run `sudo apt-get install docker.io`, or see https://docs.docker.com/engine/install/."
        )
    return f"{INSTALL}."
