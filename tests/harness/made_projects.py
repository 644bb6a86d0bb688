"""Tests of projects, as hypothesis makes them up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import dedent, indent

from hypothesis import strategies as st

HEADER = """
import asyncio, datetime, logging, os, signal, socket, sys
import threading, time, unittest, uuid, warnings
from unittest import mock
import freezegun
from django.core.cache import cache
from django.db import connection, connections, transaction
from django.test import SimpleTestCase, TestCase, TransactionTestCase, override_settings, tag
from shelf.models import Item
"""


def blocks(text: str) -> tuple[str, ...]:
    """The parts of a text between its empty lines."""
    return tuple(part.strip("\n") for part in text.split("\n\n"))


BASES: Mapping[str, tuple[str, str]] = {
    "simple": ("SimpleTestCase", ""),
    "simple with databases": ("SimpleTestCase", 'databases = {"default"}'),
    "test": ("TestCase", ""),
    "test on both": ("TestCase", 'databases = {"default", "other"}'),
    "test on other": ("TestCase", 'databases = ["other"]'),
    "transactions": ("TransactionTestCase", ""),
    "transactions on both": ("TransactionTestCase", 'databases = "__all__"'),
    "transactions, serialized": ("TransactionTestCase", "serialized_rollback = True"),
    "plain": ("unittest.TestCase", ""),
}
"""Each kind of class: what it inherits from, and its attribute."""

ROLLED_BACK = ("test", "test on both", "test on other")
FLUSHED = ("transactions", "transactions on both", "transactions, serialized")
KEPT = ("simple with databases", "plain")

BODIES = blocks(
    """
pass

self.fail("no")

raise ValueError("a value")

self.skipTest("later")

raise unittest.SkipTest("by hand")

print("words")

with self.subTest(n=1):
    self.fail("one")
with self.subTest(n=2):
    pass

with self.subTest(n=1):
    raise KeyError(1)
with self.subTest(n=2):
    self.skipTest("two")

with mock.patch("time.time", return_value=0.0):
    self.assertEqual(time.time(), 0.0)

patch = mock.patch("time.monotonic", return_value=5.0)
patch.start()
self.addCleanup(patch.stop)

patch = mock.patch("socket.socket", side_effect=OSError("off"))
patch.start()
self.addCleanup(patch.stop)
socket.socket()

with mock.patch("builtins.open", side_effect=OSError("off")):
    self.fail("while it is off")

with mock.patch("os.getpid", return_value=1), mock.patch("json.dumps", side_effect=KeyError):
    self.fail("while they are off")

with freezegun.freeze_time("2001-01-01"):
    self.assertEqual(datetime.date.today().year, 2001)

frozen = freezegun.freeze_time("1999-01-01")
frozen.start()
self.addCleanup(frozen.stop)

pid = os.fork()
if not pid:
    os._exit(3)
self.assertEqual(os.waitpid(pid, 0)[1] >> 8, 3)

thread = threading.Thread(target=time.sleep, args=(0.01,))
thread.start()
thread.join()

threading.Thread(target=time.sleep, args=(0.2,), daemon=True).start()

self.addCleanup(self.fail, "in a cleanup")

warnings.warn("take care")

logging.getLogger("shelf").error("logged")

with self.assertLogs("shelf"):
    logging.getLogger("shelf").error("logged")

signal.setitimer(signal.ITIMER_REAL, 60)
self.addCleanup(signal.setitimer, signal.ITIMER_REAL, 0)

before = signal.signal(signal.SIGALRM, signal.SIG_IGN)
self.addCleanup(signal.signal, signal.SIGALRM, before)

self.assertIsNone(cache.get("key"))
cache.set("key", 1)
cache.delete("key")

os.environ["DIFFERENTIAL"] = "1"
self.addCleanup(os.environ.pop, "DIFFERENTIAL")

sys.stderr.write("complaints")
self.assertEqual("a" * 200, "a" * 199 + "b")

self.assertEqual({"a": [1, 2]}, {"a": [1, 3]}, "a difference")

try:
    raise KeyError("cause")
except KeyError as error:
    raise ValueError("é") from error

class Odd(Exception):
    def __str__(self):
        raise RuntimeError("no words")
raise Odd
"""
)
"""What any test may do; each undoes what would reach another class."""

READING = blocks(
    """
self.assertEqual(Item.objects.using("{alias}").filter(name="migrated").count(), {number})

list(Item.objects.using("{alias}").all())
"""
)
"""What a test may do with a database that nobody resets."""

LEAVING = blocks("""Item.objects.using("{alias}").create(name=uuid.uuid4().hex)""")
"""What it may leave there: rows that no other test looks for."""

WRITING = blocks(
    """
Item.objects.using("{alias}").create(name="new")

Item.objects.using("{alias}").create(name="migrated")

Item.objects.using("{alias}").all().delete()

with transaction.atomic(using="{alias}"):
    Item.objects.using("{alias}").create(name="undone")
    raise RuntimeError("undo")

with self.assertRaises(RuntimeError), transaction.atomic(using="{alias}"):
    Item.objects.using("{alias}").create(name="undone")
    raise RuntimeError("undo")

with self.assertNumQueries({number}, using="{alias}"):
    list(Item.objects.using("{alias}").all())

transaction.on_commit(lambda: self.fail("committed"), using="{alias}")

self.assertEqual(Item.objects.using("{alias}").count(), {number})

with connections["{alias}"].cursor() as cursor:
    cursor.execute("SELECT no_such_column")

connections["{alias}"].close()

def work():
    try:
        list(Item.objects.using("{alias}").all())
    finally:
        connections["{alias}"].close()
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""
)
"""What it may do where all is undone after it, or flushed."""

FIXTURES = ("", 'raise ValueError("in a fixture")', 'raise unittest.SkipTest("in a fixture")')

CLASS_FIXTURES = (
    *FIXTURES,
    *blocks(
        """
cls.addClassCleanup(lambda: 1 / 0)

patch = mock.patch("time.sleep", side_effect=RuntimeError)
patch.start()
cls.addClassCleanup(patch.stop)

frozen = freezegun.freeze_time("2011-01-01")
frozen.start()
cls.addClassCleanup(frozen.stop)
"""
    ),
)

DECORATORS = (
    '@unittest.skip("not today")',
    "@unittest.expectedFailure",
    "@override_settings(DEBUG=True)",
    '@tag("slow")',
    '@freezegun.freeze_time("2015-05-05")',
    '@mock.patch("time.perf_counter", new=lambda: 0.0)',
)

OPTIONS = ((), (), ("--reverse",), ("--shuffle=3",), ("--buffer",), ("--debug-mode",))


@dataclass(frozen=True)
class Made:
    """A project's tests, and how they are run.

    Attributes:
        modules: The text of each module.
        options: Those of both runs.
        own: Those of the toolkit alone.
    """

    modules: tuple[str, ...]
    options: tuple[str, ...]
    own: tuple[str, ...]


def rarely(strategy: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """The strategy's value one time in five; else an empty string."""
    return st.integers(0, 4).flatmap(lambda n: strategy if n == 0 else st.just(""))


@st.composite
def bodies(draw: st.DrawFn, kind: str) -> str:
    """What a test of this kind of class does."""
    known = [*BODIES]
    if kind in ROLLED_BACK + FLUSHED:
        known += [*READING, *WRITING] * 2
    elif kind in KEPT:
        known += [*READING, *LEAVING] * 4
    elif kind == "simple":
        known += READING
    alias = "other" if kind == "test on other" else "default"
    if kind.endswith("both") and draw(st.booleans()):
        alias = "other"
    body = draw(st.sampled_from(known))
    for name, value in {"{alias}": alias, "{number}": str(draw(st.integers(0, 1)))}.items():
        body = body.replace(name, value)
    return body


@st.composite
def classes(draw: st.DrawFn, name: str) -> str:
    """The text of a class of tests."""
    kind = draw(st.sampled_from(list(BASES)))
    base, attribute = BASES[kind]
    lines = [draw(rarely(st.sampled_from(DECORATORS[:1]))), f"class {name}({base}):", "    x = 1"]
    lines.append(indent(attribute, "    "))
    for fixture in ("setUpClass", "tearDownClass"):
        if body := draw(rarely(st.sampled_from(CLASS_FIXTURES if fixture[0] == "s" else FIXTURES))):
            text = f"@classmethod\ndef {fixture}(cls):\n    super().{fixture}()\n" + indent(
                body, "    "
            )
            lines.append(indent(text, "    "))
    if kind in ROLLED_BACK and (
        body := draw(rarely(st.sampled_from([*FIXTURES, "cls.item = Item(name='data')"])))
    ):
        text = "@classmethod\ndef setUpTestData(cls):\n" + indent(body, "    ")
        lines.append(indent(text, "    "))
    lines += [
        indent(f"def {fixture}(self):\n{indent(body, '    ')}", "    ")
        for fixture in ("setUp", "tearDown")
        if (body := draw(rarely(st.sampled_from(FIXTURES) | bodies(kind))))
    ]
    for number in range(draw(st.integers(1, 3))):
        decorator = draw(rarely(st.sampled_from(DECORATORS)))
        is_async = kind != "plain" and not decorator and draw(st.integers(0, 9)) == 0
        body = "await asyncio.sleep(0)" if is_async else draw(bodies(kind))
        prefix = "async " if is_async else ""
        text = f"{decorator}\n{prefix}def test_{number}(self):\n{indent(body, '    ')}"
        lines.append(indent(text.lstrip("\n"), "    "))
    return "\n".join(filter(None, lines))


@st.composite
def modules(draw: st.DrawFn) -> str:
    """The text of a module of tests."""
    parts = [dedent(HEADER)]
    parts += [
        f"def {fixture}():\n{indent(body, '    ')}"
        for fixture in ("setUpModule", "tearDownModule")
        if (body := draw(rarely(st.sampled_from([*FIXTURES[1:], 'print("module")']))))
    ]
    names = draw(st.permutations("ABCDE"))
    parts += [draw(classes(f"{name}Tests")) for name in names[: draw(st.integers(1, 3))]]
    return "\n\n".join(parts) + "\n"


@st.composite
def projects(draw: st.DrawFn) -> Made:
    """A project, and how it is run."""
    texts = tuple(draw(st.lists(modules(), min_size=1, max_size=3)))
    own = [f"--parallel={draw(st.integers(1, 4))}"]
    if draw(st.integers(0, 4)) == 0:
        own.append("--start-method=spawn")
    return Made(texts, draw(st.sampled_from(OPTIONS)), tuple(own))
