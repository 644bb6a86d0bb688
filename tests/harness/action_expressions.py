"""The few expressions that the action uses, evaluated as GitHub Actions does.

See https://docs.github.com/actions/reference/workflows-and-actions/expressions. What is not among
them is refused, so that nothing passes here that would mean something else there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

Value = str | bool
STATUSES: Final = ("success", "failure", "always", "cancelled")
TOKEN: Final = re.compile(
    r"\s*(?:(?P<operator>\|\||&&|==|!=|!|\(|\))|'(?P<text>(?:[^']|'')*)'|(?P<name>[A-Za-z_][\w.-]*))"
)
INSERTED: Final = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)


class UnknownExpressionError(Exception):
    """An expression is none of those that are known here."""


def evaluate(text: str, contexts: Mapping[str, Mapping[str, str]], status: str) -> Value:
    """What an expression gives.

    Args:
        contexts: Values by their dotted names: `{"steps": {"run.outputs.exit-code": "1"}}`.
        status: How the steps so far have ended: `success`, `failure` or `cancelled`.
    """
    reader = _Reader(_tokens(text), contexts, status)
    found = reader.any_of()
    reader.expect_end()
    return found


def insert(text: str, contexts: Mapping[str, Mapping[str, str]], status: str = "success") -> str:
    """A text with the values of its expressions in their places."""
    return INSERTED.sub(lambda match: as_text(evaluate(match[1], contexts, status)), text)


def holds(condition: str, contexts: Mapping[str, Mapping[str, str]], status: str) -> bool:
    """Whether a step's `if` lets it run; where it asks for no status, all must be well so far."""
    names = [name for kind, name in _tokens(condition) if kind == "name"]
    if not set(names) & set(STATUSES):
        condition = f"success() && ({condition})"
    return bool(evaluate(condition, contexts, status))


def as_text(value: Value) -> str:
    """What stands in the place of an expression."""
    return value if isinstance(value, str) else str(value).lower()


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    while text[at:].strip():
        match = TOKEN.match(text, at)
        if match is None:
            raise UnknownExpressionError(text)
        kind = str(match.lastgroup)
        found.append((kind, match[kind].replace("''", "'") if kind == "text" else match[kind]))
        at = match.end()
    return found


class _Reader:
    """Reads an expression from its beginning: `||` binds least, `!` most."""

    def __init__(
        self,
        tokens: list[tuple[str, str]],
        contexts: Mapping[str, Mapping[str, str]],
        status: str,
    ) -> None:
        self._tokens = tokens
        self._contexts = contexts
        self._status = status

    def any_of(self) -> Value:
        value = self._all_of()
        while self._take("||"):
            other = self._all_of()
            value = value or other
        return value

    def expect_end(self) -> None:
        if self._tokens:
            raise UnknownExpressionError(self._tokens)

    def _all_of(self) -> Value:
        value = self._compared()
        while self._take("&&"):
            other = self._compared()
            value = value and other
        return value

    def _compared(self) -> Value:
        value = self._single()
        for operator, wanted in (("==", True), ("!=", False)):
            if self._take(operator):
                other = self._single()
                if not (isinstance(value, str) and isinstance(other, str)):
                    raise UnknownExpressionError(value, operator, other)
                return (value.lower() == other.lower()) is wanted
        return value

    def _single(self) -> Value:
        if self._take("!"):
            return not self._single()
        if self._take("("):
            value = self.any_of()
            self._need(")")
            return value
        if not self._tokens or self._tokens[0][0] == "operator":
            raise UnknownExpressionError(self._tokens)
        kind, word = self._tokens.pop(0)
        if kind == "text":
            return word
        if self._take("("):
            self._need(")")
            if word not in STATUSES:
                raise UnknownExpressionError(word)
            return word in ("always", self._status)
        context, _, name = word.partition(".")
        if context not in self._contexts or not name:
            raise UnknownExpressionError(word)
        # What nobody has set is empty, as the output of a step that did not run.
        if context != "steps" and name not in self._contexts[context]:
            raise UnknownExpressionError(word)
        return self._contexts[context].get(name, "")

    def _take(self, operator: str) -> bool:
        if self._tokens[:1] == [("operator", operator)]:
            del self._tokens[0]
            return True
        return False

    def _need(self, operator: str) -> None:
        if not self._take(operator):
            raise UnknownExpressionError(operator)
