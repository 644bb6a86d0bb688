"""Runs on a cluster: the outcomes of one machine, whatever becomes of its nodes."""

from __future__ import annotations

import json
import time
from pathlib import Path

import docker
import pytest
from harness.certificates import certificates
from harness.containers import owned
from harness.dask_cluster import dask_cluster
from harness.many_classes import many_classes
from harness.projects import (
    assert_agree,
    copy_of,
    finish_recorded,
    run,
    start_recorded,
    toolkit,
    wait_for,
    write_tests,
)
from harness.tiers import further

Env = dict[str, str]

MANY = many_classes(12)


def test_a_cluster_has_the_outcomes_of_one_machine(
    project: Path, sqlite_env: Env, tmp_path: Path
) -> None:
    alone = toolkit(project, "library.test_outcomes", env=sqlite_env, record=tmp_path / "alone")

    with dask_cluster(tmp_path / "dask", sqlite_env, workers=2) as cluster:
        done = toolkit(
            project,
            *("library.test_outcomes", "--cluster", str(cluster.file), "--parallel", "1"),
            env=sqlite_env,
            record=tmp_path / "clustered",
        )

    assert_agree(alone, done)
    # The other one may come too late for so short a run.
    assert " has 1 worker." in done.output


def test_a_cluster_for_trying_is_on_this_machine(
    project: Path, sqlite_env: Env, tmp_path: Path
) -> None:
    alone = toolkit(project, "library.test_outcomes", env=sqlite_env, record=tmp_path / "alone")

    done = toolkit(
        project,
        *("library.test_outcomes", "--cluster", "local"),
        env=sqlite_env,
        record=tmp_path / "local",
    )

    assert_agree(alone, done)


@pytest.mark.usefixtures("no_container_is_left")
def test_a_node_that_is_lost_loses_no_test_and_leaves_no_container(
    project: Path, postgresql_env: Env, tmp_path: Path, engine: docker.DockerClient
) -> None:
    write_tests(project, MANY)
    witness = tmp_path / "witness"
    env = {**postgresql_env, "WITNESS": str(witness)}
    record = tmp_path / "record.json"

    with dask_cluster(tmp_path / "dask", env, workers=2) as cluster:
        process = start_recorded(
            project, "--cluster", str(cluster.file), "--parallel", "1", env=env, record=record
        )
        wait_for(lambda: witness.exists() and len(_lines(witness)) > 6, 120, "some tests")
        cluster.kill_worker(0)
        done = finish_recorded(process, record)
        wait_for(lambda: len(owned(engine)) == 0, 30, "the end of the dead node's containers")

    assert done.code == 0, done.output
    assert done.ran == 24
    assert len({test for test, _, _ in done.outcomes}) == len(done.outcomes) == 24
    assert "is lost: its Dask worker left the cluster." in done.output


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines()


def test_a_node_that_joins_late_gets_work(project: Path, sqlite_env: Env, tmp_path: Path) -> None:
    write_tests(project, MANY)
    witness = tmp_path / "witness"
    env = {**sqlite_env, "WITNESS": str(witness)}
    record = tmp_path / "record.json"

    with dask_cluster(tmp_path / "dask", env) as cluster:
        process = start_recorded(
            project, "--cluster", str(cluster.file), "--parallel", "1", env=env, record=record
        )
        wait_for(witness.exists, 60, "the first test")
        cluster.add_worker()
        done = finish_recorded(process, record)

    assert done.code == 0, done.output
    assert done.ran == 24
    assert "Running in 2 workers (on 2 nodes of the cluster)." in done.output


@pytest.mark.parametrize(
    ("delay", "nodes"),
    [
        ("0.5", {2}),
        # It may not even be heard that the test has begun; then it is waited for the next time.
        pytest.param("0", {2, 3}, marks=further("A node that ends later is lost as well.")),
    ],
    ids=["some time after its beginning", "at once"],
)
def test_a_test_that_takes_two_nodes_down_is_reported_and_not_tried_again(
    delay: str, nodes: set[int], project: Path, sqlite_env: Env, tmp_path: Path
) -> None:
    env = {**sqlite_env, "DELAY": delay}
    write_tests(
        project,
        """
        import signal

        class Deadly(TestCase):
            def test_deadly(self):
                time.sleep(float(os.environ["DELAY"]))
                # Its parent is the node's process, whose parent is the Dask worker.
                with open(f"/proc/{os.getppid()}/stat") as file:
                    os.kill(int(file.read().rpartition(")")[2].split()[1]), signal.SIGKILL)
                time.sleep(60)

            def test_harmless(self):
                pass

        class Other(TestCase):
            def test_other(self):
                pass
        """,
    )

    with dask_cluster(tmp_path / "dask", env, workers=max(nodes) + 1) as cluster:
        done = toolkit(
            project,
            *("--cluster", str(cluster.file), "--parallel", "1"),
            env=env,
            record=tmp_path / "record",
        )
        dead = [worker.poll() for worker in cluster.workers]

    assert done.code == 1, done.output
    kinds = {test.partition(" ")[0]: kind for test, kind in done.kinds}
    assert kinds == {"test_deadly": "error", "test_harmless": "success", "test_other": "success"}
    assert "2 nodes were lost while running this test" in done.output
    assert sum(code is not None for code in dead) in nodes


@pytest.mark.usefixtures("no_container_is_left")
def test_a_run_whose_time_is_up_ends_on_its_nodes_at_once(
    project: Path, postgresql_env: Env, tmp_path: Path, engine: docker.DockerClient
) -> None:
    write_tests(
        project,
        """
        class Slow(TestCase):
            def test_a_short_one(self):
                Author.objects.create(name="Own")

            def test_b_long_one(self):
                time.sleep(90)

            def test_c_never_begun(self):
                pass
        """,
    )
    env = postgresql_env
    run(project, "template", "build", env=env)
    began = time.monotonic()

    with dask_cluster(tmp_path / "dask", env) as cluster:
        done = toolkit(
            project,
            *("--cluster", str(cluster.file), "--parallel", "1", "--timeout-global", "15"),
            env=env,
            record=tmp_path / "record",
        )
        wait_for(lambda: len(owned(engine)) == 0, 30, "the end of the containers")

    assert done.code == 1
    assert time.monotonic() - began < 75
    kinds = {test.partition(" ")[0]: kind for test, kind in done.kinds}
    assert kinds == {
        "test_a_short_one": "success",
        "test_b_long_one": "error",
        "test_c_never_begun": "error",
    }
    assert "Ended: the run took longer than 15 s." in done.output


def test_what_tests_print_on_nodes_is_shown(project: Path, sqlite_env: Env, tmp_path: Path) -> None:
    write_tests(
        project,
        """
        class Talkative(TestCase):
            def test_print(self):
                print("printed on a node")
                os.write(2, b"without an end")
        """,
    )

    env = {**sqlite_env, "PYTHONUNBUFFERED": ""}
    with dask_cluster(tmp_path / "dask", env) as cluster:
        done = run(project, "--cluster", str(cluster.file), "--parallel", "1", env=env)

    assert done.code == 0, done.output
    assert done.output.count("printed on a node") == 1
    assert done.output.count("without an end") == 1


def test_a_dask_worker_that_hangs_keeps_nobody_waiting(
    project: Path, sqlite_env: Env, tmp_path: Path
) -> None:
    write_tests(project, many_classes(3))
    env = {**sqlite_env, "WITNESS": str(tmp_path / "witness")}

    with dask_cluster(tmp_path / "dask", env, workers=2) as cluster:
        wait_for(lambda: "Registered to" in cluster.log(1), 30, "the second worker")
        cluster.pause_worker(1)
        began = time.monotonic()
        done = run(project, "--cluster", str(cluster.file), "--parallel", "1", env=env)

    assert done.code == 0, done.output
    assert "Ran 6 tests" in done.output
    assert time.monotonic() - began < 60


def test_no_node_at_all_is_told(project: Path, sqlite_env: Env, tmp_path: Path) -> None:
    with dask_cluster(tmp_path / "dask", sqlite_env, workers=0) as cluster:
        done = run(project, "--cluster", str(cluster.file), "--cluster-wait", "1", env=sqlite_env)

    assert done.code == 2
    assert "No node of the cluster can run tests." in done.output
    assert "No Dask worker has joined." in done.output


def test_a_scheduler_that_dies_during_a_run_is_named(
    project: Path, sqlite_env: Env, tmp_path: Path
) -> None:
    write_tests(project, MANY)
    witness = tmp_path / "witness"
    env = {**sqlite_env, "WITNESS": str(witness)}
    record = tmp_path / "record.json"

    with dask_cluster(tmp_path / "dask", env) as cluster:
        process = start_recorded(
            project, "--cluster", str(cluster.file), "--parallel", "1", env=env, record=record
        )
        wait_for(witness.exists, 60, "the first test")
        cluster.kill_scheduler()
        done = finish_recorded(process, record)

    assert done.code == 2, done.output
    assert "The connection to the cluster's scheduler was lost" in done.output


def test_a_scheduler_that_does_not_answer_is_named(project: Path, sqlite_env: Env) -> None:
    done = run(project, "--cluster", "tcp://127.0.0.1:1", env=sqlite_env)

    assert done.code == 2
    assert "No Dask scheduler answers at tcp://127.0.0.1:1" in done.output
    assert "Traceback" not in done.output


def test_a_checkout_that_differs_is_refused_by_its_file_and_can_be_shipped(
    project: Path, sqlite_env: Env, tmp_path: Path
) -> None:
    write_tests(project, many_classes(1))
    other = copy_of("outcomes", tmp_path / "other")
    env = {**sqlite_env, "WITNESS": str(tmp_path / "witness")}

    with dask_cluster(tmp_path / "dask", env, workers=0) as cluster:
        cluster.add_worker(instead=(other, project))
        arguments = ("--cluster", str(cluster.file), "--parallel", "1")
        refused = run(project, *arguments, env=env)
        shipped = run(project, *arguments, "--ship-code", env=env)

    assert refused.code == 2
    assert "its checkout differs from this machine's in library/test_it.py" in refused.output
    assert shipped.code == 0, shipped.output
    assert "Ran 2 tests" in shipped.output


def test_a_cluster_that_wants_certificates_is_used_with_them_and_not_without(
    project: Path, sqlite_env: Env, tmp_path: Path
) -> None:
    write_tests(project, many_classes(1))
    env = {**sqlite_env, "WITNESS": str(tmp_path / "witness")}
    authority, certificate, key = certificates(tmp_path / "tls")
    tls = ("--tls-ca-file", authority, "--tls-cert", certificate, "--tls-key", key)

    with dask_cluster(tmp_path / "dask", env, *tls, "--protocol", "tls") as cluster:
        address = json.loads(cluster.file.read_text())["address"]
        ours = ("--cluster-tls-ca", authority, "--cluster-tls-cert", certificate)
        done = run(
            project,
            *("--cluster", address, "--parallel", "1", *ours, "--cluster-tls-key", key),
            env=env,
        )
        refused = run(project, "--cluster", address, env=env)

    assert address.startswith("tls://")
    assert done.code == 0, done.output
    assert refused.code == 2
    assert f"The scheduler at {address} requires TLS certificates." in refused.output
    assert Path(key).read_text().splitlines()[1] not in done.output + refused.output


def test_a_run_that_is_interrupted_reports_what_has_ended(
    project: Path, sqlite_env: Env, tmp_path: Path
) -> None:
    write_tests(project, MANY)
    witness = tmp_path / "witness"
    env = {**sqlite_env, "WITNESS": str(witness)}
    record = tmp_path / "record.json"

    with dask_cluster(tmp_path / "dask", env) as cluster:
        process = start_recorded(
            project, "--cluster", str(cluster.file), "--parallel", "1", env=env, record=record
        )
        wait_for(witness.exists, 60, "the first test")
        process.send_signal(2)
        done = finish_recorded(process, record)

    assert done.code == 130, done.output
    assert "not run" in done.output
    assert done.outcomes


def test_failfast_stops_all_nodes(project: Path, sqlite_env: Env, tmp_path: Path) -> None:
    write_tests(project, MANY.replace("count(), 1)", "count(), 2)"))
    env = {**sqlite_env, "WITNESS": str(tmp_path / "witness")}

    with dask_cluster(tmp_path / "dask", env) as cluster:
        done = run(
            project,
            *("--cluster", str(cluster.file), "--parallel", "1", "--failfast"),
            env=env,
        )

    assert done.code == 1
    assert len(_lines(tmp_path / "witness")) < 6
