"""Packages of which tests want a file or two, and not their installation."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path


def wheel_of(package: str, folder: Path) -> zipfile.ZipFile:
    """A package's newest wheel.

    Args:
        folder: Where it is put.
    """
    folder.mkdir(parents=True, exist_ok=True)
    options = ("--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:")
    command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), package]
    subprocess.run(command, check=True)
    (wheel,) = folder.glob(f"{package.replace('-', '_')}-*.whl")
    return zipfile.ZipFile(wheel)
