"""In-memory stand-ins for a container engine, for worker processes and for their databases."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from ctest_containers.engine.api import ContainerEngine
from ctest_containers.engine.own_container import OwnContainer
from ctest_containers.engine.transports import ServerTransport
from ctest_containers.engine.values import (
    Container,
    ContainerSpec,
    ContainerState,
    ImageFacts,
    Travelled,
)
from ctest_containers.errors import EngineError, ImageUnavailableError, ServerError
from ctest_containers.events import (
    BatchFinished,
    DatabaseFlushed,
    FixtureFinished,
    FixtureStarted,
    OutcomeKind,
    Problem,
    TestFinished,
    TestOutcome,
    TestStarted,
    WorkerFailed,
    WorkerReady,
)
from ctest_containers.model import Lease, Transport
from ctest_containers.project.suite import Batch
from ctest_containers.wire import (
    Command,
    DatabaseRequest,
    KeepRequest,
    Message,
    Quit,
    RunBatch,
    UseResources,
)
from ctest_containers.workers.process import WorkerProcess
from ctest_containers.workers.supplier import Supplier


class FakeEngine:
    """Containers and images that exist in a dictionary.

    Args:
        stubborn: Names of containers that the engine refuses to remove.

    Attributes:
        running: The ids of containers that run, and when each was started.
    """

    def __init__(self, stubborn: Collection[str] = ()) -> None:
        self._stubborn = stubborn
        self._containers: dict[str, tuple[Container, dict[str, str]]] = {}
        self._stopped: set[str] = set()
        self._images: dict[str, dict[str, str]] = {}
        self._sources: dict[str, str] = {}
        self._registry: dict[str, dict[str, str]] = {}
        self.running: dict[str, str] = {}

    def add(self, name: str, labels: Mapping[str, str]) -> Container:
        """Let there be a container that somebody else has started."""
        container = Container(id=f"id-{name}", name=name)
        self._containers[container.id] = (container, dict(labels))
        return container

    def names(self) -> list[str]:
        """The names of all containers, oldest first."""
        return [container.name for container, _ in self._containers.values()]

    def choose_transport(self, folder: Path, wanted: str) -> ServerTransport:
        del wanted
        return ServerTransport(
            transport=Transport.SOCKET, reason="it is asked of nobody", folder=folder
        )

    def is_here(self) -> bool:
        return True

    def own_container(self) -> OwnContainer | None:
        return None

    def running_since(self, container_id: str) -> str:
        return self.running.get(container_id, "")

    def architecture(self) -> str:
        return "amd64"

    def free_bytes(self) -> int | None:
        return None

    def image_labels(self, image: str) -> dict[str, str] | None:
        return self._images.get(image)

    def image_facts(self, image: str) -> ImageFacts | None:
        return next(iter(self.images(image)), None)

    def image_id(self, image: str) -> str:
        if image not in self._images:
            raise ImageUnavailableError(f"There is no image {image}.")
        return f"id of {image}"

    def image_digest(self, image: str) -> str:
        if image not in self._images:
            raise ImageUnavailableError(f"There is no image {image}.")
        return f"digest of {image}"

    def build(self, folder: Path, image: str, labels: Mapping[str, str]) -> None:
        if not (folder / "Dockerfile").is_file():
            raise ImageUnavailableError(f"{folder} has no Dockerfile.")
        self._images[image] = dict(labels)

    def pull(self, image: str) -> None:
        raise ImageUnavailableError(f"No registry has {image}.")

    def start(self, spec: ContainerSpec) -> Container:
        if spec.image not in self._images:
            raise ImageUnavailableError(f"There is no image {spec.image}.")
        container = self.add(spec.name, {**self._images[spec.image], **spec.labels})
        self._sources[container.id] = spec.image
        return container

    def state(self, container: Container) -> ContainerState:
        self._check(container)
        return ContainerState(running=container.id not in self._stopped, exit_code=0, log="")

    def log(self, container: Container) -> str:
        return f"log of {container.name}"

    def memory_bytes(self, container: Container) -> int:
        del container
        return 0

    def first_process(self, container: Container) -> int | None:
        del container
        return None

    def execute(self, container: Container, command: Sequence[str], stdin: bytes) -> None:
        del command, stdin
        self._check(container)

    def _check(self, container: Container) -> None:
        if container.id not in self._containers:
            raise EngineError(f"There is no container {container.name}.")

    def stop(self, container: Container, seconds: float) -> int:
        del seconds
        self._check(container)
        self._stopped.add(container.id)
        return 0

    def commit(
        self, container: Container, labels: Mapping[str, str], environment: Mapping[str, str]
    ) -> str:
        del environment
        self._check(container)
        image = f"image of {container.id}"
        self._images[image] = {**self._containers[container.id][1], **labels}
        return image

    def tag(self, image_id: str, image: str) -> None:
        self._images[image] = self._images.pop(image_id)

    def export_changes(
        self,
        container: Container,
        folder: str,
        target: Path,
        *,
        always: Collection[str] = (),
        edit: Callable[[str, bytes], bytes] | None = None,
    ) -> int:
        del folder, always, edit
        self._check(container)
        target.write_bytes(b"an archive")
        return target.stat().st_size

    def remove(self, container: Container) -> None:
        if container.name in self._stubborn:
            raise EngineError(f"{container.name} does not go away.")
        self._containers.pop(container.id, None)
        self._sources.pop(container.id, None)

    def remove_image(self, image_id: str) -> None:
        self._images.pop(image_id, None)

    def images(self, name: str, *, sizes: bool = False) -> list[ImageFacts]:
        del sizes
        return [
            ImageFacts(name=one, id=one, labels=labels, created=0.0, own_size=0)
            for one, labels in self._images.items()
            if ":" in one and (fnmatch(one, name) or one.startswith(f"{name}:"))
        ]

    def remove_unused_image(self, image: str) -> bool:
        if image in self._sources.values():
            return False
        self._images.pop(image, None)
        return True

    def push(self, image: str, target: str) -> Travelled:
        self._registry[target] = self._images[image]
        return Travelled(layers=1, present=0)

    def fetch(self, source: str) -> Travelled | None:
        if source not in self._registry:
            return None
        self._images[source] = self._registry[source]
        return Travelled(layers=1, present=0)

    def save(self, image: str, file: Path) -> None:
        file.write_text(json.dumps(self._images[image]))

    def load(self, file: Path) -> str:
        image = f"loaded:{len(self._images)}"
        self._images[image] = json.loads(file.read_text())
        return image

    def nameless_images(self, label: str) -> list[tuple[str, dict[str, str]]]:
        return [
            (image, labels)
            for image, labels in self._images.items()
            if ":" not in image and label in labels
        ]

    def labelled(self, label: str) -> list[tuple[Container, dict[str, str]]]:
        return [
            (container, labels)
            for container, labels in self._containers.values()
            if label in labels
        ]


_: type[ContainerEngine] = FakeEngine


@dataclass(slots=True)
class World:
    """What happens to fake workers, and what has come of it.

    Attributes:
        fatal_tests: PortablePaths of tests that end their worker.
        fatal_reports: PortablePaths of tests whose worker ends once it has told of their success.
        fatal_fixtures: How often the fixture of a batch ends its worker before its first test.
        fatal_ends: Batches whose last fixture ends the worker after their last test.
        stillborn: How many workers end before they take a command.
        wants: Databases that tests connect to without having declared them, by place.
        failures: What workers say about their own end, by place of the test they were in.
        memory_bytes: What workers say they have of the memory after each batch.
        fixture_error: The fixture in which every batch fails before its first test.
        stops_after: The place of a test after which its worker stops, as on Ctrl-C.
        flushing: Batches whose tests flush the database `default`.
        failing_tests: How often tests fail before they pass, by place.
        failing_setups: How often the fixture of a batch's class fails before it passes.
    """

    batches: Sequence[Batch]
    fatal_tests: Collection[int] = ()
    fatal_reports: Collection[int] = ()
    fatal_fixtures: dict[int, int] = field(default_factory=dict)
    fatal_ends: Collection[int] = ()
    stillborn: int = 0
    wants: Mapping[int, str] = field(default_factory=dict)
    failures: Mapping[int, str] = field(default_factory=dict)
    before_test: Callable[[int], None] = lambda _: None
    memory_bytes: int = 0
    fixture_error: str = ""
    stops_after: int | None = None
    flushing: Collection[int] = ()
    failing_tests: dict[int, int] = field(default_factory=dict)
    failing_setups: dict[int, int] = field(default_factory=dict)
    processes: list[FakeProcess] = field(default_factory=list)

    def start(self, number: int) -> FakeProcess:
        """Start a worker."""
        process = FakeProcess(number, self)
        self.processes.append(process)
        return process


class FakeProcess(WorkerProcess):
    """A worker that does what its world says, one message at each look.

    Its channel is a real one, for the pool waits for it with `select`.
    """

    def __init__(self, number: int, world: World) -> None:
        self.number = number
        self.closed = False
        self.commands: list[Command] = []
        self.interrupted = 0
        self.killed = False
        self.joined = False
        self._world = world
        self._ours, self._theirs = socket.socketpair()
        self._script: Iterator[Message] = iter(())
        self._dead = False
        if world.stillborn:
            world.stillborn -= 1
            self._dead = True
            self._wake()

    @property
    def pid(self) -> int:
        return 1000 + self.number

    @property
    def alive(self) -> bool:
        """Its channel alone tells of its end."""
        return True

    def fileno(self) -> int:
        return self._ours.fileno()

    def send(self, command: Command) -> None:
        assert not self.joined, "a command to a worker that is gone"
        self.commands.append(command)
        if self._dead:
            return
        match command:
            case RunBatch():
                self._script = self._run(command)
                self._wake()
            case UseResources() if any(isinstance(one, RunBatch) for one in self.commands):
                self._wake()
            case UseResources() | Quit():
                pass

    def receive(self) -> list[Message]:
        self._ours.recv(1)
        message = next(self._script, None)
        if message is None:
            self.closed = self._dead
            return []
        if not isinstance(message, DatabaseRequest):
            self._wake()
        return [message]

    def interrupt(self) -> None:
        self.interrupted += 1

    def kill(self) -> None:
        self.killed = True

    def join(self) -> int | None:
        self.joined = True
        self._ours.close()
        self._theirs.close()
        return -9

    def _wake(self) -> None:
        self._theirs.send(b"x")

    def _run(self, command: RunBatch) -> Iterator[Message]:
        world = self._world
        yield WorkerReady(worker=self.number)
        batch = world.batches[command.batch]
        if world.fatal_fixtures.get(batch.number, 0):
            world.fatal_fixtures[batch.number] -= 1
            self._dead = True
            return
        if batch.number in world.failing_setups:
            kind = type(batch.tests[0])
            fixture = f"setUpClass ({kind.__module__}.{kind.__qualname__})"
            world.failing_setups[batch.number] -= 1
            has_failed = world.failing_setups[batch.number] >= 0
            yield FixtureStarted(worker=self.number, fixture=fixture)
            if has_failed:
                yield self._outcome(None, fixture, OutcomeKind.ERROR)
            yield FixtureFinished(worker=self.number, seconds=0.0)
            if has_failed:
                yield self._finished(batch)
                return
        if world.fixture_error:
            yield TestOutcome(
                worker=self.number,
                index=None,
                test_id=world.fixture_error,
                kind=OutcomeKind.ERROR,
            )
        for index, test in zip(batch.indices, batch.tests, strict=True):
            if index in command.skip:
                continue
            if self.interrupted:
                break
            world.before_test(index)
            yield TestStarted(worker=self.number, index=index, test_id=test.id())
            if index in world.wants:
                yield DatabaseRequest(alias=world.wants[index])
            if index in world.fatal_tests:
                if index in world.failures:
                    yield WorkerFailed(worker=self.number, text=world.failures[index])
                self._dead = True
                return
            world.failing_tests[index] = world.failing_tests.get(index, 0) - 1
            has_failed = world.failing_tests[index] >= 0
            outcome = OutcomeKind.FAILURE if has_failed else OutcomeKind.SUCCESS
            yield self._outcome(index, test.id(), outcome)
            if index in world.fatal_reports:
                self._dead = True
                return
            if batch.number in world.flushing:
                yield DatabaseFlushed(worker=self.number, alias="default")
            yield TestFinished(worker=self.number, index=index, seconds=0.0)
            if index == world.stops_after:
                yield BatchFinished(
                    worker=self.number,
                    batch=batch.number,
                    seconds=0.0,
                    memory_bytes=0,
                    stopped=True,
                )
                return
        if batch.number in world.fatal_ends:
            self._dead = True
            return
        yield self._finished(batch)

    def _outcome(self, index: int | None, test_id: str, kind: OutcomeKind) -> TestOutcome:
        problem = None
        if kind is not OutcomeKind.SUCCESS:
            problem = Problem(
                type_name="AssertionError",
                module="builtins",
                message="no",
                text=f"no: {test_id}",
                is_failure=kind is OutcomeKind.FAILURE,
            )
        return TestOutcome(
            worker=self.number, index=index, test_id=test_id, kind=kind, problem=problem
        )

    def _finished(self, batch: Batch) -> BatchFinished:
        return BatchFinished(
            worker=self.number,
            batch=batch.number,
            seconds=0.0,
            memory_bytes=self._world.memory_bytes,
        )


class FakeSupply:
    """Databases of every worker, at once or after they were asked for.

    Args:
        known: Aliases that the run has a template for.
        slow: Whether a worker's databases come up only after `update`.
        failing: How often the server of an alias fails to start.
    """

    def __init__(
        self,
        known: Collection[str] = ("default",),
        *,
        slow: bool = False,
        failing: dict[str, int] | None = None,
    ) -> None:
        self._failing = dict(failing or {})
        self.released: list[int] = []
        self._known = known
        self._slow = slow
        self._up: set[int] = set()
        self._coming: set[int] = set()
        self._ours, self._theirs = socket.socketpair()

    def close(self) -> None:
        """Close what stands for the channel to the server host."""
        self._ours.close()
        self._theirs.close()

    def fileno(self) -> int | None:
        return self._ours.fileno() if self._coming else None

    @property
    def keeps_failures(self) -> bool:
        return False

    def keep(self, worker: int, request: KeepRequest) -> bool | None:
        del worker, request
        return False

    def explain(self, worker: int, *, wait_seconds: float) -> str:
        del worker, wait_seconds
        return ""

    def update(self) -> None:
        self._up |= self._coming
        for _ in self._coming:
            self._ours.recv(1)
        self._coming.clear()

    def acquire(self, worker: int, needs: frozenset[str]) -> Sequence[Lease] | None:
        for alias in needs:
            if self._failing.get(alias, 0):
                self._failing[alias] -= 1
                raise ServerError(f"the server of {alias} does not start")
        if self._slow and worker not in self._up:
            if worker not in self._coming:
                self._coming.add(worker)
                self._theirs.send(b"x")
            return None
        return [
            Lease(alias=alias, settings={"NAME": f"{alias} of {worker}"})
            for alias in sorted(needs)
            if alias in self._known
        ]

    def release(self, worker: int) -> None:
        self.released.append(worker)
        self._up.discard(worker)


__: type[Supplier] = FakeSupply
