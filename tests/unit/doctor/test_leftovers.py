"""What dead runs left is told by whose it is; templates by what they take."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest
from harness.made_failures import keep, kept_failure
from unit.doctor.made_contexts import context, worst
from unit.fakes import FakeEngine

from ctest_containers.doctor import leftovers
from ctest_containers.engine import labels
from ctest_containers.failures.store import FailureStore
from ctest_containers.template.stored import ABANDONED_SECONDS

LIVING = labels.owner(os.getpid())
DEAD = f"{LIVING.rsplit('/', 1)[0]}/12345.00"


def test_containers_of_dead_runs_are_told_by_project(tmp_path: Path) -> None:
    engine = FakeEngine()
    engine.add("mine", {labels.OWNER: DEAD, labels.PROJECT: "shop"})
    engine.add("living", {labels.OWNER: LIVING, labels.PROJECT: "shop"})
    engine.add("another's", {labels.OWNER: DEAD, labels.PROJECT: "depot"})

    mine, others = worst(leftovers.check_leftovers(context(tmp_path, engine=engine)))

    assert mine.what == "1 container of crashed runs of shop: mine."
    assert mine.fix == "Run `python -m ctest_containers clean`."
    assert others.what == "1 container of crashed runs of other projects: another's."
    assert others.fix == "Run `python -m ctest_containers clean --all`."
    assert engine.names() == ["mine", "living", "another's"]


def test_half_made_templates_of_long_ago_are_told_of(tmp_path: Path) -> None:
    making = tmp_path / "cache" / "sqlite" / "shop" / "making-1"
    making.mkdir(parents=True)
    assert worst(leftovers.check_leftovers(context(tmp_path))) == []

    long_ago = time.time() - 2 * ABANDONED_SECONDS
    os.utime(making, (long_ago, long_ago))
    (one,) = worst(leftovers.check_leftovers(context(tmp_path)))

    assert str(making) in one.what
    assert making.is_dir()


def test_templates_that_nobody_used_for_long_can_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = {
        labels.ROLE: "template",
        labels.FINGERPRINT: "f" * 64,
        labels.PROJECT: "shop",
    }
    engine = FakeEngine()
    monkeypatch.setattr(
        engine, "_images", {f"{labels.NAMESPACE}/shop/postgresql:{'f' * 64}": template}
    )

    amount, going = leftovers.check_templates(context(tmp_path, engine=engine))

    assert amount.what == "1 template (0 KiB) of shop, 0 templates of others."
    assert "not used for" in going.what
    assert going.fix == "Run `python -m ctest_containers template prune`."


def test_kept_failures_are_counted(tmp_path: Path) -> None:
    assert list(leftovers.check_failures(context(tmp_path))) == []
    keep(FailureStore.of("shop", tmp_path / "cache"), kept_failure())

    (finding,) = leftovers.check_failures(context(tmp_path))

    assert re.fullmatch(
        r"The databases of 1 failed test of shop are kept \(\d+ KiB\)\.", finding.what
    )
