"""What an import loads, and which part may import which."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

_PROGRAM = """
import importlib, json, sys
importlib.import_module(sys.argv[1])
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        (
            "ctest_containers",
            {"django", "docker", "testcontainers", "psycopg2", "psutil", "argparse"},
        ),
        ("ctest_containers.__main__", {"django", "docker", "testcontainers", "psycopg2"}),
        ("ctest_containers.cli", {"docker", "testcontainers", "psycopg2"}),
        ("ctest_containers.workers.child", {"docker", "testcontainers", "psycopg2", "psutil"}),
        ("ctest_containers.workers.pool", {"docker", "testcontainers", "psycopg2"}),
        ("ctest_containers.servers.serve", {"django"}),
        ("ctest_containers.session", {"docker", "testcontainers", "psycopg2.extensions"}),
        ("ctest_containers.report.replay", {"django", "docker", "testcontainers", "psycopg2"}),
        ("ctest_containers.wire", {"django", "docker", "testcontainers", "psycopg2"}),
    ],
)
def test_an_import_loads_nothing_that_it_does_not_need(module: str, unwanted: set[str]) -> None:
    output = subprocess.check_output([sys.executable, "-c", _PROGRAM, module], cwd=ROOT, text=True)

    assert set(json.loads(output)) & unwanted == set()


@pytest.mark.parametrize(
    "module", ["ctest_containers.servers.serve", "ctest_containers.servers.standby"]
)
def test_the_server_host_comes_up_without_the_vocabulary_of_events(module: str) -> None:
    """Its data classes take longer to make than all that the host needs."""
    program = f"import sys, {module}; print('ctest_containers.events' in sys.modules)"

    output = subprocess.check_output([sys.executable, "-c", program], cwd=ROOT, text=True)

    assert output.strip() == "False"


_HELP = """
import json, sys
from ctest_containers.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
sys.stderr.write(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


@pytest.mark.parametrize(
    "command",
    [
        *([], ["report"], ["report", "merge"], ["timings"], ["exec"], ["doctor"], ["clean"]),
        *(["template"], ["template", "list"], ["template", "diff"], ["service"], ["service", "up"]),
        ["completion"],
    ],
)
def test_help_waits_for_nothing_that_only_work_needs(command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _HELP, *command, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert "usage:" in done.stdout
    heavy = {"django", "docker", "testcontainers", "requests", "psycopg2", "rich"}
    assert set(json.loads(done.stderr)) & heavy == set()


def test_imports_point_downwards() -> None:
    """The layers and the contracts of pyproject.toml hold."""
    linter = Path(sys.executable).with_name("lint-imports")

    done = subprocess.run(
        [linter, "--no-cache"],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )

    assert done.returncode == 0, done.stdout
