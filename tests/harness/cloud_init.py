"""What cloud-init and systemd say of their files, without either of them being installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


class CloudInit:
    """Debian's cloud-init in a folder; installed, it would set this machine up when it starts.

    Args:
        folder: Where it is put.
    """

    def __init__(self, folder: Path) -> None:
        _download("cloud-init", folder)
        (archive,) = folder.glob("cloud-init_*.deb")
        subprocess.run(["dpkg", "--extract", archive, folder], check=True)
        self._modules = folder / "usr" / "lib" / "python3" / "dist-packages"

    def check(self, file: Path) -> subprocess.CompletedProcess[str]:
        """What `cloud-init schema` says of user data."""
        command = [sys.executable, "-m", "cloudinit.cmd.main", "schema", "--config-file", str(file)]
        return subprocess.run(
            command,
            env={**os.environ, "PYTHONPATH": str(self._modules)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def known_keys(self) -> set[str]:
        """All keys that some module of it knows; others it may overlook without a word."""
        (file,) = self._modules.glob("cloudinit/config/schemas/schema-cloud-config-*.json")
        parts: dict[str, Any] = json.loads(file.read_text())["$defs"]
        modules = [name for name in parts if name.startswith("cc_") or name == "base_config"]
        return {key for name in modules for key in parts[name].get("properties", {})}


def verify_unit(name: str, text: str, folder: Path, *programs: str) -> str:
    """What `systemd-analyze verify` says of a unit on a machine that has these programs.

    Args:
        folder: A new folder, which stands for that machine's root.
    """
    subprocess.run([SCRIPTS / "packages", "systemd"], check=True)
    units = folder / "etc" / "systemd" / "system"
    units.mkdir(parents=True)
    (units / name).write_text(text)
    # The units that it refers to are those of this machine.
    theirs = Path("/lib/systemd/system").resolve()
    shutil.copytree(theirs, folder / "usr" / "lib" / "systemd" / "system", symlinks=True)
    (folder / "lib").symlink_to("usr/lib")
    for program in programs:
        file = folder / program.lstrip("/")
        file.parent.mkdir(parents=True)
        file.touch(mode=0o755)
    done = subprocess.run(
        ["systemd-analyze", f"--root={folder}", "verify", name],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout or ("" if done.returncode == 0 else f"code {done.returncode}")


def _download(package: str, folder: Path) -> None:
    """Get a package's file; a machine may have to get the list of packages first."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["apt-get", "download", "-q", package]
    if subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode != 0:
        # One at a time, as in scripts/packages.
        update = ["flock", "/var/lib/apt", "apt-get", "update", "-q"]
        subprocess.run(update, stdout=subprocess.DEVNULL, check=True)
        subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=True)
