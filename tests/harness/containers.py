"""Which containers the runs of this machine have."""

from __future__ import annotations

import docker

from ctest_containers.engine.labels import OWNER


def owned(engine: docker.DockerClient) -> set[str]:
    """The ids of all containers that some run owns."""
    found = engine.containers.list(all=True, sparse=True, filters={"label": OWNER})
    return {str(one.id) for one in found}
