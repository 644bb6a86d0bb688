"""The toolkit in a container of the engine that it talks to, as in compose and in GitLab CI."""

from __future__ import annotations

import json
import os
import re
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import docker
import pytest
from harness.containers import remove_images
from harness.engines import second_engine
from harness.projects import RECORDING_RUNNER, TESTS, Finished, run, toolkit, wait_for, write_tests
from harness.runner_image import SOCKET, build_runner_image, in_a_container
from harness.tiers import further

from ctest_containers.engine.labels import PROJECT

pytestmark = [
    pytest.mark.machines_engine,
    further("unit/engine has what is decided in a container; only these run in a real one."),
]

IMAGE = "ctest-runner:tests"

PROBE = """
    class Probe(TestCase):
        def test_it(self):
            self.assertEqual(Author.objects.count(), 1)
            settings = connection.settings_dict
            Path("found").write_text(f"{settings['HOST']}:{settings['PORT']}")
"""
"""A test that notes where its database is."""

ASLEEP = """
    class Asleep(TestCase):
        def test_it(self):
            Author.objects.count()
            Path("asleep").touch()
            time.sleep(600)
"""
"""A test that has a database, and does not end."""

OWN_FOLDER = "--env=TMPDIR=/var/tmp"
"""Lets a run's folder be in no volume, so that the engine's machine does not know it."""


@pytest.fixture(scope="module")
def runner(engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The runner image; it stays, for the next build begins with what it has."""
    before = {str(one.id) for one in engine.images.list(IMAGE)}
    image = build_runner_image(engine, tmp_path_factory.mktemp("wheels"), IMAGE)
    for old in before - {str(engine.images.get(image).id)}:
        engine.images.remove(old, force=True)
    return image


@pytest.fixture(scope="module")
def project_name(engine: docker.DockerClient) -> Iterator[str]:
    """One name for all, so that they have one template, which the first one builds."""
    name = f"named-{uuid.uuid4().hex[:12]}"
    yield name
    remove_images(engine, name)


@pytest.fixture
def env(project_name: str) -> dict[str, str]:
    """Variables for the container; the server that the settings name does not exist."""
    return {
        "OUTCOMES_DB": "postgresql",
        "OUTCOMES_DB_PORT": "1",
        "CTEST_CONTAINERS_PROJECT": project_name,
    }


Run = Callable[..., Finished]


@pytest.fixture
def in_container(runner: str, project: Path, env: dict[str, str]) -> Run:
    """Runs the toolkit on the project in a container."""

    def run_it(*options: str, command: tuple[str, ...] = ()) -> Finished:
        done = subprocess.run(
            in_a_container(runner, project, *options, command=command, env=env),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
            check=False,
        )
        return Finished(done.returncode, done.stdout)

    return run_it


@contextmanager
def running(runner: str, project: Path, env: dict[str, str], *options: str) -> Iterator[None]:
    """A container in which a test of the project is asleep; killed at the end."""
    name = f"runner-{env['CTEST_CONTAINERS_PROJECT']}"
    command = in_a_container(runner, project, f"--name={name}", *options, env=env)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        wait_for((project / "asleep").exists, 60, "a test that is asleep")
        yield
    finally:
        subprocess.run(["docker", "kill", name], capture_output=True, check=False)
        process.communicate(timeout=60)


Start = Callable[..., AbstractContextManager[None]]


@pytest.fixture
def start(runner: str, project: Path, env: dict[str, str]) -> Start:
    """Starts the toolkit in a container, and kills that at the end."""
    return partial(running, runner, project, env)


@pytest.fixture
def network(engine: docker.DockerClient, project_name: str) -> Iterator[str]:
    """A network that somebody has made, as compose makes one for each project."""
    made = engine.networks.create(project_name)
    yield project_name
    for left in of_project(engine, project_name):
        engine.api.remove_container(left, force=True, v=True)
    made.remove()


def of_project(engine: docker.DockerClient, name: str) -> set[str]:
    """The names of all servers of a project."""
    label = f"{PROJECT}={name}"
    found = engine.containers.list(all=True, sparse=True, filters={"label": label})
    return {str(one.attrs["Names"][0]) for one in found}


def test_a_project_ends_in_a_container_as_on_the_machine_itself(
    in_container: Run, project: Path, postgresql_env: dict[str, str], tmp_path: Path
) -> None:
    expected = toolkit(project, env=postgresql_env, record=tmp_path / "record")
    recording = (
        f"--volume={TESTS}:/tests:ro",
        "--env=PYTHONPATH=/tests",
        "--env=RECORDED_OUTCOMES=/project/record",
    )

    for way in ([], [OWN_FOLDER]):
        done = in_container(*recording, *way, command=("run", f"--testrunner={RECORDING_RUNNER}"))

        found = json.loads((project / "record").read_text())
        assert [(test, kind) for test, kind, _ in found["outcomes"]] == expected.kinds
        assert (found["run"], done.code) == (expected.ran, expected.code)


@pytest.mark.parametrize(
    ("options", "where"),
    [
        (["--volume=/var/tmp", OWN_FOLDER], r"/v\w+/tmp/ctest-\w+/[\w-]+:5432"),
        (["--network=none"], r"/ctest/tmp/ctest-\w+/[\w-]+:5432"),
        ([OWN_FOLDER, "--hostname=tests"], r"\d+\.\d+\.\d+\.\d+:5432"),
        ([OWN_FOLDER, "--network=host"], r"127\.0\.0\.1:\d+"),
    ],
    ids=["another volume", "no network", "named", "host"],
)
def test_servers_are_reached_by_the_best_way_that_the_container_leaves(
    options: list[str], where: str, in_container: Run, project: Path
) -> None:
    write_tests(project, PROBE)

    done = in_container(*options)

    assert done.code == 0, done.output
    assert re.fullmatch(where, (project / "found").read_text())


def test_servers_join_the_network_that_the_container_is_in_and_publish_nothing(
    engine: docker.DockerClient, network: str, project: Path, start: Start
) -> None:
    write_tests(project, ASLEEP)

    with start(OWN_FOLDER, f"--network={network}"):
        servers = engine.containers.list(filters={"label": f"{PROJECT}={network}"})
        found = [one.attrs["NetworkSettings"] for one in servers]

    assert [list(one["Networks"]) for one in found] == [[network]]
    assert not any(published for one in found for published in one["Ports"].values())


def test_a_container_that_shares_no_folder_and_has_no_network_is_told_what_it_lacks(
    in_container: Run, project: Path
) -> None:
    write_tests(project, PROBE)

    done = in_container(OWN_FOLDER, "--network=none")

    assert done.code == 2
    assert "by socket: the folder /var/tmp exists only in this container" in done.output
    assert "by network: this container has no network" in done.output
    assert "with a volume for temporary files" in done.output


def test_a_container_of_another_engine_is_told_that_this_one_does_not_know_it(
    base: str, runner: str, project: Path, env: dict[str, str]
) -> None:
    write_tests(project, PROBE)
    with TemporaryDirectory(prefix="e-", dir="/tmp") as name:
        with second_engine(Path(name), base) as other:
            there = {**env, "DOCKER_HOST": "unix:///other/docker.sock"}
            command = in_a_container(runner, project, f"--volume={name}:/other", env=there)
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            with closing(other.client()) as client:
                servers = client.containers.list(all=True)

    assert done.returncode == 2, done.stderr
    assert "the engine runs outside this container and does not list it" in done.stderr
    assert "Set DOCKER_HOST" in done.stderr
    assert not servers


def test_a_transport_that_cannot_be_says_why(in_container: Run, project: Path) -> None:
    write_tests(project, PROBE)

    done = in_container(command=("run", "--transport=port"))

    assert done.code == 2
    assert "Servers cannot be reached with --transport port: this container" in done.output


@pytest.mark.parametrize("next_one", ["on the machine", "in another container"])
def test_what_a_killed_container_left_is_removed_by_the_next_run(
    next_one: str,
    engine: docker.DockerClient,
    in_container: Run,
    project: Path,
    project_name: str,
    postgresql_env: dict[str, str],
    start: Start,
    tmp_path: Path,
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    write_tests(project, ASLEEP)
    with start(f"--volume={temporary}:/var/tmp", OWN_FOLDER):
        pass
    left, (folder,) = of_project(engine, project_name), temporary.iterdir()
    write_tests(project, PROBE)

    if next_one == "on the machine":
        there = {"TMPDIR": str(temporary), "CTEST_CONTAINERS_PROJECT": project_name}
        done = run(project, env={**postgresql_env, **there})
    else:
        done = in_container(f"--volume={temporary}:/var/tmp", OWN_FOLDER)

    assert done.code == 0, done.output
    assert left
    assert not of_project(engine, project_name)
    assert not folder.exists()


def test_a_run_in_a_container_that_lives_keeps_its_servers_whoever_else_runs(
    engine: docker.DockerClient,
    in_container: Run,
    project: Path,
    project_name: str,
    start: Start,
) -> None:
    write_tests(project, PROBE + ASLEEP)
    clean = ("clean", f"--project={project_name}")
    with start():
        before = of_project(engine, project_name)

        done = in_container(command=("run", "library.test_it.Probe"))
        cleaned = in_container(command=clean)

        assert done.code == 0, done.output
        assert "0 things were removed" in cleaned.output
        assert before
        assert of_project(engine, project_name) == before
    in_container(command=clean)
    assert not of_project(engine, project_name)


def test_the_memory_that_a_container_may_take_counts(in_container: Run, project: Path) -> None:
    write_tests(
        project, "".join(f"class C{n}(TestCase):\n def test_it(self): pass\n" for n in range(9))
    )

    done = in_container("--memory=900m", command=("plan", "--parallel=8"))

    assert done.code == 0, done.output
    assert re.search(
        r"^ +1  +8\d\d MiB of memory available, 512 MiB for each", done.output, re.MULTILINE
    )


def test_ci_systems_run_commands_of_their_own_and_users_who_are_not_root(
    in_container: Run, project: Path
) -> None:
    write_tests(project, PROBE)
    for one in (project, *project.rglob("*")):
        os.chown(one, 1234, 1234)
    user = f"--user=1234:{Path(SOCKET).stat().st_gid}"
    script = "pip --version && cd /project && ctest-containers && python -m ctest_containers --help"

    done = in_container("--entrypoint=", "--workdir=/", user, command=("sh", "-ec", script))

    assert done.code == 0, done.output
    assert "Ran 1 test" in done.output
    assert (project / "found").stat().st_uid == 1234
