"""An image of somebody else's serves as well when it keeps the official image's contract."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import docker
import pytest
from harness.projects import PROJECTS, environment, run, write_tests
from harness.servers import own_image
from harness.tiers import further

OUTCOMES = PROJECTS / "outcomes"
HARNESS = Path(__file__).resolve().parents[1] / "harness"


EXTENSION = """
    from django.contrib.postgres.operations import BloomExtension
    from django.db import migrations

    class Migration(migrations.Migration):
        dependencies = [("library", "0003_book")]
        operations = [
            BloomExtension(),
            migrations.RunSQL("ALTER TABLE library_book ENABLE ROW LEVEL SECURITY"),
        ]
"""

ORDINARY = """
    class Role(TestCase):
        def test_it_is_not_a_superuser(self):
            with connection.cursor() as cursor:
                cursor.execute("SHOW is_superuser")
                self.assertEqual(cursor.fetchone(), ("off",))
"""


@dataclass(frozen=True, slots=True)
class Official:
    """An image with a VOLUME, a root entrypoint and a first start that takes a while.

    Attributes:
        vendor: What Django calls it.
        secret: The variable by which its entrypoint is told how the administrator gets in.
    """

    image: str
    vendor: str
    secret: str

    def options(self, project: str) -> list[str]:
        """What lets a run use it."""
        return [f"--{self.vendor}-image", self.image, "--project", project]


OTHERS = [
    pytest.mark.machines_engine,  # They are built with packages.
    further("`postgres` goes the same way; unit/backends has what is MySQL's own."),
]


@pytest.fixture(
    scope="module",
    params=["postgres", *(pytest.param(name, marks=OTHERS) for name in ("mysql", "mariadb"))],
)
def official(request: pytest.FixtureRequest, engine: docker.DockerClient) -> Iterator[Official]:
    """Each of them, made of the toolkit's own image of the same server."""
    flavour = str(request.param)
    vendor, secret = "mysql", "MYSQL_ALLOW_EMPTY_PASSWORD"
    if flavour == "postgres":
        vendor, secret = "postgresql", "POSTGRES_PASSWORD"
    name = f"localhost/ctest-tests/official-{flavour}:1"
    own = own_image(engine, vendor if flavour == "postgres" else flavour)
    engine.images.build(
        path=str(HARNESS / f"official-{flavour}"), tag=name, buildargs={"BASE": own}, rm=True
    )
    yield Official(name, vendor, secret)
    engine.images.remove(name, force=True)


@pytest.fixture
def env(official: Official, cache: Path) -> dict[str, str]:
    """For projects on such a server; the one that the settings name does not exist."""
    return environment(cache, {"OUTCOMES_DB": official.vendor, "OUTCOMES_DB_PORT": "1"})


@pytest.mark.parametrize(
    "transport",
    ["socket", pytest.param("port", marks=further("test_agreement has servers at ports."))],
)
@pytest.mark.usefixtures("no_container_is_left")
def test_a_named_image_is_snapshotted_in_spite_of_its_volume_and_keeps_no_password(
    transport: str,
    official: Official,
    env: dict[str, str],
    engine: docker.DockerClient,
    project_name: str,
) -> None:
    volumes = len(engine.volumes.list())
    options = [*official.options(project_name), "--transport", transport]

    first = run(OUTCOMES, "library.test_outcomes.Writing", *options, env=env)
    second = run(OUTCOMES, "library.test_outcomes.Restored", *options, env=env)

    assert (first.code, second.code) == (0, 0), first.output + second.output
    assert "Using the template" in second.output
    assert len(engine.volumes.list()) == volumes
    (image,) = engine.images.list(f"localhost/ctest/{project_name}/{official.vendor}")
    environment = dict(entry.partition("=")[::2] for entry in image.attrs["Config"]["Env"])
    assert environment[official.secret] == ""
    assert {label for label in image.labels if "secret" in label or "password" in label} == set()


@pytest.mark.parametrize("official", ["postgres"], indirect=True)
@pytest.mark.usefixtures("no_container_is_left")
def test_the_owner_of_a_database_creates_every_extension_of_an_image(
    project: Path, official: Official, env: dict[str, str], project_name: str
) -> None:
    (project / "library" / "migrations" / "0004_extension.py").write_text(dedent(EXTENSION))
    write_tests(project, ORDINARY)

    options = [*official.options(project_name), "--transport", "port"]
    done = run(project, "library.test_it", *options, env=env)

    assert done.code == 0, done.output
    assert "needs a superuser" not in done.output
