"""Refuses options that cannot be combined."""

from __future__ import annotations

from typing import Final, NamedTuple

from ctest_containers.config import Config
from ctest_containers.errors import UsageError


class Refusal(NamedTuple):
    """Two options that cannot be combined.

    Attributes:
        message: The error as a sentence.
        hint: What to do instead; may be empty.
    """

    first: str
    second: str
    message: str
    hint: str = ""


REFUSALS: Final = (
    Refusal(
        "--rerun",
        "--cluster",
        "--rerun has no effect on the nodes of a cluster.",
        "Leave out --rerun or --cluster; --failed runs the failed tests of the last run.",
    ),
    Refusal(
        "--rerun",
        "--stress",
        "--rerun cannot be combined with --stress.",
        "Each round runs every test again.",
    ),
    Refusal("--rerun", "--pdb", "--rerun cannot be combined with --pdb."),
    Refusal(
        "--affected",
        "--failed",
        "--affected cannot be combined with --failed.",
        "--affected runs the tests that failed as well.",
    ),
    Refusal(
        "--stress",
        "--cluster",
        "--stress cannot be combined with --cluster.",
        "Run it on one machine.",
    ),
    Refusal(
        "--stress",
        "--shard",
        "--stress cannot be combined with --shard.",
        "In each job, select the tests by their labels instead.",
    ),
    Refusal(
        "--stress",
        "--pdb",
        "--stress cannot be combined with --pdb.",
        "Use --failfast to stop at the first failure, and repeat its round with --shuffle.",
    ),
    Refusal(
        "--pdb",
        "--cluster",
        "--pdb does not work with --cluster: the tests run on other machines.",
        "Run the failing test on this machine, without --cluster.",
    ),
    Refusal(
        "--keep-failed",
        "--cluster",
        "Failed tests' databases cannot be kept on a cluster: its nodes remove them.",
        "Leave out --cluster, or --keep-failed and --keep-failed-dir.",
    ),
)
"""The first that applies is raised."""


def check_combinations(config: Config, *, pdb: bool, runs_tests: bool = True) -> None:
    """Check that the options of a run or of another command can be combined.

    Args:
        pdb: Whether to debug tests that fail.
        runs_tests: Whether the tests are run, and not only planned, for instance.

    Raises:
        UsageError: Two of them cannot be combined.
    """
    given = {
        "--rerun": runs_tests and config.rerun > 0,
        "--stress": runs_tests and config.stress is not None,
        "--shard": config.shard is not None,
        "--affected": config.affected is not None,
        "--failed": config.failed,
        "--pdb": pdb,
        "--keep-failed": bool(config.keep_failed or config.keep_failed_dir),
        "--cluster": bool(config.cluster),
    }
    if config.explain and config.affected is None:
        raise UsageError("--explain has no effect without --affected.")
    for refusal in REFUSALS:
        if given[refusal.first] and given[refusal.second]:
            raise UsageError(refusal.message, refusal.hint)
