"""The normalized texts of SQL statements with any literals."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ctest_containers.statements.normalized import normalized
from ctest_containers.statements.tokens import MYSQL, POSTGRESQL, SQLITE

VENDORS = st.sampled_from([POSTGRESQL, MYSQL, SQLITE])

TEMPLATES = st.sampled_from(
    [
        'SELECT a, COUNT(*) FROM "t" WHERE x = {} AND y IN ({}, {}) OR f({}) > {} - 1 LIMIT 3',
        "INSERT INTO t (a, b) VALUES ({}, {}), ({}, {}) ON CONFLICT (a) DO UPDATE SET b = {}",
        "UPDATE t SET a = {}, b = CASE WHEN c LIKE {} THEN {} ELSE {} END WHERE d BETWEEN {} AND 1",
        "WITH q AS (SELECT {} AS n /* x */) SELECT q.n, t.* FROM q, t -- {}\nWHERE a<>{} OR b={}",
        "DELETE FROM t WHERE a || {} = b AND EXTRACT(YEAR FROM c) IN ({}) AND d>={} OR e!={}",
    ]
)

SECRET = "s3cr3t"


def written(value: str | bytes | float, vendor: str) -> str:
    """A literal as drivers write it."""
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if isinstance(value, str):
        doubled = value.replace("'", "''")
        return "'" + (doubled.replace("\\", "\\\\") if vendor == MYSQL else doubled) + "'"
    return repr(value)


LITERALS = st.one_of(
    st.text().map(lambda text: f"{text}{SECRET}{text}"),
    st.binary(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
)


@given(VENDORS, TEMPLATES, st.lists(LITERALS, min_size=5, max_size=5))
def test_normalized_texts_do_not_depend_on_literals(
    vendor: str, template: str, values: list[str | bytes | float]
) -> None:
    template = template.replace("-- {}", "-- note")
    statement = template.format(*[written(value, vendor) for value in values])

    assert normalized(statement, vendor) == normalized(template.format(*["%s"] * 5), vendor)


@given(VENDORS, TEMPLATES, st.lists(st.text().map(SECRET.__add__), min_size=5, max_size=5))
def test_literals_never_appear_even_if_they_are_not_quoted_correctly(
    vendor: str, template: str, values: list[str]
) -> None:
    quoted = template.format(*[written(value, vendor) for value in values])
    for cut in range(0, len(quoted), 7):
        assert SECRET not in normalized(quoted[:cut], vendor)


@given(VENDORS, st.one_of(st.text(), st.text(alphabet="'\"`$?%s(),.*/-+=:;@#[]\\ INVALUESx1eE\n")))
def test_normalizing_twice_changes_nothing(vendor: str, sql: str) -> None:
    once = normalized(sql, vendor)

    assert normalized(once, vendor) == once
