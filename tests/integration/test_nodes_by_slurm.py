"""The example for Slurm does what it says, in a cluster of Slurm."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from harness.projects import assert_agree, run_recorded, toolkit
from harness.slurm import slurm
from harness.tiers import further

pytestmark = further(
    "test_cluster has the same nodes; what is special to Slurm is the example script alone."
)

Env = dict[str, str]

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "examples" / "cluster" / "slurm.sh"

SUBMIT = """
job=$(sbatch --parsable --output="$0" "$@") || exit
ended='JobState=(COMPLETED|FAILED|CANCELLED|TIMEOUT|NODE_FAIL) .* ExitCode='
until found=$(scontrol --oneliner show job "$job" | grep -E "$ended"); do sleep 0.1; done
cat "$0"
code=${found##* ExitCode=}
exit "${code%%:*}"
"""
"""Runs a job as `sbatch --wait` does, which looks only now and then; prints its output."""


def test_a_job_of_slurm_has_the_outcomes_of_one_machine_and_leaves_nothing(
    project: Path, sqlite_env: Env, short_folder: Path, tmp_path: Path
) -> None:
    alone = toolkit(project, "library.test_outcomes", env=sqlite_env, record=tmp_path / "alone")
    home = tmp_path / "home"
    home.mkdir()
    env = {**sqlite_env, "HOME": str(home), "PYTHON": sys.executable, "INTERFACE": "lo"}

    with slurm(short_folder, "node1", "node2") as ours:
        submit = (
            "sh",
            "-c",
            SUBMIT,
            str(tmp_path / "job.log"),
            str(SCRIPT),
            "library.test_outcomes",
        )
        done = run_recorded(submit, project, {**env, **ours}, tmp_path / "clustered")

    assert_agree(alone, done)
    assert re.search(r"node[12]\b.* has 4 workers", done.output)
    assert list(home.iterdir()) == []
