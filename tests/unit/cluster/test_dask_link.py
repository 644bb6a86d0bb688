"""What the link asks of Dask."""

from __future__ import annotations

from typing import Any

from ctest_containers.cluster.dask_link import DaskLink
from ctest_containers.cluster.spec import NodeSpec


class Pending:
    """A task that has not ended."""

    def done(self) -> bool:
        return False


class FakeClient:
    """Dask's client, as versions from 2025.4 on have it."""

    def __init__(self, workers: int) -> None:
        self._workers = [f"tcp://node-{number}" for number in range(workers)]
        self.asked: list[str] = []
        self.status = "running"

    def subscribe_topic(self, topic: str, handler: Any) -> None:
        """Nothing is ever said."""

    @property
    def scheduler(self) -> FakeClient:
        """Whom the client asks; its answers have no workers unless all are wanted."""
        return self

    def identity(self, n_workers: int = 0) -> dict[str, Any]:
        return {"workers": {name: {} for name in self._workers[: n_workers % 100]}}

    def scheduler_info(self, n_workers: int = -1) -> dict[str, Any]:
        """At times what the client has asked for in the background."""
        del n_workers
        return self.identity()

    def sync(self, function: Any, **options: Any) -> Any:
        return function(**options)

    def run(self, function: Any, *_: Any, **__: Any) -> None:
        """Every worker is told, which leaves nothing behind here."""

    def submit(self, function: Any, *_: Any, workers: list[str], **__: Any) -> Pending:
        if function.__name__ == "begin":
            self.asked += workers
        return Pending()


def test_all_workers_of_a_large_cluster_become_nodes() -> None:
    client = FakeClient(12)
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
