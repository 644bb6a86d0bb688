"""The manifest for Kubernetes is one that the operator, Kubernetes, Dask and the toolkit take."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness.dask_options import understood
from harness.kubernetes import Schemas, pods_of
from harness.projects import run
from harness.tiers import further

pytestmark = further(
    "It is about an example file of the docs, which no change of the package touches."
)

MANIFEST = Path(__file__).resolve().parents[2] / "docs" / "examples" / "cluster" / "kubernetes.yaml"
CLUSTER, JOB = yaml.safe_load_all(MANIFEST.read_text())
WORKER = CLUSTER["spec"]["worker"]["spec"]
NODE, ENGINE = WORKER["containers"]
(TESTS,) = JOB["spec"]["template"]["spec"]["containers"]
(SCHEDULER,) = CLUSTER["spec"]["scheduler"]["spec"]["containers"]

Change = Callable[[Any], None]


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Schemas:
    """What the operator and Kubernetes say themselves."""
    return Schemas(tmp_path_factory.mktemp("schemas"))


def test_each_resource_is_valid_by_the_schemas_of_the_operator_and_of_kubernetes(
    schemas: Schemas,
) -> None:
    pods = [pod for one in (CLUSTER, JOB) for pod in pods_of(one)]
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "spec": CLUSTER["spec"]["scheduler"]["service"],
    }

    assert (CLUSTER["kind"], JOB["kind"], len(pods)) == ("DaskCluster", "Job", 3)
    assert schemas.problems(CLUSTER) == []
    assert schemas.problems(JOB) == []
    assert [problem for pod in pods for problem in schemas.problems_of_pod(pod)] == []
    assert schemas.problems(service) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda spec: spec["worker"].update(replica=3), "$.spec.worker: "),
        (lambda spec: spec["worker"].pop("spec"), "'spec' is a required property"),
        (lambda spec: spec["worker"]["spec"].update(volume=[]), "$.spec.worker.spec: "),
        # Sidecars that Kubernetes knows by this, the operator's older schema would leave out.
        (
            lambda spec: spec["worker"]["spec"]["containers"][1].update(restartPolicy="Always"),
            "$.spec.worker.spec.containers[1]: ",
        ),
        (
            lambda spec: spec["scheduler"]["service"]["ports"][0].update(port="8786"),
            "'8786' is not of type 'integer'",
        ),
    ],
    ids=["unknown", "missing", "deep", "new", "type"],
)
def test_a_slip_in_the_cluster_would_be_found(
    change: Change, problem: str, schemas: Schemas
) -> None:
    cluster = copy.deepcopy(CLUSTER)
    change(cluster["spec"])

    (found,) = schemas.problems(cluster)

    assert problem in found


def test_a_slip_in_the_job_and_in_a_pod_would_be_found(schemas: Schemas) -> None:
    job = copy.deepcopy(JOB)
    job["spec"]["backofLimit"] = 1
    (pod,) = pods_of(job)
    pod["containers"][0]["imagePullPolicy"] = ["Always"]

    assert any("'backofLimit'" in problem for problem in schemas.problems(job))
    assert any("['Always']" in problem for problem in schemas.problems_of_pod(pod))


def test_dask_understands_the_commands_of_the_cluster() -> None:
    scheduler, worker = understood(SCHEDULER["command"]), understood(NODE["command"])

    port = SCHEDULER["ports"][0]["containerPort"]
    (service, _) = CLUSTER["spec"]["scheduler"]["service"]["ports"]
    assert scheduler["port"] == str(port) == str(service["port"])
    # The operator gives workers this variable, and the scheduler's address in another.
    assert (worker["name"], worker["scheduler"]) == ("$(DASK_WORKER_NAME)", None)
    assert worker["resources"] == "ctest=4"
    assert worker["nanny"] is False
    with pytest.raises(AssertionError, match="--resource"):
        understood([*NODE["command"], "--resource=ctest=4"])


def test_worker_and_engine_have_the_folder_of_sockets_in_the_same_place() -> None:
    variables = {one["name"]: one["value"] for one in NODE["env"]}
    mounts = [
        {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
        for container in (NODE, ENGINE)
    ]
    volumes = {one["name"]: one for one in WORKER["volumes"]}

    shared = variables["TMPDIR"]
    assert mounts[0]["ctest"] == mounts[1]["ctest"] == shared
    assert "emptyDir" in volumes["ctest"]
    assert mounts[1]["docker"] == "/var/lib/docker"
    assert f"--host={variables['DOCKER_HOST']}" in ENGINE["args"]
    assert variables["DOCKER_HOST"].startswith(f"unix://{shared}/")
    assert "--transport=socket" in TESTS["command"]


def test_the_job_finds_the_scheduler_by_the_name_that_the_operator_gives_it() -> None:
    selector = CLUSTER["spec"]["scheduler"]["service"]["selector"]
    name = CLUSTER["metadata"]["name"]

    assert f"--cluster=tcp://{name}-scheduler:8786" in TESTS["command"]
    assert selector == {"dask.org/cluster-name": name, "dask.org/component": "scheduler"}
    assert TESTS["image"] == NODE["image"] == SCHEDULER["image"]


def test_the_toolkit_takes_the_options_of_the_job(
    project: Path, sqlite_env: dict[str, str]
) -> None:
    python, _, module, *options = TESTS["command"]
    nowhere = [option.replace("tcp://ctest-scheduler:8786", "no.json") for option in options]

    done = run(project, *nowhere, env=sqlite_env)
    wrong = run(project, *nowhere, "--transports=socket", env=sqlite_env)

    assert (python, module) == ("python", "ctest_containers")
    assert done.code == wrong.code == 2
    assert "The scheduler file no.json does not exist." in done.output
    assert "unknown option --transports" in wrong.output
