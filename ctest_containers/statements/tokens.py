"""The tokens of SQL statements, as far as their literals, names and lists need them."""

from __future__ import annotations

import re
from enum import Enum, auto
from functools import lru_cache
from typing import Final, NamedTuple

POSTGRESQL, MYSQL, SQLITE = "postgresql", "mysql", "sqlite"
"""Values of Django's `connection.vendor`; MariaDB's is `mysql`. Others are read like PostgreSQL."""

UNKNOWN_NAME: Final = '"?"'
"""A text in double quotes that is either a name or a literal."""

OMITTED: Final = "..."
"""Stands for the rest of a statement that cannot be read."""


class Kind(Enum):
    """What a token is."""

    WORD = auto()
    QUOTED = auto()
    VALUE = auto()
    OTHER = auto()


class Token(NamedTuple):
    """A token of a statement.

    Attributes:
        kind: What it is.
        text: Its text; a value's is `?`, and a list of values that are only separated by commas is
            one token, such as `?, ?`.
        upper: A word in capitals, the text of anything else.
    """

    kind: Kind
    text: str
    upper: str


class UnreadableError(ValueError):
    """A statement is not SQL, or SQL with a syntax of its own."""


def tokens_of(sql: str, vendor: str) -> list[Token]:
    """The tokens of a statement without its comments and literals.

    Raises:
        UnreadableError: A literal, a name or a comment has no end, or a character means nothing.
    """
    match = _PATTERNS.get(vendor, _PATTERNS[POSTGRESQL]).match
    if vendor == MYSQL and "/*" in sql:
        sql = _EXECUTED_COMMENT.sub(r" \1 ", sql)
    if len(sql) > _LONG:
        sql = _EQUAL_ROWS.sub(r"\1", sql)
    tokens: list[Token] = []
    position, end = 0, len(sql)
    while position < end:
        if (read := match(sql, position)) is None:
            raise UnreadableError
        kind, position = read.lastgroup or "", read.end()
        text = read[kind]
        if kind in _KINDS:
            tokens.append(_token(kind, text))
        elif kind == "values":
            values = ", ".join("?" * (text.count(",") + 1)) if "," in text else "?"
            if "'" in text and values != "?":  # A comma may be part of a literal.
                values = ", ".join("?" * len(_SIMPLE.findall(text)))
            tokens.append(Token(Kind.VALUE, values, values))
        elif kind == "unknown":
            tokens.append(Token(Kind.QUOTED, UNKNOWN_NAME, UNKNOWN_NAME))
        elif kind == "literal":
            tokens.append(Token(Kind.VALUE, "?", "?"))
        elif kind == "comment":
            position = _after_comment(sql, position, nested=vendor not in {MYSQL, SQLITE})
    return tokens


def plain_name(token: Token) -> str:
    """A name without its quotes, in lower case."""
    text = token.text
    if token.kind is not Kind.QUOTED or text == UNKNOWN_NAME:
        return text.lower()
    if text[:1] in "uU":
        text = text[2:]
    if text.startswith("["):
        return text[1:-1].lower()
    return text[1:-1].replace(text[0] * 2, text[0]).lower()


_KINDS: Final = {"word": Kind.WORD, "quoted": Kind.QUOTED, "other": Kind.OTHER}


@lru_cache(maxsize=4096)
def _token(kind: str, text: str) -> Token:
    return Token(_KINDS[kind], text, text.upper() if kind == "word" else text)


def _after_comment(sql: str, position: int, *, nested: bool) -> int:
    depth = 1
    for mark in _COMMENT_MARK.finditer(sql, position):
        if mark.group() == "*/":
            depth -= 1
        elif nested:
            depth += 1
        if not depth:
            return mark.end()
    raise UnreadableError


_LONG: Final = 1000

_EQUAL_ROWS: Final = re.compile(r"(\((?:%s, )*%s\))(?:, \1)+")
"""Rows as Django writes them: thousands would take long to read one by one."""

_COMMENT_MARK: Final = re.compile(r"\*/|/\*")

_EXECUTED_COMMENT: Final = re.compile(r"/\*M?!\d*(.*?)\*/", re.DOTALL)
"""A comment of MySQL whose content the server executes."""

_SIMPLE_PARTS: Final = [r"%s(?!\w)", r"%\([^),]*\)s", r"\d+(?![\w.$])", r"'[^'\\]*'(?!')"]

_SIMPLE: Final = re.compile("|".join([*_SIMPLE_PARTS, r"\?\d*", r"[$:@]\w+"]))

_NUMBER: Final = (
    r"0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+"
    r"|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?"
)

_OPERATORS: Final = (
    *(r"\.\.\.", "->>", "->", "#>>", "#>", "#-", "<@>", "<=>", "<->", r"-\|-", "<>", "<=", ">="),
    *("=>", r"!~~\*", "!~~", r"!~\*", "!~", r"~~\*", "~~", r"~\*", "!=", "@>", "<@", "@@", "::"),
    *(":=", r"\|\|", "&&", "<<", ">>", r"\?\|", r"\?&", r"@\?"),
)


def _pattern(
    *, simple: str, spaces: str, literals: str, quoted: str, words: str, unknown: str = "(?!)"
) -> re.Pattern[str]:
    value = "|".join([*_SIMPLE_PARTS, simple])
    return re.compile(
        rf"\s*(?:(?P<quoted>{quoted})|(?P<word>(?!(?:[eEbBxXnN]|[uU]&)'|[uU]&\"){words})"
        rf"|(?P<space>\Z|(?:{spaces})(?:\s|{spaces})*)|(?P<comment>/\*)"
        rf"|(?P<values>(?:{value})(?:\s*,\s*(?:{value}))*)|(?P<literal>{literals}|{_NUMBER})"
        rf"|(?P<unknown>{unknown})"
        rf"|(?P<other>{'|'.join(_OPERATORS)}|%%|[-+*/<>=~!@\#%^&|.,;:()\[\]{{}}?$]))",
    )


_DOUBLED: Final = r"'[^']*(?:''[^']*)*'"
_ESCAPED: Final = r"'[^'\\]*(?:(?:\\.|'')[^'\\]*)*'"
_NAME: Final = r"[^\W\d][\w$]*"

_PATTERNS: Final = {
    POSTGRESQL: _pattern(
        simple=r"\?(?![|&\d])|\$\d+",
        spaces=r"--[^\n]*",
        literals=(
            rf"(?s:[eE]{_ESCAPED}|(?:[uU]&|[bBxXnN])?{_DOUBLED}"
            r"|\$(?P<tag>|[^\W\d]\w*)\$.*?\$(?P=tag)\$)"
        ),
        quoted=r'(?:[uU]&)?"[^"]*(?:""[^"]*)*"',
        words=_NAME,
    ),
    MYSQL: _pattern(
        simple=r"\?",
        spaces=r"--(?=\s|$)[^\n]*|\#[^\n]*",
        literals=rf"(?s:(?:[bBxXnN])?{_ESCAPED})",
        quoted=r"`[^`]*(?:``[^`]*)*`",
        words=rf"@{{0,2}}{_NAME}|@`[^`]+`",
        unknown=r'(?s:"[^"\\]*(?:(?:\\.|"")[^"\\]*)*")',
    ),
    SQLITE: _pattern(
        simple=r"\?\d*|[:@$][^\W\d]\w*",
        spaces=r"--[^\n]*",
        literals=rf"(?:[xX])?{_DOUBLED}",
        quoted=r'"[^"]*(?:""[^"]*)*"|`[^`]*(?:``[^`]*)*`|\[[^\]]*\]',
        words=_NAME,
    ),
}
