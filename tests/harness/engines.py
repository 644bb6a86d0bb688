"""Engines for tests to stop, fill and slow down: a second Docker Engine, and a way to the first."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import docker

from harness.layers import copy_images
from harness.projects import wait_for

REQUEST = re.compile(rb"(GET|HEAD|POST|PUT|DELETE) (\S+) HTTP/1\.1\r\n")
MEBIBYTE = 2**20
MACHINES_OWN = "unix:///var/run/docker.sock"

Rule = Callable[[str, str], bytes | None]
"""Asked with a request's method and path: an answer instead of the engine's, or None."""


class SecondEngine:
    """A Docker Engine beside the machine's own, with images, containers and a disk of its own.

    Args:
        folder: A new folder with a short path.
        group: The control group in which its containers are; empty for Docker's own.
    """

    def __init__(self, folder: Path, group: str = "") -> None:
        self.folder = folder
        self._group = group
        self.host = f"unix://{folder}/docker.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the engine, or start it again with all that it had."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for(self._answers, 30, "an answer of the second engine")

    def start_with(self, *images: str) -> None:
        """Start the engine for the first time, with these images of the first one."""
        with closing(docker.from_env()) as first:
            is_complete = not images or copy_images(first, images, self.folder / "data")
        self.start()
        if not is_complete:
            self.take_images(*images)

    def command(self) -> list[str]:
        """How the engine is started."""
        return [
            # It ends with the process that started it, however that one ends.
            *("setpriv", "--pdeathsig", "TERM"),
            # One that has no bridge removes that of any other in the same namespace.
            *("unshare", "--net", "dockerd"),
            *("--host", self.host),
            *self.places(),
            *(("--cgroup-parent", f"/{self._group}") if self._group else ()),
            *("--bridge", "none", "--iptables=false"),
        ]

    def places(self) -> list[str]:
        """Where it keeps what it has, apart from every other engine."""
        return [
            *("--data-root", str(self.folder / "data")),
            *("--exec-root", str(self.folder / "run")),
            *("--pidfile", str(self.folder / "pid")),
            *("--storage-driver", "overlay2"),
        ]

    def stop(self) -> None:
        """Stop the engine in its orderly way, which stops all containers."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)
            self._process = None

    def client(self) -> docker.DockerClient:
        """A client of this engine; to be closed."""
        return docker.DockerClient(base_url=self.host)

    def take_images(self, *images: str) -> None:
        """Copy images from the machine's own engine, what they share once."""
        with subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE) as save:
            subprocess.run(
                ["docker", "--host", self.host, "load", "--quiet"],
                stdin=save.stdout,
                stdout=subprocess.DEVNULL,
                check=True,
            )

    def kill(self) -> None:
        """Kill the engine; its containers live on."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(60)
        self._process = None

    def leave_room(self, free_bytes: int) -> None:
        """Leave only so much room on the disk of its own."""
        data = self.folder / "data"
        used = os.statvfs(data)
        size = (used.f_blocks - used.f_bfree) * used.f_frsize + free_bytes
        _mount("-o", f"remount,size={size}", str(data))

    def _answers(self) -> bool:
        asked = subprocess.run(
            ["docker", "--host", self.host, "version"], capture_output=True, check=False
        )
        return asked.returncode == 0


class EngineWithPorts(SecondEngine):
    """A second engine whose containers have a bridge, and ports on the loopback address."""

    def command(self) -> list[str]:
        """See `SecondEngine`; a shell creates the bridge and removes it when the engine ends."""
        number = os.getpid()
        address = f"10.{200 + number % 50}.{number // 50 % 250}.1/24"
        bridge = f"ct{number}"
        return [
            *("setpriv", "--pdeathsig", "TERM", "sh", "-c", WITH_A_BRIDGE, bridge, address),
            str(self.folder / "data"),
            *("dockerd", "--host", self.host, *self.places()),
            *("--bridge", bridge, "--iptables=false", "--ip-forward=false"),
        ]


WITH_A_BRIDGE = """
address=$1; data=$2; shift 2
ip link add "$0" type bridge && ip address add "$address" dev "$0" && ip link set "$0" up || exit
"$@" & engine=$!
trap 'kill $engine' TERM
wait $engine
wait $engine
ip link delete "$0"
if mountpoint -q "$data"; then umount --lazy "$data"; fi
"""


@contextmanager
def second_engine(
    folder: Path, *images: str, disk_bytes: int | None = None, group: str = "", ports: bool = False
) -> Iterator[SecondEngine]:
    """A running second engine that has these images of the first one.

    Args:
        folder: A new folder with a short path.
        disk_bytes: The size of a disk of its own; None for the machine's.
        group: The control group in which its containers are; empty for Docker's own.
        ports: Whether servers on it may have ports.
    """
    engine = EngineWithPorts(folder) if ports else SecondEngine(folder, group)
    data = folder / "data"
    data.mkdir()
    if disk_bytes is not None:
        _mount("-t", "tmpfs", "-o", f"size={disk_bytes}", "tmpfs", str(data))
    try:
        engine.start_with(*images)
        yield engine
    finally:
        engine.stop()
        unmount_below(folder)


def unmount_below(folder: Path) -> None:
    """Undo mounts in a folder: an engine that was killed leaves some, a disk of its own is one."""
    for line in reversed(Path("/proc/mounts").read_text().splitlines()):
        if line.split()[1].startswith(f"{folder}/"):
            subprocess.run(["umount", line.split()[1]], check=True)


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


@contextmanager
def way_to_the_engine(folder: Path, rule: Rule) -> Iterator[str]:
    """An address that leads to the engine of the tests, and a rule for every request to it."""
    path = folder / "way.sock"
    closing = threading.Event()
    threads: list[threading.Thread] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(64)
        listener.settimeout(0.1)

        def accept() -> None:
            while not closing.is_set():
                with suppress(TimeoutError):
                    client, _ = listener.accept()
                    threads.append(threading.Thread(target=_forward, args=(client, rule, closing)))
                    threads[-1].start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield f"unix://{path}"
        finally:
            closing.set()
            accepting.join()
            for thread in threads:
                thread.join()


def _forward(client: socket.socket, rule: Rule, closing: threading.Event) -> None:
    """Carry one connection's bytes both ways; a request begins wherever a chunk looks like one."""
    engine = socket.socket(socket.AF_UNIX)
    engine.connect(os.environ.get("DOCKER_HOST", MACHINES_OWN).removeprefix("unix://"))

    def back() -> None:
        _carry(engine, client, closing, lambda data: data)

    def ask(data: bytes) -> bytes | None:
        found = REQUEST.match(data)
        answer = rule(found[1].decode(), found[2].decode()) if found else None
        if answer is not None:
            # Whoever asked may have given up meanwhile.
            with suppress(OSError):
                client.sendall(answer)
            return None
        return data

    returning = threading.Thread(target=back)
    returning.start()
    _carry(client, engine, closing, ask)
    returning.join()
    client.close()
    engine.close()


def _carry(
    source: socket.socket,
    target: socket.socket,
    closing: threading.Event,
    change: Callable[[bytes], bytes | None],
) -> None:
    source.settimeout(0.1)
    while not closing.is_set():
        try:
            data = source.recv(65536)
        except TimeoutError:
            continue
        except OSError:
            break
        if not data:
            break
        changed = change(data)
        if changed is None:
            continue
        with suppress(OSError):
            target.settimeout(30)
            target.sendall(changed)
            target.settimeout(0.1)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def error_answer(status: int, message: str) -> bytes:
    """An engine's answer that refuses."""
    return answer(f'{{"message": "{message}"}}', f"{status} Refused")


def answer(body: str, status: str = "200 OK") -> bytes:
    """An engine's answer, in JSON."""
    content = body.encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content
