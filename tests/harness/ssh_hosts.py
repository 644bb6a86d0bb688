"""Hosts that are reached by SSH: each has a network of its own, and OpenSSH's server."""

from __future__ import annotations

import getpass
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from harness.networks import network_of_its_own

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"

SERVER: Final = """\
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/key.pub
AuthenticationMethods publickey
# Its folders are above those of the tests, whoever owns them.
StrictModes no
UsePAM yes
PidFile none
"""

CLIENT: Final = """\
Host *
    IdentityFile {folder}/key
    IdentitiesOnly yes
    UserKnownHostsFile {folder}/known_hosts
    GlobalKnownHostsFile /dev/null
    User {user}
"""

HOST: Final = """\
Host {name}
    HostKeyAlias host
    ProxyCommand nsenter --net=/proc/{process}/ns/net /usr/sbin/sshd -i -f {folder}/sshd_config
"""


@contextmanager
def ssh_hosts(folder: Path, *names: str, env: Mapping[str, str]) -> Iterator[Path]:
    """Hosts that a command `ssh` knows by these names; gives the folder of that command.

    Args:
        folder: A new folder.
        env: The variables that sessions on the hosts have.
    """
    subprocess.run([SCRIPTS / "packages", "iproute2", "openssh-server"], check=True)
    # Where Debian's service has made it, it is there already.
    Path("/run/sshd").mkdir(exist_ok=True)
    _make_keys(folder)
    variables = " ".join(f'"{name}={value}"' for name, value in env.items())
    (folder / "sshd_config").write_text(f"{SERVER.format(folder=folder)}SetEnv {variables}\n")
    text = CLIENT.format(folder=folder, user=getpass.getuser())
    with ExitStack() as machines:
        for name in names:
            process = machines.enter_context(network_of_its_own())
            text += HOST.format(name=name, process=process, folder=folder)
        (folder / "ssh_config").write_text(text)
        command = folder / "bin" / "ssh"
        command.parent.mkdir()
        command.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {folder}/ssh_config "$@"\n')
        command.chmod(0o755)
        yield command.parent


def _make_keys(folder: Path) -> None:
    for name in ("key", "host_key"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(command, check=True)
    (folder / "known_hosts").write_text(f"host {(folder / 'host_key.pub').read_text()}")
