"""The texts of SQL statements without what differs from one execution to the next."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final

from ctest_containers.statements.tokens import (
    OMITTED,
    SQLITE,
    UNKNOWN_NAME,
    Kind,
    Token,
    UnreadableError,
    tokens_of,
)
from ctest_containers.statements.words import (
    BEFORE_NAMES,
    COMPARISONS,
    NAMING,
    NOT_NAMED,
    QUERIES,
    SPACED,
    STARTS,
)

LONGEST_CACHED: Final = 4096
"""The longest text, in characters, whose normalized text is cached."""


def normalized(sql: str, vendor: str) -> str:
    """A statement with `?` in place of each literal and parameter.

    A list of values after `IN`, and the rows of `VALUES`, have one element, whatever their number.
    Names of savepoints and cursors are values as well. Comments are left out. Of a statement that
    cannot be read, only the first keyword remains, so that no literal does.
    """
    if len(sql) > LONGEST_CACHED:
        return _normalized(sql, vendor)
    return _cached(sql, vendor)


def _normalized(sql: str, vendor: str) -> str:
    try:
        tokens = tokens_of(sql, vendor)
    except UnreadableError:
        first = _FIRST_WORD.match(sql)
        keyword = first.group(1) if first is not None else ""
        return f"{keyword} {OMITTED}" if keyword.upper() in STARTS else OMITTED
    while tokens and tokens[-1].text == ";":
        tokens.pop()
    return written(list(_one_of_each(list(_stable(tokens, vendor)), vendor)))


_cached = lru_cache(maxsize=8192)(_normalized)


def written(tokens: Sequence[Token]) -> str:
    """The text of tokens, with the spaces that people write."""
    parts: list[str] = []
    before: Token | None = None
    for token in tokens:
        if before is not None and _is_spaced(before, token):
            parts.append(" ")
        parts.append(token.text)
        before = token
    return "".join(parts)


def _is_spaced(before: Token, token: Token) -> bool:
    if token.text in _INFIX:
        return before.kind is Kind.OTHER and before.text not in {")", "]"}
    if before.text in _INFIX:
        return token.kind is Kind.OTHER and token.text not in {"*", "(", "["}
    if token.text in _NO_SPACE_BEFORE or before.text in _NO_SPACE_AFTER:
        return False
    if token.text in {"(", "["}:
        is_name = before.kind is Kind.WORD and before.upper not in SPACED
        return not is_name and before.text not in {")", "]"}
    return True


def _stable(tokens: list[Token], vendor: str) -> Iterator[Token]:
    """The tokens with values in place of generated names, of signs, and of doubtful names."""
    starts = tokens[0].upper if tokens else ""
    names = _named(tokens, starts)
    before = Token(Kind.OTHER, "", "")
    for index, token in enumerate(tokens):
        following = tokens[index + 1] if index + 1 < len(tokens) else _COMMA
        if token.text in _SIGNS and _starts_value(before):
            signed = next((part for part in tokens[index:] if part.text not in _SIGNS), _COMMA)
            if signed.kind is Kind.VALUE:
                continue
        if index in names:
            before = _VALUE
        elif token.kind is Kind.QUOTED:
            before = _quoted(token, before, following, vendor)
        else:
            before = token
        yield before


def _named(tokens: Sequence[Token], starts: str) -> set[int]:
    """Where the names of savepoints, cursors and prepared statements are."""
    if starts not in NAMING or len(tokens) < 2 or tokens[-1].text == OMITTED:
        return set()
    if starts in {"DECLARE", "PREPARE", "EXECUTE", "DEALLOCATE"}:
        return {1}
    *_, before, last = tokens
    is_name = before.kind is Kind.WORD and last.upper not in NOT_NAMED
    return {len(tokens) - 1} if is_name else set()


def _starts_value(before: Token) -> bool:
    """Whether a sign after a token belongs to the value that follows it."""
    if before.kind is Kind.WORD:
        return before.upper in SPACED
    return before.kind is Kind.OTHER and before.text not in {")", "]", "."}


def _quoted(token: Token, before: Token, following: Token, vendor: str) -> Token:
    if _GENERATED.match(token.text):
        return Token(Kind.QUOTED, '"_django_curs"', '"_django_curs"')
    if vendor != SQLITE or not token.text.startswith('"'):
        return token
    # SQLite reads a text in double quotes as a literal if no column has this name.
    if "." in {before.text, following.text}:
        return token
    is_operand = before.kind is Kind.OTHER and before.text in COMPARISONS
    is_operand |= before.kind is Kind.WORD and before.upper in COMPARISONS
    if is_operand or not (_PLAIN_NAME.match(token.text) or before.upper in BEFORE_NAMES):
        return _DOUBTFUL
    return token


def _one_of_each(tokens: Sequence[Token], vendor: str) -> Iterator[Token]:
    """The tokens with one element in place of several equal ones in lists of values."""
    index = 0
    while index < len(tokens):
        token = tokens[index]
        yield token
        index += 1
        if token.kind is not Kind.WORD or index == len(tokens):
            continue
        opening = tokens[index].text
        if (token.upper == "IN" and opening == "(") or (token.upper == "ARRAY" and opening == "["):
            end = _closing(tokens, index)
            inside = tokens[index + 1 : end]
            if not any(part.upper in QUERIES for part in inside):
                yield tokens[index]
                yield from _different(_elements(_values(inside, vendor)))
                index = end
        elif token.upper == "VALUES" and opening == "(":
            rows = []
            while True:
                end = _closing(tokens, index) + 1
                row = _one_of_each(tokens[index:end], vendor)
                rows.append(list(_values(list(row), vendor)))
                index = end
                following = [following.text for following in tokens[index : index + 2]]
                if following != [",", "("]:
                    break
                index += 1
            yield from _different(rows)


def _elements(tokens: Iterable[Token]) -> list[list[Token]]:
    elements: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.text in {"(", "["}) - (token.text in {")", "]"})
        if token == _COMMA and not depth:
            elements.append([])
        else:
            elements[-1].append(_VALUE if token.kind is Kind.VALUE and not depth else token)
    return elements


def _values(tokens: Sequence[Token], vendor: str) -> Iterator[Token]:
    """The tokens of a list of values, of which NULL is one, and a doubtful name is none."""
    surroundings = [_COMMA, *tokens, _COMMA]
    for before, token, following in zip(surroundings, tokens, surroundings[2:], strict=False):
        is_alone = before.text in {"(", ","} and following.text in {")", ","}
        if is_alone and token.kind is Kind.WORD and token.upper in {"NULL", "DEFAULT"}:
            yield _VALUE
        elif is_alone and vendor == SQLITE and token.text.startswith('"'):
            yield _DOUBTFUL
        else:
            yield token


def _different(elements: Sequence[list[Token]]) -> Iterator[Token]:
    texts: set[str] = set()
    for element in elements:
        if (text := written(element)) in texts:
            continue
        if texts:
            yield _COMMA
        texts.add(text)
        yield from element


def _closing(tokens: Sequence[Token], opening: int) -> int:
    """Where the parenthesis closes that opens at an index; the end of the tokens if nowhere."""
    depth = 0
    for index in range(opening, len(tokens)):
        depth += (tokens[index].text in {"(", "["}) - (tokens[index].text in {")", "]"})
        if not depth:
            return index
    return len(tokens)


_VALUE: Final = Token(Kind.VALUE, "?", "?")
_COMMA: Final = Token(Kind.OTHER, ",", ",")
_DOUBTFUL: Final = Token(Kind.QUOTED, UNKNOWN_NAME, UNKNOWN_NAME)

_SIGNS: Final = frozenset({"+", "-"})
_INFIX: Final = frozenset({".", "::"})
_NO_SPACE_BEFORE: Final = frozenset({",", ")", "]", ";"})
_NO_SPACE_AFTER: Final = frozenset({"(", "["})

_FIRST_WORD: Final = re.compile(r"\s*\(*\s*([A-Za-z]+)\b")
_PLAIN_NAME: Final = re.compile(r'"[^\W\d][\w$]*"$')
_GENERATED: Final = re.compile(r'"_django_curs_\w+"$')
