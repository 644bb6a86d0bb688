"""A real engine, a real server for Django's own runs, and a cache for each test module."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import docker
import psycopg2
import pytest
from harness.containers import owned
from harness.projects import copy_of, environment, wait_for

from ctest_containers.model import Vendor
from ctest_containers.template.base import base_image

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """The Docker Engine; a machine without one gets it, and otherwise the tests fail."""
    subprocess.run([SCRIPTS / "engine"], check=True)
    subprocess.run([SCRIPTS / "base-image"], check=True)
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture
def no_container_is_left(engine: docker.DockerClient) -> Iterator[None]:
    """After the test there are no containers of ours that were not there before."""
    before = owned(engine)

    yield

    assert owned(engine) <= before


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose tests the test writes."""
    return copy_of("outcomes", tmp_path)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder that begins empty."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def sqlite_env(cache: Path) -> dict[str, str]:
    """For projects on SQLite; the engine's address is one where nobody answers."""
    return environment(cache, {"DOCKER_HOST": "unix:///nonexistent/docker.sock"})


@pytest.fixture(scope="session")
def base(engine: docker.DockerClient) -> str:
    """The toolkit's own PostgreSQL image, built if need be."""
    image = base_image(Vendor.POSTGRESQL, "")
    assert image.folder is not None
    if not engine.images.list(image.name):
        engine.images.build(path=str(image.folder), tag=image.name, rm=True)
    return image.name


@pytest.fixture(scope="session")
def plain_postgresql(engine: docker.DockerClient, base: str) -> Iterator[dict[str, str]]:
    """An ordinary server for Django's own runs, and the variables that lead projects to it."""
    with TemporaryDirectory(prefix="plain-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o777)
        container = engine.containers.run(
            base,
            detach=True,
            network_mode="none",
            volumes={str(folder): {"bind": "/ctest/run", "mode": "rw"}},
        )
        try:
            connection = wait_for(lambda: _connect(folder), 30, "a first answer")
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("CREATE ROLE shop SUPERUSER LOGIN")
                cursor.execute("CREATE ROLE outcomes SUPERUSER LOGIN")
            connection.close()
            yield {"SHOP_DB_HOST": str(folder), "OUTCOMES_DB_HOST": str(folder)}
        finally:
            container.remove(force=True, v=True)


def _connect(folder: Path) -> psycopg2.extensions.connection | None:
    try:
        return psycopg2.connect(host=str(folder), user="postgres", dbname="postgres")
    except psycopg2.OperationalError:
        return None


@pytest.fixture
def postgresql_env(cache: Path, engine: docker.DockerClient) -> dict[str, str]:
    """For projects on PostgreSQL; the server that the settings name does not exist."""
    del engine
    nowhere = {"SHOP_DB_PORT": "1", "OUTCOMES_DB_PORT": "1"}
    return environment(cache, {"SHOP_DB": "postgresql", "OUTCOMES_DB": "postgresql", **nowhere})


@pytest.fixture(scope="session")
def python() -> str:
    """The interpreter of the tests."""
    return sys.executable
