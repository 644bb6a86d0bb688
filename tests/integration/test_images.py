"""An image of somebody else's serves as well when it keeps the official image's contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from harness.projects import PROJECTS, run

OUTCOMES = PROJECTS / "outcomes"
CONTEXT = Path(__file__).resolve().parents[1] / "harness" / "official-postgres"
NAME = "localhost/ctest-tests/official-postgres:17"


@pytest.fixture(scope="module")
def official(engine: docker.DockerClient, base: str) -> Iterator[str]:
    """An image with a VOLUME, a root entrypoint and a first start that takes a while."""
    engine.images.build(path=str(CONTEXT), tag=NAME, buildargs={"BASE": base}, rm=True)
    yield NAME
    engine.images.remove(NAME, force=True)


@pytest.mark.parametrize("transport", ["socket", "port"])
@pytest.mark.usefixtures("no_container_is_left")
def test_a_named_image_is_snapshotted_in_spite_of_its_volume(
    transport: str, official: str, postgresql_env: dict[str, str], engine: docker.DockerClient
) -> None:
    volumes = len(engine.volumes.list())
    options = ["--postgresql-image", official, "--transport", transport]

    first = run(OUTCOMES, "library.test_outcomes.Writing", *options, env=postgresql_env)
    second = run(OUTCOMES, "library.test_outcomes.Restored", *options, env=postgresql_env)

    assert (first.code, second.code) == (0, 0), first.output + second.output
    assert "Using the template" in second.output
    assert len(engine.volumes.list()) == volumes


@pytest.mark.usefixtures("official", "no_container_is_left")
def test_a_template_of_a_named_image_holds_no_password(
    official: str, postgresql_env: dict[str, str], engine: docker.DockerClient
) -> None:
    run(
        OUTCOMES,
        "library.test_outcomes.Writing",
        *("--postgresql-image", official, "--project", "no-password"),
        env=postgresql_env,
    )

    (image,) = engine.images.list("localhost/ctest/no-password/postgresql")

    environment = dict(entry.partition("=")[::2] for entry in image.attrs["Config"]["Env"])
    assert environment["POSTGRES_PASSWORD"] == ""
    assert {label for label in image.labels if "secret" in label or "password" in label} == set()
    engine.images.remove(image.tags[0], force=True)
