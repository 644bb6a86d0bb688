"""PostGIS with an image that has it, and SpatiaLite, which needs no image."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from harness.projects import PROJECTS, environment, run
from harness.tiers import further

pytestmark = [
    pytest.mark.machines_engine,
    further("test_agreement has the backends that PostGIS and SpatiaLite wrap."),
]

PLACES = PROJECTS / "places"
ROOT = Path(__file__).resolve().parents[2]
CONTEXT = ROOT / "tests" / "harness" / "postgis"
NAME = "localhost/ctest-tests/postgis:17"


@pytest.fixture(scope="module", autouse=True)
def _libraries() -> None:
    """Django's own bindings load GDAL, GEOS and SpatiaLite from the system."""
    packages = ["gdal-bin", "libsqlite3-mod-spatialite"]
    subprocess.run([ROOT / "scripts" / "packages", *packages], check=True)


@pytest.fixture(scope="module")
def postgis(engine: docker.DockerClient, base: str) -> Iterator[str]:
    """An image with PostgreSQL and PostGIS."""
    engine.images.build(path=str(CONTEXT), tag=NAME, buildargs={"BASE": base}, rm=True)
    yield NAME
    engine.images.remove(NAME, force=True)


@pytest.mark.usefixtures("no_container_is_left")
def test_a_project_on_postgis_runs_on_an_image_that_has_it(postgis: str, cache: Path) -> None:
    done = run(PLACES, "--images", f"default={postgis}", "--parallel=2", env=environment(cache))

    assert done.code == 0, done.output
    assert "Ran 4 tests" in done.output


@pytest.mark.usefixtures("no_container_is_left")
def test_a_project_on_postgis_says_so_when_the_image_has_none(cache: Path, base: str) -> None:
    del base
    done = run(PLACES, env=environment(cache))

    assert done.code == 2
    assert 'extension "postgis" is not available' in done.output


def test_a_project_on_spatialite_runs_or_fails_as_under_django(cache: Path) -> None:
    """Many builds of Python cannot load extensions into SQLite, which Django then says."""
    env = environment(cache, {"PLACES_DB": "spatialite"})
    expected = subprocess.run(
        [sys.executable, "manage.py", "test", "--noinput"],
        cwd=PLACES,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        text=True,
    )

    done = run(PLACES, "--parallel=2", env=env)

    assert (done.code == 0) == (expected.returncode == 0), done.output
    said = "SpatiaLite requires SQLite to be configured to allow extension loading"
    assert (said in done.output) == (said in expected.stdout)
