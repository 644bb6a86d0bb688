"""A recording survives other runs, other programs and trouble with its file."""

from __future__ import annotations

import os
import signal
import threading
import time
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from harness.made_usage import made_usage
from harness.recording_files import made_recording
from unit.usage.made_recordings import TODAY, YESTERDAY, ran, recorded, sent

from ctest_containers.usage import encoding
from ctest_containers.usage.encoding import HEADER, to_bytes
from ctest_containers.usage.merging import joined
from ctest_containers.usage.model import Usage
from ctest_containers.usage.packing import Packer
from ctest_containers.usage.recording import Recording, Run
from ctest_containers.usage.store import RecordingFile
from ctest_containers.usage.units import KINDS

RECORDING = replace(
    recorded(
        YESTERDAY,
        {
            "test a": Usage(
                definitions=frozenset({("shop.views", "index")}),
                files=frozenset({"a.txt", "b\udcff.txt"}),
                statements=(sent("SELECT 1", 2), sent("SELECT 2")),
            ),
            "base": ran("ready"),
        },
        {"a": "failed"},
    ),
    inputs={"files": {"a.txt": "0123"}, "lines": [1, 2]},
)


@pytest.fixture
def file(tmp_path: Path) -> RecordingFile:
    """A file that does not exist yet, in a folder that does not either."""
    return RecordingFile.beside(tmp_path / "new" / "timings.json")


def _same(first: Recording, second: Recording) -> bool:
    return dict(first.units) == dict(second.units) and replace(first, units=second.units) == second


def _following(latest: Recording, before: Recording) -> Recording:
    return replace(latest, follows=before.run.id)


def test_the_file_is_beside_that_of_the_timings(file: RecordingFile) -> None:
    assert file.path.name == "timings.json.usage"


def test_a_missing_file_is_empty_and_no_problem(file: RecordingFile) -> None:
    recording, problem = file.read()

    assert _same(recording, Recording())
    assert problem == ""


def test_what_was_written_is_read_again(file: RecordingFile) -> None:
    file.update(lambda _: RECORDING)

    recording, problem = file.read()

    assert _same(recording, RECORDING)
    assert problem == ""


def test_a_file_without_a_kind_that_was_unknown_then_is_read(
    file: RecordingFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(encoding, "KINDS", tuple(kind for kind in KINDS if kind != "fixtures"))
        file.update(lambda _: RECORDING)

    recording, problem = file.read()

    assert _same(recording, RECORDING)
    assert problem == ""


DAMAGED = {
    "empty": b"",
    "JSON": b"{}",
    "another version": b"ctest-containers-usage 2\n",
    "nothing compressed": HEADER,
    "compressed nothing": HEADER + zlib.compress(b""),
    "no content": HEADER + zlib.compress((2).to_bytes(8, "little") + b"{}"),
    "too deep": HEADER + zlib.compress((2**40).to_bytes(8, "little") + b"[" * 100_000),
    "cut off": to_bytes(RECORDING)[:-1],
    "too long": to_bytes(RECORDING) + b"\0",
    "changed": to_bytes(RECORDING)[:200] + b"\0" + to_bytes(RECORDING)[201:],
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_set_aside_and_named(content: bytes, file: RecordingFile) -> None:
    file.path.parent.mkdir()
    file.path.write_bytes(content)

    recording, problem = file.read()

    assert _same(recording, Recording())
    assert str(file.path) in problem
    assert (
        "It was renamed to timings.json.usage.unreadable, and every test counts as new." in problem
    )
    assert not file.path.exists()
    assert file.path.with_name("timings.json.usage.unreadable").read_bytes() == content


def test_a_damaged_file_is_replaced_at_the_end_of_a_run(file: RecordingFile) -> None:
    file.path.parent.mkdir()
    file.path.write_bytes(b"damaged")

    problem = file.update(lambda before: joined(before, RECORDING))

    assert "renamed" in problem
    assert _same(file.read()[0], RECORDING)


def test_a_file_that_cannot_be_written_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "timings.json.usage").mkdir()
    file = RecordingFile.beside(tmp_path / "timings.json")

    problem = file.update(lambda before: joined(before, RECORDING))

    assert problem.startswith("The recording of the tests cannot be written to")


def test_runs_that_end_at_once_keep_what_each_has_recorded(file: RecordingFile) -> None:
    def save(number: int) -> None:
        latest = recorded(Run(f"{number:08}", TODAY.at), {f"test {number}": ran(f"f{number}")})
        assert file.update(lambda before: joined(before, _following(latest, before))) == ""

    threads = [threading.Thread(target=save, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    recording, problem = file.read()
    assert problem == ""
    assert dict(recording.units) == {f"test {number}": ran(f"f{number}") for number in range(8)}


def test_a_large_suite_takes_little_space() -> None:
    recording, _ = made_recording(400)

    # With 20,000 tests, that is 50 MB.
    assert len(to_bytes(recording)) < 400 * 2_500


def test_a_run_that_is_killed_while_it_writes_loses_only_its_own(file: RecordingFile) -> None:
    packer = Packer()
    for unit, usage in made_usage(50, statements=5):
        packer.add(unit, usage)
    units = packer.packed()
    run = recorded(TODAY, {})
    large = replace(run, units=units, runs=dict.fromkeys(units, TODAY))
    file.update(lambda _: large)
    pid = os.fork()
    if pid == 0:
        try:
            while True:
                file.update(lambda before: before)
        finally:
            os._exit(1)
    time.sleep(0.1)  # Any moment of its work will do.
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)

    latest = recorded(Run("33333333", TODAY.at), {"test new": ran("a")}, follows=TODAY.id)
    assert file.update(lambda before: joined(before, latest)) == ""
    recording, problem = file.read()
    assert problem == ""
    assert recording.units.keys() == {*units, "test new"}
    assert {path.name for path in file.path.parent.iterdir()} <= {
        "timings.json.usage",
        "timings.json.usage.lock",
    }
