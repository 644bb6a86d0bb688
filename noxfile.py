"""The versions of Python and Django that the promise is checked with: `nox`, or `nox -s matrix`."""

from __future__ import annotations

import nox

nox.options.default_venv_backend = "venv"
nox.options.sessions = ["matrix"]

AGREEMENTS = "(ends_as_under_django or on_mysql_ends or settings_say) and not example_project"
"""The tests of the projects whose tests end in every way."""

VERSIONS = [
    ("3.10", "4.2"),
    ("3.11", "5.2"),
    ("3.12", "5.2"),
    ("3.12", "6.0"),
    ("3.13", "5.2"),
    ("3.13", "6.0"),
    ("3.13", "6.1"),
    ("3.14", "5.2"),
    ("3.14", "6.1"),
]


@nox.session
@nox.parametrize(("python", "django"), VERSIONS)
def matrix(session: nox.Session, django: str) -> None:
    """A project whose tests end in every way ends as under Django; the unit tests pass."""
    session.install("-q", "-e", ".[dev]", f"Django~={django}.0")
    session.run("scripts/engine", external=True)
    session.run("scripts/base-image", external=True)
    chosen = session.posargs or ["--all", "-k", AGREEMENTS]
    session.run("pytest", "-q", "-p", "no:randomly", "tests/integration", *chosen)
    if not session.posargs:
        session.run("pytest", "-q", "-n", "2", "--quick", "tests/unit", "tests/properties")
