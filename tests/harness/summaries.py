"""Prints the summaries of the databases of the project in the current folder, as JSON.

Its arguments are the name of the project whose templates are used, and `--rebuild` to build them
again.
"""

from __future__ import annotations

import json
import sys
from contextlib import closing
from dataclasses import replace

import django

from ctest_containers.isolated import configuration, known_aliases, supply_of
from ctest_containers.project import connections
from ctest_containers.supply.summaries import summaries_of


def main() -> None:
    """Build or find the templates, and print their summaries."""
    django.setup()
    project, *rest = sys.argv[1:]
    config = replace(configuration({"project": project}), rebuild=bool(rest))
    names = known_aliases(None)
    with closing(supply_of(config, lambda _: None)) as supply:
        with connections.set_aside():
            supply.prepare(names)
        print(json.dumps(summaries_of(supply, names)))  # noqa: T201


if __name__ == "__main__":
    main()
