"""Recognises errors that mean that a role of the project lacked a privilege."""

from __future__ import annotations

from typing import Final

REFUSED: Final = frozenset({"42501", "2F003"})
"""PostgreSQL's codes for `insufficient_privilege` and `prohibited_sql_statement_attempted`.

The first comes with messages such as "must be owner", the second with `dblink`'s requirements.
https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

POLICY_CHECK: Final = "ExecWithCheckOptions"
"""The server's function that rejects rows that violate a policy, also with the first code."""


def refusal_in(error: BaseException | None) -> str:
    """Return the message about a missing privilege, on one line; empty for any other error.

    Args:
        error: An error of Django or a driver, or one that was raised because of it.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        # psycopg has `sqlstate`, psycopg2 has `pgcode`.
        codes = {getattr(error, "sqlstate", None), getattr(error, "pgcode", None)}
        function = getattr(getattr(error, "diag", None), "source_function", "")
        if not REFUSED.isdisjoint(codes) and function != POLICY_CHECK:
            return " ".join(str(error).split("\n", 1)[0].split())
        error = error.__cause__ or error.__context__
    return ""
