"""What the link asks of Dask."""

from __future__ import annotations

from typing import Any

from ctest_containers.cluster.dask_link import DaskLink
from ctest_containers.cluster.spec import NodeSpec


class Pending:
    """A task that has not ended."""

    def done(self) -> bool:
        return False


class ClientOf2025:
    """Dask's client as versions from 2025.4 to 2026.1 have it: it tells of five workers."""

    def __init__(self, workers: int) -> None:
        self._workers = [f"tcp://node-{number}" for number in range(workers)]
        self.asked: list[str] = []

    def subscribe_topic(self, topic: str, handler: Any) -> None:
        """Nothing is ever said."""

    def scheduler_info(self, n_workers: int = 5, **_: Any) -> dict[str, Any]:
        told = self._workers if n_workers == -1 else self._workers[:n_workers]
        return {"workers": {name: {} for name in told}}

    def run(self, function: Any, *_: Any, **__: Any) -> None:
        """Every worker is told, which leaves nothing behind here."""

    def submit(self, function: Any, *_: Any, workers: list[str], **__: Any) -> Pending:
        if function.__name__ == "begin":
            self.asked += workers
        return Pending()


def test_all_workers_of_a_large_cluster_become_nodes() -> None:
    client = ClientOf2025(12)
    spec = NodeSpec(
        run="r",
        folder="/",
        settings="s",
        versions={},
        files={},
        archive=b"",
        prepare=b"",
        plan=b"",
    )
    link = DaskLink(client, spec)

    link.receive(0.0)

    assert client.asked == [f"tcp://node-{number}" for number in range(12)]
    assert link.expected == 12
