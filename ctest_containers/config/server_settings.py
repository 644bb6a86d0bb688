"""Settings of database servers that the user wants instead of the toolkit's or the server's own."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from ctest_containers.backends import BACKENDS
from ctest_containers.errors import UsageError
from ctest_containers.text import listing

NAME: Final = re.compile(r"[A-Za-z_][\w.-]*")

EXPECTED_FORMAT: Final = (
    "must be NAME=VALUE or VENDOR.NAME=VALUE, with commas between several; vendors are "
    f"{' and '.join(BACKENDS)}, and a value with both a comma and an equals sign needs a dictionary"
)


class ServerSetting(NamedTuple):
    """A setting of servers.

    Attributes:
        vendor: Whose servers have it; an empty string where the user named none.
    """

    vendor: str
    name: str
    value: str


def parse_server_settings(value: object) -> tuple[ServerSetting, ...]:
    """Settings as one text, as a dictionary, or as a dictionary for each vendor.

    In a text, a part without an equals sign belongs to the value before it.

    Raises:
        ValueError: It is none of these; says what it must be.
    """
    pairs = list(_of_mapping(value) if isinstance(value, Mapping) else _of_text(str(value)))
    if not pairs:
        raise ValueError(EXPECTED_FORMAT)
    settings: dict[tuple[str, str], ServerSetting] = {}
    for vendor, name, text in pairs:
        if NAME.fullmatch(name) is None or "\n" in text or "\0" in text:
            raise ValueError(EXPECTED_FORMAT)
        settings[vendor, name] = ServerSetting(vendor, name, text)
    return tuple(sorted(settings.values()))


def settings_of(settings: Iterable[ServerSetting], vendor: str) -> tuple[tuple[str, str], ...]:
    """Names and values for servers of a vendor; what names the vendor takes precedence."""
    # Those that name no vendor come first in this order.
    chosen = {
        _plain(name): (name, value) for own, name, value in sorted(settings) if own in {"", vendor}
    }
    return tuple(sorted(chosen.values()))


def check_vendors(settings: Iterable[ServerSetting], vendors: Collection[str]) -> None:
    """Refuse a setting that names no vendor where servers of several are needed.

    Args:
        vendors: Those of the project that have servers.

    Raises:
        UsageError: There is such a setting.
    """
    unnamed = [setting.name for setting in settings if not setting.vendor]
    if unnamed and len(vendors) > 1:
        names = " or ".join(f"{vendor}.{unnamed[0]}" for vendor in sorted(vendors))
        raise UsageError(
            f"--server-settings does not name a vendor for {listing(unnamed)}, but the project "
            f"has servers of {' and '.join(sorted(vendors))}.",
            f"Write {names}.",
        )


def _plain(name: str) -> str:
    """A name as servers compare it."""
    return name.lower().replace("-", "_")


def _of_mapping(value: Mapping[object, object]) -> Iterator[tuple[str, str, str]]:
    for name, given in value.items():
        if not isinstance(given, Mapping):
            yield *_names(str(name)), _text(given)
        elif name in BACKENDS:
            yield from ((str(name), str(inner), _text(setting)) for inner, setting in given.items())
        else:
            raise ValueError(f"{EXPECTED_FORMAT}; {name!r} is not a vendor")


def _of_text(text: str) -> Iterator[tuple[str, str, str]]:
    entries: list[str] = []
    for part in text.split(","):
        if "=" in part:
            entries.append(part)
        elif entries and part.strip():
            entries[-1] += f",{part}"
        elif part.strip():
            raise ValueError(EXPECTED_FORMAT)
    for entry in entries:
        name, _, value = entry.partition("=")
        yield *_names(name.strip()), value.strip()


def _names(name: str) -> tuple[str, str]:
    """The vendor that a name begins with, if any, and the rest."""
    vendor, _, rest = name.partition(".")
    return (vendor, rest) if vendor in BACKENDS else ("", name)


def _text(value: object) -> str:
    """A value as servers read it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (str, int, float)):
        return str(value).strip()
    raise ValueError(f"{EXPECTED_FORMAT}; a value must be a string or a number, not {value!r}")
