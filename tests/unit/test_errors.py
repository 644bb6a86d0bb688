"""The tree of expected errors."""

from __future__ import annotations

import pickle

import pytest

from ctest_containers import errors
from ctest_containers.errors import (
    EXPECTED,
    CtestError,
    EngineError,
    InterruptedRunError,
    NothingToRun,
    UsageError,
)
from ctest_containers.exit_codes import ExitCode


def _tree(root: type[CtestError]) -> set[type[CtestError]]:
    return {root}.union(*(_tree(child) for child in root.__subclasses__()))


def test_an_error_is_a_statement_and_a_hint() -> None:
    error = UsageError("This is wrong.", "Do that.")

    assert str(error) == "This is wrong.\nDo that."
    assert (error.message, error.hint) == ("This is wrong.", "Do that.")


def test_an_error_without_a_hint_is_its_statement() -> None:
    assert str(EngineError("It is gone.")) == "It is gone."


def test_every_error_can_cross_to_another_process_by_its_name() -> None:
    ours = {kind for kind in _tree(CtestError) if kind.__module__ == errors.__name__}

    assert ours - {CtestError, InterruptedRunError, NothingToRun} == set(EXPECTED.values())
    assert all(name == kind.__name__ for name, kind in EXPECTED.items())


@pytest.mark.parametrize("kind", EXPECTED.values())
def test_an_error_survives_pickling(kind: type[CtestError]) -> None:
    error = kind("statement", "hint")

    copy = pickle.loads(pickle.dumps(error))  # noqa: S301  # made here

    assert type(copy) is kind
    assert (copy.message, copy.hint) == ("statement", "hint")


@pytest.mark.parametrize("kind", EXPECTED.values())
def test_an_expected_error_ends_with_the_code_for_a_run_that_could_not_be_set_up(
    kind: type[CtestError],
) -> None:
    assert kind("statement").exit_code is ExitCode.SETUP_FAILED


@pytest.mark.parametrize("name", EXPECTED)
def test_every_error_is_drawn_in_the_tree(name: str) -> None:
    assert f"── {name} " in (errors.__doc__ or "")
