"""What a run asks of the engine: each call of it takes a while."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from itertools import groupby
from pathlib import Path

import pytest
from harness.engines import way_to_the_engine
from harness.projects import run, write_tests

TWO = """
        class First(TestCase):
            def test_both_workers_have_a_server(self):
                self.assertEqual(Author.objects.count(), 1)
                there = Path(f"there-{os.getppid()}")
                there.mkdir(exist_ok=True)
                (there / type(self).__name__).touch()
                while len([*there.iterdir()]) < 2:
                    time.sleep(0.01)

        class Second(First):
            pass
"""

CREATED = re.compile(r"/containers/create\?name=(?P<name>\S+)")
CONTAINER = re.compile(r"/containers/(?P<id>[0-9a-f]{64})")


@pytest.mark.usefixtures("no_container_is_left")
def test_a_warm_run_asks_the_engine_for_no_more_than_it_needs(
    project: Path, postgresql_env: dict[str, str], short_folder: Path
) -> None:
    write_tests(project, TWO)
    asked: list[tuple[str, str]] = []

    with way_to_the_engine(short_folder, lambda *call: asked.append(call)) as address:
        env = {**postgresql_env, "DOCKER_HOST": address}
        for _ in range(2):
            asked.clear()
            done = run(project, "library.test_it", "--parallel", "2", env=env)
            assert done.code == 0, done.output

    of_containers: dict[str, list[str]] = defaultdict(list)
    others = Counter[str]()
    for method, path in asked:
        found = CONTAINER.search(path)
        if found is not None:
            of_containers[found["id"]].append(method)
        elif "/images/sha256:" not in path:
            # It looks at each nameless image, too: what somebody has left there.
            others["create" if CREATED.search(path) else path.partition("?")[0]] += 1
    # The library looks at what it has created; the last look tells how to measure its memory.
    # On a busy machine it looks again while a server starts.
    calls = [[method for method, _ in groupby(methods)] for methods in of_containers.values()]
    assert [methods[:4] for methods in calls] == [["GET", "POST", "GET", "DELETE"]] * 2
    # If the run ends while a server is being removed, it is measured and removed once more.
    assert all({*methods[4:]} <= {"GET", "DELETE"} for methods in calls)
    assert others.pop("create") == 2
    images = sum(
        others.pop(path) for path in [*others] if path.endswith("/json") and "/images/l" in path
    )
    # By the library, for each container. And is the template there: for the forecast and the run.
    assert images == 4
    # What is nameless?
    assert sum(others.pop(path) for path in [*others] if path.endswith("/images/json")) == 1
    assert sum(others.values()) <= 4, others
