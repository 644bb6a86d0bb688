"""Hashes labelled inputs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Input:
    """An input of a template, with a name that explains a miss.

    Attributes:
        name: Such as `migration shop.0007_x`; unique within a fingerprint.
        digest: SHA-256 of its content, in hexadecimal digits.
    """

    name: str
    digest: str

    @classmethod
    def of(cls, name: str, content: bytes | str) -> Input:
        """The input with this content.

        Line ends count as one newline each, so that checkouts on different systems agree.
        """
        data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
        return cls(name, hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest())


def fingerprint(inputs: Iterable[Input]) -> str:
    """SHA-256 over the inputs in their order, in hexadecimal digits.

    Each part is preceded by its length, so no two lists of inputs run together the same way.
    """
    total = hashlib.sha256()
    for item in inputs:
        for part in (item.name.encode("utf-8", "surrogatepass"), item.digest.encode()):
            total.update(len(part).to_bytes(8, "big") + part)
    return total.hexdigest()
