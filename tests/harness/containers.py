"""Which containers the runs of this machine have, and the end of a project's images."""

from __future__ import annotations

import docker

from ctest_containers.engine.labels import OWNER


def owned(engine: docker.DockerClient) -> set[str]:
    """The ids of all containers that some run owns."""
    found = engine.containers.list(all=True, sparse=True, filters={"label": OWNER})
    return {str(one.id) for one in found}


def remove_images(engine: docker.DockerClient, project_name: str) -> None:
    """Remove the templates of a project; images that have other names stay under those."""
    begin = f"localhost/ctest/{project_name}/"
    for image in engine.images.list(f"{begin}*"):
        for tag in image.tags:
            if tag.startswith(begin):
                engine.images.remove(tag, force=True)
