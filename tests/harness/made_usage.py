"""Makes the usage of a large suite, in which most functions are shared among tests."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

from ctest_containers.usage.model import BASE, CLASS, IMPORT, TEST, StatementUsage, Usage

APPS: Final = 60
MODULES: Final = 25
FUNCTIONS: Final = 12
"""How many apps there are, modules in each, and functions in each module."""

CLASS_TESTS: Final = 8
"""How many tests a class has."""


def made_usage(
    tests: int, *, functions: int = 300, statements: int = 40, seed: int = 1
) -> Iterator[tuple[str, Usage]]:
    """The usage of the units of a suite.

    Args:
        functions: How many functions each test runs.
        statements: How many kinds of statements it sends.
    """
    rng = random.Random(seed)
    apps = [_functions(app) for app in range(APPS)]
    kinds = [_statements(app, rng) for app in range(APPS)]
    common = rng.sample([function for app in apps for function in app], functions * 2 // 3)
    yield BASE, Usage(functions=frozenset(rng.sample(common, len(common) // 2)))
    for app in range(APPS):
        yield f"{IMPORT}app{app}.tasks", Usage(functions=frozenset(apps[app][:5]))
    for number in range(tests):
        app = number // CLASS_TESTS % APPS
        name = f"app{app}.tests.test_views_{number // CLASS_TESTS}.OrderListTests"
        if number % CLASS_TESTS == 0:
            mine = rng.sample(apps[app], functions // 3)
            yield f"{CLASS}{name}", _usage(app, mine[:50], kinds[app][:5], rng)
        own = rng.sample(mine, len(mine) * 3 // 4) + rng.sample(apps[app], functions // 3)
        yield (
            f"{TEST}{name}.test_a_page_shows_what_was_ordered_{number}",
            _usage(app, (common + own)[:functions], rng.sample(kinds[app], statements), rng),
        )


def _functions(app: int) -> list[tuple[str, int]]:
    return [
        (f"app{app}.services.module{module}", 11 + 17 * function)
        for module in range(MODULES)
        for function in range(FUNCTIONS)
    ]


def _statements(app: int, rng: random.Random) -> list[tuple[str, str]]:
    columns = ", ".join(f'"app{app}_order"."column{column}"' for column in range(12))
    return [
        (
            f'SELECT {columns} FROM "app{app}_table{number}" WHERE "column{number}" = %s',
            f"app{app}/services/module{rng.randrange(MODULES)}.py:{rng.randrange(200)}",
        )
        for number in range(100)
    ]


def _usage(
    app: int,
    functions: list[tuple[str, int]],
    statements: list[tuple[str, str]],
    rng: random.Random,
) -> Usage:
    counts = [1 + (rng.random() < 0.1) * rng.randrange(20) for _ in statements]
    return Usage(
        functions=frozenset(functions),
        settings=frozenset({"DEBUG", "LANGUAGE_CODE", f"APP{app}_LIMIT"}),
        templates=frozenset(f"app{app}/page{rng.randrange(20)}.html" for _ in range(5)),
        files=frozenset(f"app{app}/templates/app{app}/page{rng.randrange(20)}.html" for _ in "123"),
        statements=tuple(
            StatementUsage(
                text=text,
                alias="default",
                count=count,
                seconds=count * rng.lognormvariate(-7.5, 0.6),
                places={place: count},
            )
            for (text, place), count in zip(statements, counts, strict=True)
        ),
    )
