"""Options that cannot be combined."""

from __future__ import annotations

import pytest

from ctest_containers.config import Config
from ctest_containers.errors import UsageError
from ctest_containers.model import Shard, Stress
from ctest_containers.session.combinations import check_combinations

STRESS = Stress(rounds=1)


@pytest.mark.parametrize(
    ("config", "pdb", "message"),
    [
        (Config(rerun=1, cluster="local"), False, "--rerun has no effect on the nodes"),
        (Config(rerun=1, stress=STRESS), False, "--rerun cannot be combined with --stress"),
        (Config(affected="", failed=True), False, "--affected cannot be combined with --failed"),
        (Config(explain=True), False, "--explain has no effect without --affected"),
        (Config(rerun=1), True, "--rerun cannot be combined with --pdb"),
        (Config(stress=STRESS, cluster="local"), False, "--stress cannot be .* with --cluster"),
        (Config(stress=STRESS, shard=Shard(1, 2)), False, "--stress cannot be .* with --shard"),
        (Config(stress=STRESS), True, "--stress cannot be combined with --pdb"),
        (Config(cluster="local"), True, "--pdb does not work with --cluster"),
        (Config(keep_failed=1, cluster="local"), False, "cannot be kept on a cluster"),
        (Config(keep_failed_dir="kept", cluster="local"), False, "cannot be kept on a cluster"),
    ],
)
def test_two_options_are_refused_by_name(config: Config, *, pdb: bool, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_combinations(config, pdb=pdb)


def test_options_that_can_be_combined_are_not_refused() -> None:
    check_combinations(Config(cluster="local", shard=Shard(1, 2)), pdb=False)
    check_combinations(Config(rerun=1, keep_failed=1, shard=Shard(1, 2)), pdb=False)
    check_combinations(Config(stress=STRESS, keep_failed=1), pdb=False)


def test_a_command_that_runs_no_tests_ignores_how_often_a_run_would() -> None:
    check_combinations(Config(rerun=1, stress=STRESS), pdb=True, runs_tests=False)
