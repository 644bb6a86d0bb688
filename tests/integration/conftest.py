"""A real engine, a real server for Django's own runs, and a cache for each test module."""

from __future__ import annotations

import functools
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import docker
import pytest
from harness.containers import owned, remove_images
from harness.projects import copy_of, environment, run
from harness.servers import Plain, own_image, plain_server
from harness.tiers import further
from harness.watching import with_two_tests

NOWHERE = {"SHOP_DB_PORT": "1", "OUTCOMES_DB_PORT": "1"}


@pytest.fixture
def no_container_is_left(engine: docker.DockerClient) -> Iterator[None]:
    """After the test there are no containers of ours that were not there before."""
    before = owned(engine)

    yield

    assert owned(engine) <= before


@pytest.fixture
def project_name(engine: docker.DockerClient) -> Iterator[str]:
    """A name that no other test and no earlier run of the tests gives to a project."""
    name = f"named-{uuid.uuid4().hex[:12]}"
    yield name
    remove_images(engine, name)


@pytest.fixture(scope="session")
def outcomes_template(
    engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The image of a PostgreSQL template of the project `outcomes`."""
    folder, name = tmp_path_factory.mktemp("template"), f"named-{uuid.uuid4().hex[:12]}"
    env = environment(folder, {"OUTCOMES_DB": "postgresql", "OUTCOMES_DB_PORT": "1"})
    options = ["--project", name]
    done = run(copy_of("outcomes", folder), "template", "build", *options, env=env)
    assert done.code == 0, done.output
    (image,) = engine.images.list(f"localhost/ctest/{name}/*")
    yield image.tags[0]
    remove_images(engine, name)


@pytest.fixture
def has_template(engine: docker.DockerClient, project_name: str, outcomes_template: str) -> None:
    """The project of this name has a template on PostgreSQL, as a build has left it."""
    _, tag = outcomes_template.rsplit(":", 1)
    engine.images.get(outcomes_template).tag(f"localhost/ctest/{project_name}/postgresql", tag)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose tests the test writes."""
    return copy_of("outcomes", tmp_path)


@pytest.fixture
def small(project: Path) -> Path:
    """A project with two test modules of one test each."""
    return with_two_tests(project)


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
    return own_image(engine, "postgresql")


@pytest.fixture(scope="session")
def plain(engine: docker.DockerClient) -> Iterator[Plain]:
    """Ordinary servers for Django's own runs: variables that lead projects to one of a flavour."""
    with ExitStack() as servers:

        @functools.cache
        def lead_to(flavour: str) -> dict[str, str]:
            users = ["shop", "outcomes", "depot", "history"]
            host = servers.enter_context(plain_server(engine, flavour, users))
            led = {"HOST": host, "PORT": ""}
            names = (
                "SHOP_DB",
                "OUTCOMES_DB",
                "HISTORY_DB",
                f"DEPOT_{'PG' if flavour == 'postgresql' else 'MYSQL'}",
            )
            return {f"{name}_{key}": value for name in names for key, value in led.items()}

        yield lead_to


@pytest.fixture(scope="session")
def plain_postgresql(plain: Plain) -> dict[str, str]:
    """The variables that lead projects to an ordinary PostgreSQL server."""
    return plain("postgresql")


@pytest.fixture
def postgresql_env(cache: Path, engine: docker.DockerClient) -> dict[str, str]:
    """For projects on PostgreSQL; the server that the settings name does not exist."""
    del engine
    return environment(cache, {"SHOP_DB": "postgresql", "OUTCOMES_DB": "postgresql", **NOWHERE})


SECOND_FLAVOUR = further("One backend serves both; test_agreement_mysql runs on either always.")


@pytest.fixture(params=["mariadb", pytest.param("mysql", marks=SECOND_FLAVOUR)])
def mysql_flavour(request: pytest.FixtureRequest) -> str:
    """Each of the two that Django's mysql backend serves."""
    return str(request.param)


@pytest.fixture
def mysql_env(cache: Path, engine: docker.DockerClient, mysql_flavour: str) -> dict[str, str]:
    """For projects on MySQL or MariaDB; the server that the settings name does not exist."""
    del engine
    chosen = {"SHOP_DB": "mysql", "OUTCOMES_DB": "mysql"}
    return environment(cache, {**chosen, **NOWHERE, "CTEST_CONTAINERS_MYSQL_IMAGE": mysql_flavour})


@pytest.fixture(params=["sqlite", "postgresql", "mariadb", "mysql"])
def vendor_env(request: pytest.FixtureRequest, engine: docker.DockerClient) -> dict[str, str]:
    """For projects on each kind of database."""
    del engine
    if request.param in {"sqlite", "postgresql"}:
        env: dict[str, str] = request.getfixturevalue(f"{request.param}_env")
        return env
    env = request.getfixturevalue("postgresql_env")
    own = {"SHOP_DB": "mysql", "OUTCOMES_DB": "mysql"}
    return {**env, **own, "CTEST_CONTAINERS_MYSQL_IMAGE": str(request.param)}


@pytest.fixture(scope="session")
def python() -> str:
    """The interpreter of the tests."""
    return sys.executable


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder for sockets, whose paths must be short."""
    with tempfile.TemporaryDirectory(prefix="e-", dir="/tmp") as name:
        yield Path(name)
