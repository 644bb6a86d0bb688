"""Labelled inputs and the hash over them."""

from __future__ import annotations

import hashlib

import pytest

from ctest_containers.fingerprint import Input, fingerprint


def test_the_digest_is_the_sha_256_of_the_content() -> None:
    one = Input.of("name", b"content")

    assert one == Input("name", hashlib.sha256(b"content").hexdigest())


def test_a_text_counts_as_its_utf_8() -> None:
    assert Input.of("name", "Größe") == Input.of("name", "Größe".encode())


def test_a_text_with_a_lone_surrogate_counts_too() -> None:
    assert Input.of("name", "\udcff") != Input.of("name", "\udcfe")


@pytest.mark.parametrize("content", [b"a\r\nb\r\n", b"a\nb\r\n"])
def test_line_ends_of_another_system_do_not_matter(content: bytes) -> None:
    assert Input.of("name", content) == Input.of("name", b"a\nb\n")


def test_a_line_end_that_is_there_or_not_does_matter() -> None:
    assert Input.of("name", b"a\n") != Input.of("name", b"a")


def test_a_fingerprint_is_64_hexadecimal_digits() -> None:
    found = fingerprint([Input.of("name", b"content")])

    assert len(found) == 64
    assert int(found, 16) > 0


def test_the_order_of_inputs_matters() -> None:
    one, other = Input.of("a", b"1"), Input.of("b", b"2")

    assert fingerprint([one, other]) != fingerprint([other, one])


def test_the_name_of_an_input_matters() -> None:
    assert fingerprint([Input.of("a", b"1")]) != fingerprint([Input.of("b", b"1")])


def test_names_and_digests_do_not_run_together() -> None:
    assert fingerprint([Input("ab", "c")]) != fingerprint([Input("a", "bc")])


def test_an_input_more_matters() -> None:
    assert fingerprint([]) != fingerprint([Input("", "")])
