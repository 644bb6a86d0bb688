"""A cluster of Slurm on this machine: its own daemons, and as many nodes as are wanted."""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from harness.ports import free_ports
from harness.projects import wait_for

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"

PACKAGES: Final = ("munge", "openssl", "slurm-client", "slurmctld", "slurmd")

CONFIGURATION: Final = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
# Nothing listens but on the loopback address.
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
# Control groups are the machine's business.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0
# Nodes have what is said here, whatever the machine has.
SlurmdParameters=config_overrides
PartitionName=all Nodes=ALL Default=YES State=UP
"""

NODE: Final = (
    "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=4 RealMemory=8192\n"
)


@contextmanager
def slurm(folder: Path, *nodes: str) -> Iterator[dict[str, str]]:
    """A cluster that has these nodes; gives what leads Slurm's commands to it.

    Args:
        folder: A new folder with a short path.
    """
    subprocess.run([SCRIPTS / "packages", *PACKAGES], check=True)
    environment = {"SLURM_CONF": str(folder / "slurm.conf")}
    _configure(folder, nodes)
    commands = [
        ["slurmctld", "-D"],
        *(["slurmd", "-D", "-N", name] for name in nodes),
    ]
    with ExitStack() as daemons:
        munge = folder / "munge"
        daemons.enter_context(_daemon(folder, _munged(munge), {}))
        wait_for((munge / "socket").exists, 10, "the socket of munged")
        for command in commands:
            daemons.enter_context(_daemon(folder, command, environment))
        wait_for(lambda: _idle(environment) == len(nodes), 30, "the readiness of all nodes")
        yield environment


def _configure(folder: Path, nodes: tuple[str, ...]) -> None:
    # Munge wants its socket where everybody can reach it.
    folder.chmod(0o711)
    host = socket.gethostname().partition(".")[0]
    ports = free_ports(len(nodes) + 1)
    text = CONFIGURATION.format(host=host, folder=folder, port=ports.pop())
    for name, port in zip(nodes, ports, strict=True):
        text += NODE.format(name=name, host=host, port=port)
        (folder / f"spool-{name}").mkdir()
    (folder / "state").mkdir()
    (folder / "slurm.conf").write_text(text)
    (folder / "munge").mkdir(mode=0o711)
    key = folder / "munge" / "key"
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(128))


def _munged(folder: Path) -> list[str]:
    places = {"key-file": "key", "socket": "socket", "pid-file": "pid", "seed-file": "seed"}
    options = [f"--{option}={folder / name}" for option, name in places.items()]
    return ["munged", "--foreground", f"--log-file={folder / 'log'}", *options]


@contextmanager
def _daemon(folder: Path, command: list[str], environment: Mapping[str, str]) -> Iterator[None]:
    """A daemon in the foreground, which is ended in order."""
    program = shutil.which(command[0], path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    assert program is not None, command[0]
    with (folder / "daemons.log").open("ab") as log:
        process = subprocess.Popen(
            [program, *command[1:]],
            env=dict(environment),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def _idle(environment: Mapping[str, str]) -> int:
    asked = subprocess.run(
        ["sinfo", "--noheader", "--Node", "--states=idle", "--format=%N"],
        env={**environment, "PATH": "/usr/bin:/usr/local/bin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    return len(asked.stdout.split())
