"""A kept failure as a file: complete, and harmless to those who open it."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from harness.made_failures import keep, kept_failure, sqlite_databases

from ctest_containers.errors import UsageError
from ctest_containers.failures import portable
from ctest_containers.failures.model import KeptDatabases
from ctest_containers.failures.portable import export, read
from ctest_containers.failures.store import FACTS, FailureStore, Stored
from ctest_containers.model import DatabaseGroup, DatabasePlan, Vendor

SERVER: KeptDatabases = KeptDatabases(
    plan=DatabaseGroup(
        vendor=Vendor("postgresql"),
        number=1,
        databases=(DatabasePlan(name="test_shop", aliases=("other",), users=("shop",)),),
    ),
    fingerprint="e" * 64,
    image="localhost/ctest/shop/postgresql:eeee",
    image_id="sha256:1234",
    file="postgresql.tar.gz",
)


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    store = FailureStore(tmp_path / "failures")
    failure = kept_failure(databases=(sqlite_databases("default"), SERVER))
    kept = keep(store, failure)
    (kept.folder / SERVER.file).write_bytes(b"archive")
    return kept


def _unpacked(file: Path, tmp_path: Path) -> Stored:
    folder = tmp_path / "unpacked"
    folder.mkdir()
    return read(file, folder)


def test_a_failure_is_read_from_its_file_as_it_was(stored: Stored, tmp_path: Path) -> None:
    file = export(stored, {}, tmp_path / "reports" / "failures")

    assert file.name == "ab12cd34-1-library.test_it.CartTests.test_total.ctest-failure"
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    again = _unpacked(file, tmp_path)
    assert again.failure == stored.failure
    for name in ("default.sqlite3", SERVER.file):
        assert (again.folder / name).read_bytes() == (stored.folder / name).read_bytes()


def test_differences_in_rows_are_members_of_the_file(stored: Stored, tmp_path: Path) -> None:
    again = _unpacked(export(stored, {"postgresql": '{"rows": []}'}, tmp_path), tmp_path)

    _, server = again.failure.databases
    assert server == replace(SERVER, rows="postgresql-rows.json")
    assert (again.folder / server.rows).read_text() == '{"rows": []}'


def test_a_test_with_any_name_has_a_file(tmp_path: Path) -> None:
    failure = kept_failure(test_id="setUpClass (library.test_it./../é" + "x" * 300)

    file = export(keep(FailureStore(tmp_path / "failures"), failure), {}, tmp_path / "out")

    assert len(file.name) < 200
    assert file.parent == tmp_path / "out"


def _add(archive: tarfile.TarFile, name: str, data: bytes = b"", **fields: object) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    for field, value in fields.items():
        setattr(member, field, value)
    archive.addfile(member, io.BytesIO(data))


def _facts(*names: str) -> bytes:
    files = {f"alias{number}": name for number, name in enumerate(names)}
    return kept_failure(databases=(replace(sqlite_databases(), files=files),)).to_json().encode()


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (lambda archive: _add(archive, "other"), "it does not begin with failure.json"),
        (lambda archive: _add(archive, FACTS, b"{}"), "it is not a kept failure"),
        (lambda archive: _add(archive, FACTS, b"\xff"), "codec can't decode"),
        (lambda archive: _add(archive, FACTS, _facts("../x")), "an invalid member '../x'"),
        (lambda archive: _add(archive, FACTS, _facts("/etc/x")), "an invalid member '/etc/x'"),
        (lambda archive: _add(archive, FACTS, _facts(".x")), "an invalid member '.x'"),
        (lambda archive: _add(archive, FACTS, _facts(FACTS)), "an invalid member 'failure.json'"),
        (lambda archive: _add(archive, FACTS, _facts("a", "a")), "an invalid member 'a'"),
        (lambda archive: _add(archive, FACTS, _facts("a")), "its member 'a' is missing"),
        (
            lambda archive: _add(archive, FACTS, _facts().replace(b'"sqlite"', b'"/etc"')),
            "'/etc' is not one of the vendors",
        ),
        (
            lambda archive: _add(
                archive, FACTS, _facts().replace(b'"number": 1', b'"number": "/"')
            ),
            "'/' is not the number of a group",
        ),
        (
            lambda archive: _add(archive, FACTS, _facts().replace(b"f" * 64, b"../../x")),
            "'../../x' is not a fingerprint",
        ),
    ],
)
def test_facts_that_do_not_fit_are_refused(
    write: Callable[[tarfile.TarFile], None], reason: str, tmp_path: Path
) -> None:
    file = tmp_path / "bad.ctest-failure"
    with tarfile.open(file, "w:gz") as archive:
        write(archive)

    with pytest.raises(UsageError) as error:
        _unpacked(file, tmp_path)

    assert reason in error.value.message


@pytest.mark.parametrize(
    ("name", "fields", "reason"),
    [
        ("../../evil", {}, "an unexpected member '../../evil'"),
        ("more", {}, "an unexpected member 'more'"),
        ("a", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}, "member 'a' is not a file"),
        ("a", {"type": tarfile.DIRTYPE}, "member 'a' is not a file"),
    ],
)
def test_members_that_do_not_belong_are_refused(
    name: str, fields: dict[str, object], reason: str, tmp_path: Path
) -> None:
    file = tmp_path / "bad.ctest-failure"
    with tarfile.open(file, "w:gz") as archive:
        _add(archive, FACTS, _facts("a"))
        _add(archive, name, b"", **fields)

    with pytest.raises(UsageError) as error:
        _unpacked(file, tmp_path)

    assert reason in error.value.message
    assert list((tmp_path / "unpacked").iterdir()) == []


def test_a_member_that_is_too_large_is_refused(
    stored: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = export(stored, {}, tmp_path)
    monkeypatch.setattr(portable, "MOST_BYTES", 1000)

    with pytest.raises(UsageError, match="it is larger than"):
        _unpacked(file, tmp_path)


@pytest.mark.parametrize("content", [b"", b"text", b"\x1f\x8b\x08\x00"])
def test_another_file_is_refused_with_what_to_name(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_bytes(content)

    with pytest.raises(UsageError) as error:
        _unpacked(file, tmp_path)

    assert error.value.hint == "Name a test, or a file that --keep-failed-dir wrote."


def test_a_file_that_is_cut_off_is_refused(stored: Stored, tmp_path: Path) -> None:
    file = export(stored, {}, tmp_path)
    file.write_bytes(file.read_bytes()[:-300])

    with pytest.raises(UsageError, match="cannot be opened as a failed test"):
        _unpacked(file, tmp_path)
