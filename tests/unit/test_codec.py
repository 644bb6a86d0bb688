"""A vocabulary carries messages of its classes, and says what is wrong with all else."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from ctest_containers.codec import Vocabulary, build
from ctest_containers.model import Address, Secret


@dataclass(frozen=True)
class Ask:
    """A message."""

    pairs: tuple[tuple[str, int], ...]
    address: Address | None = None


VOCABULARY = Vocabulary([Ask])


def test_a_message_arrives_as_it_was_sent() -> None:
    message = Ask((("a", 1), ("b", 2)), Address(host="h", port=1, user="u", password=Secret("s")))

    arrived = VOCABULARY.decode(VOCABULARY.encode(message))

    assert arrived == message
    assert type(arrived.address.password) is Secret


def test_what_goes_with_a_message_comes_before_it() -> None:
    assert VOCABULARY.encode(Ask(()), id=7) == '{"id":7,"type":"Ask","pairs":[],"address":null}'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"type": "Answer"}', "'Answer'"),
        ('{"pairs": []}', "'type'"),
        ('{"type": "Ask"}', "pairs"),
        ('{"type": "Ask", "pairs": [], "more": 1}', "more"),
        ("[]", "not a message of this version"),
        ("null", "not a message of this version"),
        ("{", "Expecting"),
        ("[" * 100_000, "not a message of this version"),
    ],
)
def test_what_is_no_message_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        VOCABULARY.decode(text)


def test_fields_of_a_later_version_can_be_left_out() -> None:
    found = {"type": "Ask", "pairs": [], "more": 1}

    assert VOCABULARY.build(found, lenient=True) == Ask(())


def test_an_address_is_made_of_its_fields() -> None:
    address = build(Address, {"host": "h", "port": 1, "user": "u", "password": "s"})

    assert address == Address(host="h", port=1, user="u", password=Secret("s"))
    assert "s" not in repr(address.password)
