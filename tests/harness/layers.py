"""Images are brought to an engine that has none as files, without being packed and unpacked.

`docker save | docker load` takes ten times as long. How images lie on a disk is Docker's own
affair: where it keeps them in another way than overlay2 does, use the two commands.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import docker

DRIVER: Final = "overlay2"


def copy_images(engine: docker.DockerClient, images: Sequence[str], target: Path) -> bool:
    """Copy images from an engine into the folder of one that has not started yet.

    Returns:
        False if the engine does not keep its images as overlay2 does, or they cannot be read.
    """
    facts = engine.info()
    source = Path(str(facts["DockerRootDir"]))
    own, other = source / "image" / DRIVER, target / "image" / DRIVER
    if facts["Driver"] != DRIVER or not os.access(own / "layerdb", os.R_OK):
        return False
    for name in ("imagedb/content/sha256", "imagedb/metadata/sha256", "layerdb/sha256"):
        (other / name).mkdir(parents=True)
    (target / DRIVER / "l").mkdir(parents=True)
    repositories: dict[str, dict[str, str]] = {}
    for image in images:
        digest = str(engine.images.get(image).id)
        configuration = Path("imagedb", "content", *digest.split(":"))
        shutil.copy(own / configuration, other / configuration)
        for chain in _chains(json.loads((own / configuration).read_text())["rootfs"]["diff_ids"]):
            layer = Path("layerdb", *chain.split(":"))
            if not (other / layer).exists():
                _copy(own / layer, other / layer)
                folder = (own / layer / "cache-id").read_text()
                _copy(source / DRIVER / folder, target / DRIVER / folder)
                link = (source / DRIVER / folder / "link").read_text()
                (target / DRIVER / "l" / link).symlink_to(f"../{folder}/diff")
        repositories.setdefault(image.rpartition(":")[0], {})[image] = digest
    (other / "repositories.json").write_text(json.dumps({"Repositories": repositories}))
    return True


def _chains(layers: Sequence[str]) -> Iterator[str]:
    """For each layer of an image the name of it with all that is below it."""
    chain = ""
    for layer in layers:
        below = f"{chain} {layer}".encode()
        chain = f"sha256:{hashlib.sha256(below).hexdigest()}" if chain else layer
        yield chain


def _copy(source: Path, target: Path) -> None:
    """Copy a folder with its owners, attributes and special files."""
    subprocess.run(["cp", "--archive", source, target], check=True)
