"""Messages survive the way from one process to another, whatever is in them."""

from __future__ import annotations

import dataclasses
import json
from itertools import pairwise
from typing import Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ctest_containers.backends import VENDORS
from ctest_containers.events import (
    BatchFinished,
    DatabaseFlushed,
    FixtureFinished,
    FixtureStarted,
    FromWorker,
    LeakDetected,
    LeaksUnseen,
    OutcomeKind,
    Problem,
    ResetLeftToDjango,
    TableLeak,
    TestDuration,
    TestFinished,
    TestOutcome,
    TestRetried,
    TestStarted,
    UsageRecorded,
    UsageUnrecorded,
    WorkerEvent,
    WorkerFailed,
    WorkerReady,
)
from ctest_containers.history.lines import line as log_line
from ctest_containers.model import Address, Lease, Secret, ServiceLease
from ctest_containers.wire import (
    Command,
    DatabaseRequest,
    KeepAnswer,
    KeepRequest,
    LineBuffer,
    Message,
    Quit,
    RunBatch,
    ServerVerdict,
    TerminalAnswer,
    TerminalRequest,
    TerminalReturned,
    UseResources,
    VerdictRequest,
    WorkerRequest,
    decode,
    encode,
)


def _no_surrogate_pair(text: str) -> bool:
    """Whether no two surrogates stand together that JSON would read as one character."""
    return not any("\ud800" <= a < "\udc00" <= b <= "\udfff" for a, b in pairwise(text))


ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=40)
TEXTS = ANY_TEXT.filter(_no_surrogate_pair)
NUMBERS = st.integers(min_value=0, max_value=2**53)
SECONDS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
PROBLEMS = st.builds(
    Problem, type_name=TEXTS, module=TEXTS, message=TEXTS, text=TEXTS, is_failure=st.booleans()
)
LEASES = st.builds(
    Lease,
    alias=TEXTS,
    settings=st.dictionaries(TEXTS, VALUES, max_size=3),
    dropped_options=st.lists(TEXTS, max_size=3).map(tuple),
    load_from=TEXTS,
    vendor=st.sampled_from([vendor.vendor for vendor in VENDORS.values()]),
    address=st.none()
    | st.builds(Address, host=TEXTS, port=NUMBERS, user=TEXTS, password=st.builds(Secret, TEXTS)),
)
SERVICE_LEASES = st.builds(
    ServiceLease,
    name=TEXTS,
    settings=st.dictionaries(TEXTS, VALUES, max_size=3),
    environment=st.dictionaries(TEXTS, TEXTS, max_size=3),
)
STRATEGIES: dict[type[Any], st.SearchStrategy[Any]] = {
    TestStarted: st.builds(TestStarted, worker=NUMBERS, index=NUMBERS, test_id=TEXTS),
    TestRetried: st.builds(
        TestRetried, worker=NUMBERS, index=NUMBERS, test_id=TEXTS, limit_seconds=SECONDS
    ),
    TestOutcome: st.builds(
        TestOutcome,
        worker=NUMBERS,
        index=st.none() | NUMBERS,
        test_id=TEXTS,
        kind=st.sampled_from(OutcomeKind),
        subtest=st.none() | TEXTS,
        reason=TEXTS,
        problem=st.none() | PROBLEMS,
        queries=TEXTS,
    ),
    TestDuration: st.builds(TestDuration, worker=NUMBERS, index=NUMBERS, seconds=SECONDS),
    TestFinished: st.builds(
        TestFinished, worker=NUMBERS, index=NUMBERS, seconds=SECONDS, queries=TEXTS
    ),
    BatchFinished: st.builds(
        BatchFinished, worker=NUMBERS, batch=NUMBERS, seconds=SECONDS, memory_bytes=NUMBERS
    ),
    DatabaseRequest: st.builds(DatabaseRequest, alias=TEXTS),
    DatabaseFlushed: st.builds(DatabaseFlushed, worker=NUMBERS, alias=TEXTS),
    VerdictRequest: st.builds(VerdictRequest),
    ResetLeftToDjango: st.builds(
        ResetLeftToDjango, worker=NUMBERS, alias=TEXTS, reason=TEXTS, comparing=st.booleans()
    ),
    LeakDetected: st.builds(
        LeakDetected,
        worker=NUMBERS,
        alias=TEXTS,
        owners=st.lists(TEXTS, max_size=2).map(tuple),
        tables=st.lists(
            st.builds(
                TableLeak, table=TEXTS, before=st.none() | NUMBERS, after=st.none() | NUMBERS
            ),
            max_size=2,
        ).map(tuple),
        tests=st.lists(TEXTS, max_size=2).map(tuple),
    ),
    LeaksUnseen: st.builds(LeaksUnseen, worker=NUMBERS, alias=TEXTS, reason=TEXTS),
    UsageRecorded: st.builds(
        UsageRecorded,
        worker=NUMBERS,
        unit=TEXTS,
        first=NUMBERS,
        names=st.lists(TEXTS, max_size=2).map(tuple),
        used=TEXTS,
        statements=st.lists(st.lists(NUMBERS, max_size=6).map(tuple), max_size=2).map(tuple),
    ),
    UsageUnrecorded: st.builds(UsageUnrecorded, worker=NUMBERS, reason=TEXTS),
    ServerVerdict: st.builds(ServerVerdict, lost=st.booleans()),
    KeepRequest: st.builds(
        KeepRequest,
        test_id=TEXTS,
        index=st.none() | NUMBERS,
        problem=PROBLEMS,
        files=st.dictionaries(TEXTS, TEXTS, max_size=2),
        trouble=TEXTS,
    ),
    KeepAnswer: st.builds(KeepAnswer, more=st.booleans()),
    TerminalRequest: st.builds(TerminalRequest),
    TerminalAnswer: st.builds(TerminalAnswer, granted=st.booleans(), test_id=TEXTS),
    TerminalReturned: st.builds(TerminalReturned, last=st.booleans()),
    WorkerFailed: st.builds(WorkerFailed, worker=NUMBERS, text=TEXTS),
    WorkerReady: st.builds(WorkerReady, worker=NUMBERS),
    FixtureStarted: st.builds(FixtureStarted, worker=NUMBERS, fixture=TEXTS),
    FixtureFinished: st.builds(FixtureFinished, worker=NUMBERS, seconds=SECONDS),
    UseResources: st.builds(
        UseResources,
        databases=st.lists(LEASES, max_size=3).map(tuple),
        services=st.lists(SERVICE_LEASES, max_size=2).map(tuple),
        answers=TEXTS,
    ),
    RunBatch: st.builds(RunBatch, batch=NUMBERS, skip=st.lists(NUMBERS, max_size=5).map(tuple)),
    Quit: st.builds(Quit),
}
MESSAGES: st.SearchStrategy[Message] = st.one_of(list(STRATEGIES.values()))
EVERY_CLASS = pytest.mark.parametrize("kind", STRATEGIES, ids=lambda kind: kind.__name__)


def _round_trip(message: Message) -> Message:
    line = encode(message)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    return decode(line[:-1])


def test_every_class_of_message_is_tried() -> None:
    assert set(STRATEGIES) == {
        *get_args(WorkerEvent),
        *get_args(WorkerRequest),
        *get_args(Command),
    }


@EVERY_CLASS
@given(data=st.data())
def test_a_message_arrives_as_it_was_sent(kind: type[Message], data: st.DataObject) -> None:
    message = data.draw(STRATEGIES[kind])

    assert _round_trip(message) == message


@EVERY_CLASS
@given(data=st.data())
def test_a_log_says_the_same_of_what_arrived_as_of_what_was_sent(
    kind: type[Message], data: st.DataObject
) -> None:
    """An event's line is written into the log as it came, with its time before it."""
    event: Any = data.draw(STRATEGIES[kind])
    if issubclass(kind, FromWorker):
        arrived: Any = _round_trip(event)

        assert json.loads(log_line(event, 1.25)) == json.loads(log_line(arrived, 1.25))
        assert log_line(arrived, 1.25).isascii()


@given(ANY_TEXT)
@example("\ud83d\ude00")
def test_any_text_arrives_as_it_was_sent(text: str) -> None:
    """Two surrogates that stand together are two characters, and stay two."""
    message = WorkerFailed(worker=1, text=text)

    assert _round_trip(message) == message


@pytest.mark.parametrize(
    "text", ["x" * 5_000_000, "\x00" * 300_000, "日本\udcff" * 100_000, "\n" * 100_000]
)
def test_a_huge_text_arrives_as_it_was_sent(text: str) -> None:
    message = WorkerFailed(worker=1, text=text)

    assert _round_trip(message) == message


def test_a_password_arrives_although_it_does_not_show_itself() -> None:
    lease = Lease(alias="default", settings={"PASSWORD": Secret("hunter2"), "PORT": 5432})

    arrived = _round_trip(UseResources(databases=(lease,)))

    assert arrived == UseResources(
        databases=(Lease(alias="default", settings={"PASSWORD": "hunter2", "PORT": 5432}),)
    )


@given(st.lists(MESSAGES, max_size=5), st.data())
def test_the_lines_are_the_same_whatever_the_pieces(
    messages: list[Message], data: st.DataObject
) -> None:
    stream = b"".join(encode(message) for message in messages)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    buffer = LineBuffer()

    lines = [
        line
        for start, end in pairwise([0, *cuts, len(stream)])
        for line in buffer.feed(stream[start:end])
    ]

    assert [decode(line) for line in lines] == messages


@given(st.lists(st.binary(max_size=10)))
def test_any_bytes_are_parted_at_their_line_ends(pieces: list[bytes]) -> None:
    buffer = LineBuffer()

    lines = [line for piece in pieces for line in buffer.feed(piece)]

    assert lines == b"".join(pieces).split(b"\n")[:-1]


def test_a_line_without_its_end_is_kept() -> None:
    buffer = LineBuffer()

    first = list(buffer.feed(b"on"))
    second = list(buffer.feed(b"e\ntw"))
    third = list(buffer.feed(b"o\n"))

    assert (first, second, third) == ([], [b"one"], [b"two"])


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.binary() | st.text().map(str.encode) | JUNK.map(lambda junk: json.dumps(junk).encode()))
def test_junk_is_a_value_error(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(line)


def _mistyped(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields).encode()


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[" * 100_000,
        _mistyped({}),
        _mistyped({"type": "Unknown"}),
        _mistyped({"type": []}),
        _mistyped({"type": "Lease"}),
        _mistyped({"type": "Quit", "more": 1}),
        _mistyped({"type": "RunBatch"}),
        _mistyped({"type": "RunBatch", "batch": 1, "skip": 5}),
        _mistyped({"type": "RunBatch", "batch": 1, "skip": None}),
        _mistyped({"type": "UseResources", "leases": [7]}),
        _mistyped({"type": "UseResources", "leases": [{}]}),
        _mistyped({"type": "UseResources", "leases": [{"alias": "x", "dropped_options": []}]}),
        _mistyped({"type": "TestOutcome"}),
        _mistyped({"type": "TestOutcome", "kind": "addNothing", "problem": None}),
        _mistyped({"type": "TestOutcome", "kind": "addError", "problem": {"text": ""}}),
        _mistyped({"type": "TestOutcome", "kind": "addError", "problem": []}),
    ],
    ids=lambda line: line[:40].decode(),
)
def test_a_line_that_is_no_message_is_a_value_error(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(line)


@EVERY_CLASS
@given(data=st.data())
def test_a_message_with_a_field_missing_or_too_many_is_a_value_error(
    kind: type[Message], data: st.DataObject
) -> None:
    fields = json.loads(encode(data.draw(STRATEGIES[kind])))
    removable = [
        each.name
        for each in dataclasses.fields(kind)
        if each.default is dataclasses.MISSING and each.name in fields
    ]
    removed = data.draw(st.sampled_from(["", *removable]))
    if removed:
        del fields[removed]
    else:
        fields["unknown"] = 1

    with pytest.raises(ValueError, match="not a message"):
        decode(json.dumps(fields).encode())
