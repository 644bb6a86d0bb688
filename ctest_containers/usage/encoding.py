"""The bytes of a recording: a line of text, then JSON and arrays of integers, compressed."""

from __future__ import annotations

import json
import sys
import zlib
from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, Final

from ctest_containers.usage.recording import Recording, Run
from ctest_containers.usage.units import INTEGER, KINDS, Column, Statements, Units

HEADER: Final = b"ctest-containers-usage 1\n"
"""The format and its version."""

LEVEL: Final = 1
"""How hard zlib tries: higher levels take several times as long to save a sixth."""

LENGTH_BYTES: Final = 8

COLUMN_ARRAYS: Final = ("starts", "members", "set_of")
STATEMENT_ARRAYS: Final = ("starts", "text_of", "places_of", "counts", "durations")


def to_bytes(recording: Recording) -> bytes:
    """Encode a recording."""
    units = recording.units
    runs = list(dict.fromkeys([recording.run, *recording.runs.values()]))
    number_of = {run: number for number, run in enumerate(runs)}
    arrays = [
        *(getattr(units.columns[kind], name) for kind in KINDS for name in COLUMN_ARRAYS),
        *(getattr(units.statements, name) for name in STATEMENT_ARRAYS),
        array(INTEGER, [number_of[recording.runs[unit]] for unit in units]),
    ]
    content = {
        "units": list(units),
        "names": {kind: units.columns[kind].names for kind in KINDS},
        "texts": units.statements.texts,
        "places": units.statements.places,
        "runs": [[run.id, run.at] for run in runs],
        "follows": recording.follows,
        "complete": recording.is_complete,
        "marks": dict(recording.marks),
        "inputs": recording.inputs,
        "lengths": [len(numbers) for numbers in arrays],
    }
    text = json.dumps(content, separators=(",", ":")).encode()
    packer = zlib.compressobj(LEVEL)
    parts = [len(text).to_bytes(LENGTH_BYTES, "little"), text, *map(_to_bytes, arrays)]
    return b"".join([HEADER, *map(packer.compress, parts), packer.flush()])


def from_bytes(data: bytes) -> Recording:
    """Decode a recording.

    Raises:
        ValueError: It is not one of this version, or damaged.
    """
    if not data.startswith(HEADER):
        raise ValueError(f"does not begin with {HEADER.decode().strip()!r}")
    try:
        return _recording(memoryview(_decompressed(data[len(HEADER) :])))
    except (zlib.error, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"is damaged: {error!r}") from error


def _decompressed(data: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    content = unpacker.decompress(data)
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError("is damaged: it does not end where it should")
    return content


def _recording(data: memoryview) -> Recording:
    end = LENGTH_BYTES + int.from_bytes(data[:LENGTH_BYTES], "little")
    content: dict[str, Any] = json.loads(bytes(data[LENGTH_BYTES:end]))
    arrays = _arrays(data[end:], content["lengths"])
    columns = {kind: _column(kind, names, arrays) for kind, names in content["names"].items()}
    # An earlier version did not know all of them.
    columns = {kind: columns.get(kind) or _empty(len(content["units"])) for kind in KINDS}
    statements = Statements(
        [(alias, text) for alias, text in content["texts"]],
        [tuple((place, count) for place, count in places) for places in content["places"]],
        *(next(arrays) for _ in STATEMENT_ARRAYS),
    )
    runs = [Run(run, at) for run, at in content["runs"]]
    units = Units(content["units"], columns, statements)
    return Recording(
        run=runs[0],
        follows=content["follows"],
        is_complete=content["complete"],
        units=units,
        runs=dict(zip(units, map(runs.__getitem__, next(arrays)), strict=True)),
        marks=content["marks"],
        inputs=content["inputs"],
    )


def _column(kind: str, names: list[Any], arrays: Iterator[array[int]]) -> Column:
    if kind in PAIRS:
        names = list(map(tuple, names))
    return Column(names, *(next(arrays) for _ in COLUMN_ARRAYS))


def _empty(count: int) -> Column:
    """Return a column of which no unit has used anything."""
    return Column([], array(INTEGER, [0, 0]), array(INTEGER), array(INTEGER, [0] * count))


PAIRS: Final = frozenset({"functions", "definitions"})
"""The kinds whose names are pairs, which JSON turns into lists."""


def _arrays(data: memoryview, lengths: Sequence[int]) -> Iterator[array[int]]:
    ends = list(accumulate(lengths))
    width = array(INTEGER).itemsize
    if len(data) != width * ends[-1]:
        raise ValueError("is damaged: it has not the size that it says")
    for length, end in zip(lengths, ends, strict=True):
        numbers = array(INTEGER)
        numbers.frombytes(data[width * (end - length) : width * end])
        yield _swapped(numbers)


def _to_bytes(numbers: array[int]) -> bytes:
    return _swapped(numbers).tobytes()


def _swapped(numbers: array[int]) -> array[int]:
    """Return an array in the order of bytes of files, or back from it."""
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers
