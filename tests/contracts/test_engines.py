"""What the Docker Engine and its stand-in in unit tests both do as `ContainerEngine` says."""

from __future__ import annotations

import gc
import tarfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
from harness.process_engine import BASE
from harness.registry import running_registry
from unit.fakes import FakeEngine

from ctest_containers.engine import Container, ContainerEngine, ContainerSpec
from ctest_containers.engine.docker import DockerEngine
from ctest_containers.errors import EngineError, ImageUnavailableError

LABEL = "ctest-containers.contract"
ENDS_ON_TERM = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done"]
MEMORY_BYTES = 64 * 2**20

# testcontainers makes a client for each container and does not close it.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@dataclass(frozen=True, slots=True)
class Tried:
    """An engine with an image.

    Attributes:
        repository: The name of a repository in a registry that the engine reaches.
        mark: A word that nothing else on the engine has as its name, or as the value of LABEL.
    """

    engine: ContainerEngine
    image: str
    repository: str
    mark: str

    def start(self, image: str = "", labels: dict[str, str] | None = None) -> Container:
        """Start a container."""
        return self.engine.start(
            ContainerSpec(
                name=f"{self.mark}-{uuid.uuid4().hex[:8]}",
                image=image or self.image,
                command=ENDS_ON_TERM,
                memory_bytes=MEMORY_BYTES,
                labels={LABEL: self.mark, **(labels or {})},
            )
        )

    def containers(self) -> list[Container]:
        """Those that were started here, without what only their start tells."""
        found = self.engine.labelled(LABEL)
        return [container for container, labels in found if labels[LABEL] == self.mark]

    def commit(self, name: str, labels: dict[str, str]) -> str:
        """Give an image of a container a name, which is returned, and remove the container."""
        container = self.start()
        image_id = self.engine.commit(container, {LABEL: self.mark, **labels}, {})
        self.engine.tag(image_id, f"localhost/{self.mark}/{name}:1")
        self.engine.remove(container)
        return f"localhost/{self.mark}/{name}:1"


@pytest.fixture(scope="module")
def registry(
    engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A repository in a registry that knows the engine's client."""
    del engine
    with running_registry(tmp_path_factory.mktemp("registry")) as found:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DOCKER_CONFIG", str(found.login))
            yield found.repository("contract")


@pytest.fixture(scope="module", params=["docker", "fake"])
def made(
    request: pytest.FixtureRequest, registry: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ContainerEngine, str, str]]:
    """An engine, an image that it has, and a repository."""
    if request.param == "fake":
        fake, folder = FakeEngine(), tmp_path_factory.mktemp("image")
        (folder / "Dockerfile").write_text("FROM scratch\n")
        fake.build(folder, BASE, {})
        yield fake, BASE, registry
        return
    engine = DockerEngine()
    yield engine, BASE, registry
    engine._client.close()
    engine._patient.close()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def tried(made: tuple[ContainerEngine, str, str]) -> Iterator[Tried]:
    """The engine; what the test has made there is removed."""
    found = Tried(*made, mark=f"contract-{uuid.uuid4().hex[:12]}")
    yield found
    for container in found.containers():
        found.engine.remove(container)
    for image in found.engine.images(f"localhost/{found.mark}/*"):
        found.engine.remove_image(image.name)


def test_an_image_that_is_missing_cannot_be_used(tried: Tried, tmp_path: Path) -> None:
    missing = f"localhost:1/{tried.mark}/missing:1"

    assert tried.engine.image_labels(missing) is None
    assert tried.engine.images(f"localhost:1/{tried.mark}/*") == []
    assert tried.engine.remove_unused_image(missing)
    for refused in (
        lambda: tried.engine.image_digest(missing),
        lambda: tried.start(missing),
        lambda: tried.engine.pull(missing),
    ):
        with pytest.raises(ImageUnavailableError):
            refused()
    with pytest.raises(EngineError):
        tried.engine.build(tmp_path, missing, {})
    assert tried.containers() == []


def test_a_container_runs_until_it_is_stopped_and_stays_until_it_is_removed(tried: Tried) -> None:
    container = tried.start(labels={"org.example.more": "x"})
    ((_, labels),) = [pair for pair in tried.engine.labelled(LABEL) if pair[0].id == container.id]

    assert labels["org.example.more"] == "x"
    assert tried.engine.state(container).running
    tried.engine.execute(container, ["true"], b"")
    assert tried.engine.stop(container, 10) == 0
    assert not tried.engine.state(container).running
    assert [one.name for one in tried.containers()] == [container.name]
    tried.engine.remove(container)
    tried.engine.remove(container)
    assert tried.containers() == []


def test_a_container_that_is_gone_is_an_error(tried: Tried) -> None:
    container = tried.start()
    tried.engine.remove(container)

    for refused in (
        lambda: tried.engine.state(container),
        lambda: tried.engine.execute(container, ["true"], b""),
        lambda: tried.engine.stop(container, 1),
        lambda: tried.engine.commit(container, {}, {}),
    ):
        with pytest.raises(EngineError):
            refused()


def test_an_image_of_a_container_has_its_labels_and_gets_a_name_later(tried: Tried) -> None:
    container = tried.start(labels={"org.example.more": "x"})

    image_id = tried.engine.commit(container, {"org.example.role": "template"}, {})

    nameless = dict(tried.engine.nameless_images(LABEL))
    assert nameless[image_id][LABEL] == tried.mark
    image = f"localhost/{tried.mark}/one:1"
    tried.engine.tag(image_id, image)
    labels = tried.engine.image_labels(image)
    assert labels is not None
    assert (labels["org.example.role"], labels["org.example.more"]) == ("template", "x")
    assert image_id not in dict(tried.engine.nameless_images(LABEL))
    with suppress(EngineError):
        tried.engine.remove(container)


def test_images_are_found_by_their_name_or_a_pattern(tried: Tried) -> None:
    one, two = tried.commit("one", {"org.example.number": "1"}), tried.commit("two", {})

    both = tried.engine.images(f"localhost/{tried.mark}/*")
    (only,) = tried.engine.images(f"localhost/{tried.mark}/one")

    assert {image.name for image in both} == {one, two}
    assert only.name == one
    assert only.labels["org.example.number"] == "1"


def test_an_image_that_a_container_uses_is_not_removed(tried: Tried) -> None:
    image = tried.commit("used", {})
    container = tried.start(image)

    assert not tried.engine.remove_unused_image(image)
    tried.engine.remove(container)
    assert tried.engine.remove_unused_image(image)
    assert tried.engine.image_labels(image) is None


def test_an_image_travels_in_a_file_without_its_name(tried: Tried, tmp_path: Path) -> None:
    image = tried.commit("saved", {})

    tried.engine.save(image, tmp_path / "image")
    loaded = tried.engine.load(tmp_path / "image")

    labels = tried.engine.image_labels(loaded)
    tried.engine.remove_image(loaded)
    assert loaded != image
    assert labels is not None
    assert labels[LABEL] == tried.mark


def test_an_image_travels_through_a_registry(tried: Tried) -> None:
    image, target = tried.commit("pushed", {}), f"{tried.repository}:{tried.mark}"
    assert tried.engine.fetch(target) is None

    sent = tried.engine.push(image, target)

    assert sent.layers + sent.present > 0
    assert tried.engine.image_labels(image) is not None
    assert tried.engine.image_labels(target) is None
    assert tried.engine.fetch(target) is not None
    labels = tried.engine.image_labels(target)
    tried.engine.remove_image(target)
    assert labels is not None
    assert labels[LABEL] == tried.mark


@pytest.mark.parametrize("is_large", [False, True])
def test_what_a_container_has_changed_is_laid_over_its_image_in_another(
    tried: Tried, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_large: bool
) -> None:
    if is_large:
        monkeypatch.setattr("ctest_containers.engine.container_files.LARGE_BYTES", 0)
    image = _image_with_data(tried)
    container = tried.start(image)
    changes = "echo new > /ctest/data/new; echo more >> /ctest/data/changed; rm /ctest/data/gone"
    changes += "; mkdir -p /ctest/data/a/b; echo inner > /ctest/data/a/b/c; echo x > /ctest/other"
    tried.engine.execute(container, ["sh", "-c", changes], b"")
    archive = tmp_path / "changes.tar.gz"

    size = tried.engine.export_changes(container, "/ctest/data", archive)
    other = tried.engine.start(
        ContainerSpec(
            name=f"{tried.mark}-{uuid.uuid4().hex[:8]}",
            image=image,
            command=ENDS_ON_TERM,
            memory_bytes=MEMORY_BYTES,
            labels={LABEL: tried.mark},
            laid_over=archive,
            data_folder="/ctest/data",
        )
    )

    assert size == archive.stat().st_size
    check = (
        '[ "$(cat /ctest/data/new)" = new ] && [ "$(cat /ctest/data/changed)" = "old\nmore" ]'
        " && [ ! -e /ctest/data/gone ] && [ -e /ctest/data/same ] && [ ! -e /ctest/other ]"
        " && [ $(cat /ctest/data/a/b/c) = inner ] && [ $(stat -c %a /ctest/data/folder) = 750 ]"
    )
    tried.engine.execute(other, ["sh", "-c", check], b"")
    # The first one runs on.
    tried.engine.execute(container, ["true"], b"")


def test_files_are_edited_on_their_way_into_an_archive(tried: Tried, tmp_path: Path) -> None:
    image = _image_with_data(tried)
    container = tried.start(image)
    archive = tmp_path / "changes.tar.gz"

    tried.engine.export_changes(
        container,
        "/ctest/data",
        archive,
        always=("same",),
        edit=lambda path, content: path.encode() + b": " + content,
    )

    if isinstance(tried.engine, DockerEngine):
        with tarfile.open(archive) as content:
            member = content.extractfile("data/same")
            assert member is not None
            assert member.read() == b"same: untouched\n"


def _image_with_data(tried: Tried) -> str:
    """Make an image that has files in a data folder."""
    container = tried.start()
    files = "mkdir -p /ctest/data; cd /ctest/data; echo old > changed; echo x > gone"
    tried.engine.execute(
        container, ["sh", "-c", f"{files}; mkdir -m 750 folder; echo untouched > same"], b""
    )
    image_id = tried.engine.commit(container, {LABEL: tried.mark}, {})
    name = f"localhost/{tried.mark}/data:1"
    tried.engine.tag(image_id, name)
    tried.engine.remove(container)
    return name
