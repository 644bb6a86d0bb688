"""Folders and memory of this machine are judged by what a run needs of them."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest
from unit.doctor.made_contexts import context, facts, group, project, worst
from unit.fakes import FakeEngine

from ctest_containers.config import Config
from ctest_containers.doctor import folders, memory
from ctest_containers.doctor.finding import Severity
from ctest_containers.model import SOCKET_PATH_LIMIT, SQLITE
from ctest_containers.project.suite import Batch


def test_a_folder_with_room_is_ok(tmp_path: Path) -> None:
    assert [one.severity for one in folders.check_cache(context(tmp_path))] == [Severity.OK]


@pytest.mark.parametrize(
    ("few", "too_few", "expected"),
    [(2**60, 0, Severity.WARNING), (2**60, 2**59, Severity.ERROR)],
)
def test_a_disk_that_is_nearly_full_is_told_of(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    few: int,
    too_few: int,
    expected: Severity,
) -> None:
    monkeypatch.setattr(folders, "FEW_BYTES", few)
    monkeypatch.setattr(folders, "TOO_FEW_BYTES", too_few)

    (one,) = folders.check_cache(context(tmp_path))

    assert one.severity is expected
    assert "XDG_CACHE_HOME" in one.fix


def test_a_cache_that_is_a_file_keeps_templates_from_being_made(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")

    (one,) = folders.check_cache(context(tmp_path, cache=tmp_path / "cache" / "ctest_containers"))

    assert one.severity is Severity.ERROR
    assert "XDG_CACHE_HOME" in one.fix


def test_a_temporary_folder_that_does_not_exist_is_not_the_one_that_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "gone"))

    (one,) = worst(folders.check_temporary_folder(context(tmp_path)))

    assert f"TMPDIR={tmp_path}/gone is not writable" in one.what


def test_a_long_path_for_sockets_is_told_of_where_sockets_are_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * SOCKET_PATH_LIMIT)
    deep.mkdir()
    monkeypatch.setenv("TMPDIR", str(deep))
    monkeypatch.setattr(tempfile, "tempdir", str(deep))

    with_server = list(folders.check_temporary_folder(context(tmp_path, project=project(group()))))
    without = project(group(SQLITE))
    on_sqlite = list(folders.check_temporary_folder(context(tmp_path, project=without)))

    assert any("sockets go to /tmp" in one.what for one in with_server)
    assert not any("sockets go to" in one.what for one in on_sqlite)


def test_the_engines_disk_is_looked_at_where_it_is_this_machines(tmp_path: Path) -> None:
    engine = FakeEngine()
    told = facts(root=str(tmp_path))

    here = list(folders.check_engine_disk(context(tmp_path, facts=told, engine=engine)))
    nowhere = list(folders.check_engine_disk(context(tmp_path, facts=told)))

    assert [one.severity for one in here] == [Severity.OK]
    assert nowhere == []


def batch(number: int) -> Batch:
    """A batch with nothing in it."""
    return Batch(number=number, first=0, tests=[], aliases=frozenset())


def test_the_sum_of_a_run_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctest_containers.session.planning.available_bytes", lambda: 3 * 2**30)
    made = project(batches=[batch(one) for one in range(9)], asked=5)
    config = Config(project="shop", timings_file=str(tmp_path / "none.json"))

    told = list(memory.check_memory(context(tmp_path, project=made, config=config)))

    assert told[0].what == (
        "A run would have 5 workers: as many as requested. The next limits are 6 (3.0 GiB of "
        "memory available, 512 MiB for each worker), 9 (9 batches of tests), 16 (the configured "
        "maximum)."
    )


def test_little_memory_is_a_warning_with_a_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("session.planning", "doctor.memory"):
        monkeypatch.setattr(f"ctest_containers.{module}.available_bytes", lambda: 200 * 2**20)
    config = Config(project="shop", timings_file=str(tmp_path / "none.json"))

    found = worst(
        memory.check_memory(context(tmp_path, project=project(batches=[batch(0)]), config=config))
    )

    assert "less than the floor of 256 MiB" in found[0].what
    assert "--memory-floor" in found[0].fix
    assert "Only 200 MiB of memory is available" in found[1].what


def test_a_file_of_timings_that_cannot_be_read_is_told_of_and_stays(tmp_path: Path) -> None:
    file = tmp_path / "timings.json"
    file.write_text("{")
    config = Config(project="shop", timings_file=str(file))

    (one,) = worst(memory.check_memory(context(tmp_path, project=project(), config=config)))

    assert f"`rm {file}`" in one.fix
    assert file.read_text() == "{"
    with pytest.raises(ValueError, match="property name"):
        json.loads(file.read_text())


@pytest.mark.parametrize(("quota", "workers"), [("150000 100000", 2), ("50000 100000", 1)])
def test_a_quota_of_cores_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, workers: int
) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.setattr(memory, "QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr(memory, "OLD_QUOTA", tmp_path / "none")
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8))

    (one,) = memory.check_cores(context(tmp_path))

    assert f"`--parallel {workers}`" in one.fix


def test_cores_without_a_quota_are_all_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpu.max").write_text("max 100000")
    monkeypatch.setattr(memory, "QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr(memory, "OLD_QUOTA", tmp_path / "none")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))

    assert list(memory.check_cores(context(tmp_path))) == []
