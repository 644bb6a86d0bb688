"""Splits a suite into batches of tests that must stay together, in Django's order."""

from __future__ import annotations

import inspect
import itertools
import sys
import unittest
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

MODULE_FIXTURES = ("setUpModule", "tearDownModule")
CLASS_FIXTURES = ("setUpClass", "tearDownClass")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Tests that run one after another in one worker.

    Attributes:
        first: The index of its first test in the run; the others follow.
        aliases: The databases that its tests may use.
        needs_rows: Whether a test expects the rows that migrations have created.
        removes_rows: Whether a test may remove them, as a TransactionTestCase's flush does.
        leaves_rows: Whether a test may leave rows behind that nothing removes.
        flushes: The databases that a test flushes when it ends, if it runs.
        unflushed: Its databases that no earlier batch in Django's order flushes.
        exclusive: Resources that only one batch may use at a time: fixtures of a module, and the
            lock files of classes that use Django's SerializeMixin.
        part_of: Identifies the class that was split into this and other batches; None if whole.
    """

    number: int
    first: int
    tests: list[unittest.TestCase]
    aliases: frozenset[str]
    needs_rows: bool = False
    removes_rows: bool = False
    leaves_rows: bool = False
    flushes: frozenset[str] = frozenset()
    unflushed: frozenset[str] = frozenset()
    exclusive: frozenset[str] = frozenset()
    part_of: int | None = None

    @property
    def indices(self) -> range:
        """The indices of its tests in the run."""
        return range(self.first, self.first + len(self.tests))


def make_batches(
    tests: Iterable[unittest.TestCase],
    every_alias: Iterable[str],
    mirrors: Collection[str] = (),
    *,
    first: int = 0,
) -> list[Batch]:
    """The batches of a run.

    A batch is one class, as in Django's own parallel runner. Where the module of a class has
    fixtures of its own, its neighbouring classes stay together, so that `setUpModule` runs as
    often as it does in a serial run.

    Args:
        every_alias: The aliases that `databases = "__all__"` stands for.
        mirrors: Aliases that mirror others, which Django does not flush.
        first: The index of the first test, and the number of the first batch.
    """
    from django.test import TestCase

    batches: list[Batch] = []
    flushed: set[str] = set()
    every = frozenset(every_alias)
    position = first
    for _, group in itertools.groupby(tests, _key):
        together = list(group)
        kinds = {type(test) for test in together}
        leaves = any(map(_leaves_rows, kinds))
        aliases = aliases_of(together, every)
        flushes = aliases_of(filter(_may_flush, together), every).difference(mirrors)
        batches.append(
            Batch(
                number=first + len(batches),
                first=position,
                tests=together,
                aliases=aliases,
                needs_rows=any(issubclass(kind, TestCase) for kind in kinds),
                removes_rows=leaves or any(map(_is_flushing, kinds)),
                leaves_rows=leaves,
                flushes=flushes,
                unflushed=aliases.difference(flushed, mirrors),
                exclusive=frozenset(itertools.chain.from_iterable(map(_exclusive, kinds))),
            )
        )
        position += len(together)
        flushed |= flushes
    return batches


def aliases_of(tests: Iterable[unittest.TestCase], every: frozenset[str]) -> frozenset[str]:
    """The databases that tests declare.

    Args:
        every: The aliases that `databases = "__all__"` stands for.
    """
    aliases: set[str] = set()
    for test in tests:
        declared = getattr(test, "databases", None) or ()
        aliases.update(every if declared == "__all__" else declared)
    return frozenset(aliases)


def _is_flushing(kind: type) -> bool:
    """Whether a class is a TransactionTestCase, but not a TestCase."""
    from django.test import TestCase, TransactionTestCase

    return issubclass(kind, TransactionTestCase) and not issubclass(kind, TestCase)


def _may_flush(test: unittest.TestCase) -> bool:
    """Whether a test may flush its databases when it ends; a skipped test does not run.

    A custom teardown may call Django's, or the command.
    """
    from django.test import TransactionTestCase

    kind = type(test)
    if not _is_flushing(kind):
        return False
    teardown = inspect.getattr_static(kind, "_fixture_teardown", None)
    if teardown is not inspect.getattr_static(TransactionTestCase, "_fixture_teardown"):
        names = getattr(getattr(teardown, "__code__", None), "co_names", ())
        if not {"_fixture_teardown", "call_command"}.intersection(names):
            return False
    method = inspect.getattr_static(kind, getattr(test, "_testMethodName", ""), None)
    # Skips that depend on features of a database are decided where there is one.
    skips = (inspect.getattr_static(item, "__unittest_skip__", None) for item in (kind, method))
    return not any(skip is True for skip in skips)


def _leaves_rows(kind: type) -> bool:
    """Whether a test of this class may write to a database without a rollback."""
    from django.test import SimpleTestCase, TransactionTestCase

    if issubclass(kind, TransactionTestCase):
        return False
    return not issubclass(kind, SimpleTestCase) or bool(kind.databases)


def _exclusive(kind: type) -> Iterator[str]:
    """The resources that a class needs exclusively."""
    from django.test.testcases import SerializeMixin

    if _has_module_fixtures(kind):
        yield f"fixtures of {kind.__module__}"
    if issubclass(kind, SerializeMixin) and (file := getattr(kind, "lockfile", None)) is not None:
        yield f"lock file {Path(file).absolute()}"


def _has_module_fixtures(kind: type) -> bool:
    module = sys.modules.get(kind.__module__)
    return any(hasattr(module, name) for name in MODULE_FIXTURES)


def _key(test: unittest.TestCase) -> object:
    kind = type(test)
    return kind.__module__ if _has_module_fixtures(kind) else kind


def may_be_split(batch: Batch) -> bool:
    """Whether the tests of a batch may run in several workers, each with the class's fixtures.

    Module fixtures, and class fixtures other than Django's, may do anything, and run as often as
    in a serial run. Rows of `setUpTestData` are created on each worker's own server.
    """
    from django.test.testcases import SerializeMixin

    kinds = {type(test) for test in batch.tests}
    (kind, *more) = kinds
    own = [
        ancestor
        for ancestor in kind.__mro__
        if not ancestor.__module__.startswith(("django.", "unittest."))
        and any(name in vars(ancestor) for name in CLASS_FIXTURES)
    ]
    return not (more or own or issubclass(kind, SerializeMixin) or _has_module_fixtures(kind))
