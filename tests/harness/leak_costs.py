"""What `--leaks` costs: the time that a worker spends in it, while it runs the example project.

    scripts/bench-leaks [ROUNDS [SERVER …]]

The servers are sqlite, postgresql, mariadb and mysql. Time is measured in the worker, from its
first test to its last one, so that a noisy machine slows both parts of a share in the same way;
waiting for the server is part of it.
"""

from __future__ import annotations

import functools
import json
import os
import runpy
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.projects import PROJECTS, environment

SERVERS = ("sqlite", "postgresql", "mariadb", "mysql")
FILE = "BENCH_LEAKS_FILE"
METHODS = (
    *(
        "lend",
        "rebase",
        "note_flush",
        "begin_class",
        "begin_test",
        "end_fixture",
        "end_test",
        "end_class",
    ),
    *("begin_module", "end_module"),
)


def measure() -> None:
    """Run the toolkit in this process, and write down what its workers spend."""
    from ctest_containers.workers.child import CommandLoop
    from ctest_containers.workers.leak_watch import LeakWatch

    spent: dict[str, float] = defaultdict(float)
    calls: dict[str, int] = defaultdict(int)
    running: list[str] = []

    def timed(owner: type, name: str, *, is_outer: bool) -> None:
        method: Callable[..., Any] = getattr(owner, name)

        @functools.wraps(method)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            if running and not is_outer:
                return method(*args, **kwargs)
            if not is_outer:
                running.append(name)
            wall, cpu = time.perf_counter(), time.thread_time()
            try:
                return method(*args, **kwargs)
            finally:
                spent[name] += time.perf_counter() - wall
                spent[f"{name} cpu"] += time.thread_time() - cpu
                calls[name] += 1
                if not is_outer:
                    running.pop()

        setattr(owner, name, wrapped)

    for name in METHODS:
        timed(LeakWatch, name, is_outer=False)
    timed(CommandLoop, "_run", is_outer=True)
    work = CommandLoop.work

    def working(self: CommandLoop) -> None:
        try:
            work(self)
        finally:
            with Path(os.environ[FILE]).open("a") as file:
                file.write(json.dumps({"spent": spent, "calls": calls}) + "\n")

    CommandLoop.work = working  # type: ignore[method-assign]
    sys.argv[1:2] = []
    runpy.run_module("ctest_containers", run_name="__main__", alter_sys=True)


def main(rounds: int, servers: list[str]) -> None:
    """Print each server's shares, and what they consist of."""
    with tempfile.TemporaryDirectory() as name:
        for server in servers:
            extra = {"SHOP_DB": server, FILE: str(Path(name) / server)}
            if server in {"mariadb", "mysql"}:
                extra["CTEST_CONTAINERS_MYSQL_IMAGE"] = server
            env = environment(Path(name) / "cache", extra)
            command = [sys.executable, "-m", "harness.leak_costs", "measure"]
            for _ in range(rounds + 1):
                subprocess.run(
                    [*command, "--parallel=1", "--leaks=report"],
                    cwd=PROJECTS / "shop",
                    env=env,
                    check=True,
                    capture_output=True,
                )
            # The first run builds the template.
            lines = Path(extra[FILE]).read_text().splitlines()[1:]
            _print(server, [json.loads(line) for line in lines])


def _print(server: str, workers: list[Any]) -> None:
    def median(key: str) -> Any:
        return statistics.median(worker["spent"].get(key, 0.0) for worker in workers)

    def share(suffix: str = "") -> Any:
        return statistics.median(
            sum(worker["spent"].get(name + suffix, 0.0) for name in METHODS)
            / (worker["spent"]["_run"] + worker["spent"]["lend"])
            for worker in workers
        )

    print(
        f"{server:<10} {median('_run'):6.2f} s of tests, leaks {share():.2%} "
        f"(its own processor time {share(' cpu'):.2%})"
    )
    for name in METHODS:
        if calls := workers[0]["calls"].get(name):
            print(f"    {name:<12} {calls:5} calls {median(name) * 1000:8.1f} ms")


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        measure()
    else:
        main(int((sys.argv[1:2] or ["5"])[0]), sys.argv[2:] or list(SERVERS))
