"""Every test is in one batch, in order, and what belongs together stays together."""

from __future__ import annotations

import sys
import types
import unittest
from collections.abc import Iterator
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctest_containers.project.suite import make_batches

WITH_FIXTURES = "unit_batches_with_fixtures"


def _case(name: str, module: str) -> type[unittest.TestCase]:
    namespace = {"__module__": module, "runTest": lambda _: None, "databases": {name}}
    kind: type[unittest.TestCase] = type(name, (unittest.TestCase,), namespace)
    return kind


ALONE = [_case(name, "unit_batches_plain") for name in ("A", "B", "C")]
TOGETHER = [_case(name, WITH_FIXTURES) for name in ("D", "E")]


@pytest.fixture(autouse=True, scope="module")
def _module_with_fixtures() -> Iterator[None]:
    module = types.ModuleType(WITH_FIXTURES)
    module.setUpModule = lambda: None  # type: ignore[attr-defined]
    sys.modules[WITH_FIXTURES] = module
    yield
    del sys.modules[WITH_FIXTURES]


@given(st.lists(st.sampled_from([*ALONE, *TOGETHER]), max_size=15))
def test_a_suite_is_parted_into_batches(kinds: list[type[unittest.TestCase]]) -> None:
    tests = [kind() for kind in kinds]

    batches = make_batches(tests, ["x"])

    assert [test for batch in batches for test in batch.tests] == tests
    assert [index for batch in batches for index in batch.indices] == list(range(len(tests)))
    assert [batch.number for batch in batches] == list(range(len(batches)))
    groups = groupby(kinds, lambda kind: None if kind in TOGETHER else kind)
    assert [len(batch.tests) for batch in batches] == [len(list(group)) for _, group in groups]
    assert all(batch.aliases == {type(t).__name__ for t in batch.tests} for batch in batches)
