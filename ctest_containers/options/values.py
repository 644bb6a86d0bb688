"""What the values of options may be: each is parsed from whatever source it comes from.

Every function here raises `ValueError` with what the value must be.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from ctest_containers.model import Shard, Stress


def parse_text(value: object) -> str:
    """A non-empty string, without the space around it."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a non-empty string")
    return value.strip()


def parse_revision(value: object) -> str | None:
    """A revision in Git; empty for none; None for no."""
    text = str(value).strip()
    if text.startswith("-"):
        raise ValueError("must be a revision in Git, such as main or HEAD~1")
    try:
        return "" if not text or parse_flag(text) else None
    except ValueError:
        return text


def parse_seconds(value: object) -> float:
    """A positive number of seconds."""
    try:
        seconds = float(str(value))
    except ValueError:
        seconds = 0.0
    if not (seconds > 0 and math.isfinite(seconds)):
        raise ValueError("must be a positive number of seconds")
    return seconds


def parse_limit(value: object) -> float:
    """A number of seconds; 0 for no limit."""
    try:
        seconds = float(str(value))
    except ValueError:
        seconds = -1.0
    if not (seconds >= 0 and math.isfinite(seconds)):
        raise ValueError("must be a positive number of seconds, or 0 for no limit")
    return seconds


def parse_age(value: object) -> float:
    """A number of seconds, or of units of them: 90, 30m, 12h, 1d; 0 for no limit."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", str(value).strip().lower())
    if match is None:
        raise ValueError("must be a time such as 30m, 12h or 7d, or 0 for no limit")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]]


def parse_count(value: object) -> int:
    """A whole number from 1."""
    if not str(value).strip().isdecimal() or int(str(value)) < 1:
        raise ValueError("must be a whole number of 1 or more")
    return int(str(value))


def parse_natural(value: object) -> int:
    """A whole number from 0."""
    if not str(value).strip().isdecimal():
        raise ValueError("must be a whole number of 0 or more")
    return int(str(value))


def parse_size(value: object) -> int:
    """A number of bytes, or of units of them: 512m, 2g."""
    match = re.fullmatch(r"(\d+)([kmg]?)b?", str(value).strip().lower())
    if match is None or int(match[1]) == 0:
        raise ValueError("must be a size such as 512m or 2g")
    power = " kmg".index(match[2] or " ")
    return int(match[1]) * int(1024**power)


def parse_floor(value: object) -> int:
    """A size, or 0 for none."""
    return 0 if str(value).strip() == "0" else parse_size(value)


def parse_shard(value: object) -> Shard:
    """One of several jobs, such as 2/5."""
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", str(value).strip())
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise ValueError("must be the number of a job and the number of jobs, such as 1/5 to 5/5")
    return Shard(int(match[1]), int(match[2]))


def parse_stress(value: object) -> Stress:
    """A number of rounds, such as 100, or a duration, such as 10m."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", str(value).strip().lower())
    if match is not None and not match[2] and match[1].isdecimal() and int(match[1]):
        return Stress(rounds=int(match[1]))
    if match is not None and match[2] and float(match[1]):
        return Stress(seconds=parse_age(value))
    raise ValueError("must be a number of rounds, such as 100, or a duration, such as 30s or 10m")


def parse_flag(value: object) -> bool:
    """Yes or no."""
    words = {"1": True, "true": True, "yes": True, "on": True}
    words |= {"0": False, "false": False, "no": False, "off": False}
    try:
        return words[str(value).strip().lower()]
    except KeyError:
        raise ValueError("must be yes or no") from None


def parse_paths(value: object) -> tuple[str, ...]:
    """Paths: a sequence of them, or one text with commas between them."""
    if isinstance(value, (set, frozenset)):
        return tuple(sorted(str(item) for item in value))
    if isinstance(value, (list, tuple)):
        return tuple(str(item) for item in value)
    if isinstance(value, Path):
        return (str(value),)
    return tuple(part.strip() for part in str(value).split(",") if part.strip())


REPOSITORY: Final = re.compile(r"[a-zA-Z0-9.-]+(:\d+)?(/[a-z0-9]+((\.|_{1,2}|-+)[a-z0-9]+)*)+")
"""See https://github.com/distribution/reference for what such a name may consist of."""


def parse_repository(value: object) -> str:
    """The name of a repository in a container registry."""
    if REPOSITORY.fullmatch(str(value).strip()) is None:
        raise ValueError(
            "must be a host and a path in lowercase, without a tag, such as ghcr.io/acme/templates"
        )
    return str(value).strip()


def parse_url(value: object) -> str:
    """The address of a web server."""
    parts = urlsplit(str(value).strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an address such as http://gateway.example.org:9091")
    return str(value).strip()


def parse_images(value: object) -> tuple[tuple[str, str], ...]:
    """Images by alias: a dictionary, or one text such as `default=postgres:16,old=mariadb`."""
    if isinstance(value, dict):
        pairs = [(str(alias), str(image)) for alias, image in value.items()]
    else:
        entries = [part.strip() for part in str(value).split(",") if part.strip()]
        halves = [entry.partition("=") for entry in entries]
        pairs = [(alias.strip(), image.strip()) for alias, _, image in halves]
    if not pairs or not all(alias and image for alias, image in pairs):
        raise ValueError("must be ALIAS=IMAGE, separated by commas")
    return tuple(sorted(pairs))


def parse_choice(*choices: str) -> Callable[[object], str]:
    """One of the given words."""

    def parse(value: object) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return str(value)

    return parse
