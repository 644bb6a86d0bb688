"""Everybody who reads a file of variables reads the same."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import example, given
from hypothesis import strategies as st

from ctest_containers.errors import ServiceError, UsageError
from ctest_containers.service.env_file import quoted, write_env_file

VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.text(
    "ab$'\"\\`{}#!;&|<>()*?[]~ =%\t\n\r", max_size=8
)

SHELL_READS = 'set -a; . "$0"; printf %s "$V"'


@given(value=VALUES)
@example(value="it's")
@example(value="a # b")
@example(value="${HOME}")
@example(value="$HOME `id` \\n")
@example(value="end\\")
@example(value="postgresql://a:b@/n?host=%2Ftmp&port=5432")
def test_a_shell_and_python_dotenv_read_what_was_written(value: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "env")
        try:
            write_env_file(file, {"V": value})
        except UsageError:
            # Whatever is refused has something that is not usual in an address.
            assert set(value) & set("$'\"\\`!") or not value.isprintable()
            return
        shell = subprocess.run(
            ["sh", "-c", SHELL_READS, str(file)],
            env={"PATH": os.environ["PATH"], "HOME": "wrong"},
            stdout=subprocess.PIPE,
            check=True,
        )

        assert shell.stdout.decode() == value
        assert dotenv_values(file) == {"V": value}


@pytest.mark.parametrize("value", ["x", "127.0.0.1", "a-b_c/d:e@f%20,g+h=i"])
def test_a_harmless_word_stands_as_it_is(value: str) -> None:
    assert quoted("V", value) == value


@pytest.mark.parametrize("value", ["a'$b", "a\nb", "\0", "a\\", "'\\"])
def test_what_readers_would_take_differently_is_refused_by_the_variables_name(value: str) -> None:
    with pytest.raises(UsageError, match="The value of PGDATABASE contains characters"):
        quoted("PGDATABASE", value)


def test_the_file_is_private_and_replaced_in_one_step(tmp_path: Path) -> None:
    file = tmp_path / "folder" / ".env"
    write_env_file(file, {"A": "1"})
    file.chmod(0o644)

    write_env_file(file, {"A": "2", "B": "two words"})

    assert file.read_text() == "A=2\nB='two words'\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ServiceError, match="cannot be written"):
        write_env_file(tmp_path / "file" / "env", {"A": "1"})
