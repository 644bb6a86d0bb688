"""The example for SSH does what it says, on hosts that nothing but SSH leads to."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from harness.ports import first_free_port
from harness.projects import TESTS, assert_agree, run_recorded, toolkit, wait_for
from harness.ssh_hosts import ssh_hosts
from harness.tiers import further

Env = dict[str, str]

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "examples" / "cluster" / "ssh.sh"


@pytest.fixture
def hosts_env(sqlite_env: Env, short_folder: Path) -> Iterator[Env]:
    """For the script, where `ssh` knows the hosts north and south."""
    known = ("DOCKER_HOST", "XDG_CACHE_HOME", "TMPDIR")
    there = {"PYTHONPATH": str(TESTS), **{name: sqlite_env[name] for name in known}}
    with ssh_hosts(short_folder, "north", "south", env=there) as commands:
        path = os.pathsep.join([str(commands), sqlite_env["PATH"]])
        ours = {"PATH": path, "PYTHON": sys.executable, "PORT": str(first_free_port(3))}
        yield {**sqlite_env, **ours, "CARRIES": "2"}


@further("test_cluster has the same nodes; what is special to SSH is the example script alone.")
def test_hosts_that_ssh_reaches_have_the_outcomes_of_one_machine_and_keep_no_process(
    project: Path, sqlite_env: Env, hosts_env: Env, tmp_path: Path
) -> None:
    alone = toolkit(project, "library.test_outcomes", env=sqlite_env, record=tmp_path / "alone")

    command = ("bash", str(SCRIPT), "north", "south", "--", "library.test_outcomes")
    done = run_recorded(command, project, hosts_env, tmp_path / "clustered")

    wait_for(lambda: not _processes_of(hosts_env), 20, "the end of all that was started")
    assert_agree(alone, done)
    # The other one may come too late for so short a run.
    assert re.search(r"The node \S+ \((north|south)\) has 2 workers\.", done.output)


@further("test_cluster has the same nodes; what is special to SSH is the example script alone.")
def test_a_host_that_ssh_does_not_reach_is_named_and_does_not_keep_the_others(
    project: Path, hosts_env: Env, tmp_path: Path
) -> None:
    command = ("bash", str(SCRIPT), "nowhere.invalid", "south", "--", "library.test_around")
    done = run_recorded(command, project, hosts_env, tmp_path / "record")

    wait_for(lambda: not _processes_of(hosts_env), 20, "the end of all that was started")
    assert "nowhere.invalid" in done.output
    assert "(south) has 2 workers." in done.output
    assert done.ran


def test_a_script_without_hosts_says_how_it_is_used() -> None:
    done = subprocess.run(["bash", SCRIPT], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: ssh.sh HOST")


def _processes_of(env: Env) -> list[str]:
    """The command lines of all processes that know the scheduler's port."""
    lines = [" ".join(one.info["cmdline"] or []) for one in psutil.process_iter(["cmdline"])]
    return [line for line in lines if f":{env['PORT']}" in line or f" {env['PORT']} " in line]
