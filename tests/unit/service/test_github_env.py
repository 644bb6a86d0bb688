"""Variables on GitHub Actions, read as the runner reads them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from harness.github_files import as_the_runner_reads
from hypothesis import given
from hypothesis import strategies as st

from ctest_containers.errors import ServiceError, UsageError
from ctest_containers.service.github_env import append_variables, github_files, masks

NAMES = st.from_regex(r"[A-Z_][A-Z0-9_]{0,10}", fullmatch=True)
VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"))


@given(variables=st.dictionaries(NAMES, VALUES))
def test_the_runner_reads_what_was_written_after_what_was_there(variables: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "env")
        file.write_text("EARLIER=1\n")

        append_variables([file], variables)

        assert as_the_runner_reads(file.read_text()) == {"EARLIER": "1", **variables}


def test_no_value_can_end_its_entry_and_begin_another(tmp_path: Path) -> None:
    file = tmp_path / "env"
    append_variables([file], {"A": "1"})
    end = file.read_text().split("\n")[-2]

    append_variables([file], {"B": f"x\n{end}\nPATH<<{end}\nmine\n{end}"})

    assert set(as_the_runner_reads(file.read_text())) == {"A", "B"}


def test_passwords_are_masked_as_they_are_and_as_addresses_have_them() -> None:
    assert list(masks(["", "a%/\n", "plain", "plain"])) == [
        "::add-mask::a%25/%0A",
        "::add-mask::a%2525%252F%250A",
        "::add-mask::plain",
    ]


def test_without_the_runners_variables_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ENV", "/somewhere")
    monkeypatch.delenv("GITHUB_OUTPUT", raising=False)

    with pytest.raises(UsageError, match="needs the variable GITHUB_OUTPUT") as refused:
        github_files()

    assert "--env-file" in refused.value.hint


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="cannot be written"):
        append_variables([tmp_path], {"A": "1"})
