"""A vendor that the package does not know: PostgreSQL under another name, with its own options.

Only because it is not in the package may it import PostgreSQL. Its Django backend is in `base`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from ctest_containers.backends import postgresql, register
from ctest_containers.backends.postgresql.server import Postgresql
from ctest_containers.backends.support import Clients
from ctest_containers.model import Vendor


class Toy(Postgresql):
    """See `Backend`."""

    vendor = Vendor("toy")
    image_option = "An image to use for toys."
    own_images: Mapping[str, str] = {"postgresql": "17"}
    image_words: Mapping[str, str] = {"toy": "-Toy"}

    def product(self, version: str) -> str:
        """See `Backend`."""
        del version
        return "ToyDB"


SUPPORT: Final = replace(
    postgresql.SUPPORT,
    vendor=Toy.vendor,
    title="ToyDB",
    engines={__name__: "pip install toy"},
    drivers={"toydriver": ("toy-driver",)},
    clients=Clients(
        scheme="toy",
        socket_url="{who}@/{name}?socket={socket}",
        variables={"HOST": "TOY_HOST", "USER": "TOY_USER", "NAME": "TOY_NAME"},
    ),
    server=Toy(),
)

register(SUPPORT)
