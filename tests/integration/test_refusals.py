"""What cannot work is refused in one clear sentence, with the way out, exit 2 and nothing left."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from harness.projects import PROJECTS, copy_of, run

OUTCOMES = PROJECTS / "outcomes"
NO_ENGINE = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}


def test_without_an_engine_it_says_so_and_what_to_do(postgresql_env: dict[str, str]) -> None:
    done = run(OUTCOMES, "library.test_outcomes", env={**postgresql_env, **NO_ENGINE})

    assert done.code == 2
    assert "No Docker Engine answers at unix:///nonexistent/docker.sock" in done.output
    assert "https://docs.docker.com/engine/install/" in done.output
    assert "Traceback" not in done.output


def test_a_vendor_without_a_backend_is_refused_by_name(
    sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    project = copy_of("outcomes", tmp_path)
    backend = project / "oracle_like"
    backend.mkdir()
    (backend / "__init__.py").touch()
    (backend / "base.py").write_text(
        "from django.db.backends.sqlite3.base import DatabaseWrapper as Base\n"
        "class DatabaseWrapper(Base):\n    vendor = 'oracle'\n"
    )
    settings = project / "outcomes" / "settings.py"
    settings.write_text(settings.read_text() + "\nDATABASES['default']['ENGINE'] = 'oracle_like'\n")

    refused = run(project, "library.test_outcomes", env=sqlite_env)
    without = run(project, "library.test_module_teardown.First", env=sqlite_env)

    assert refused.code == 2
    assert "The database 'default' has the vendor 'oracle'" in refused.output
    assert "Traceback" not in refused.output
    assert "has the vendor" not in without.output


@pytest.mark.usefixtures("no_container_is_left")
def test_an_image_that_cannot_be_had_is_named(postgresql_env: dict[str, str]) -> None:
    image = "localhost:1/no/such-image:1"

    done = run(OUTCOMES, "library.test_outcomes", "--postgresql-image", image, env=postgresql_env)

    assert done.code == 2
    assert f"The image {image} is not on the engine and cannot be pulled" in done.output
    assert "Traceback" not in done.output


@pytest.mark.usefixtures("no_container_is_left")
def test_an_image_that_is_no_database_is_told_by_its_last_words(
    postgresql_env: dict[str, str],
) -> None:
    done = run(
        OUTCOMES,
        "library.test_outcomes",
        *("--postgresql-image", "debian:trixie-slim"),
        env=postgresql_env,
    )

    assert done.code == 2
    assert "postgres" in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--transport", "pigeon"], "Invalid value 'pigeon' for option --transport"),
        (["--max-workers", "0"], "must be a whole number of 1 or more"),
        (["--server-timeout", "soon"], "Invalid value 'soon' for option --server-timeout"),
        (["--fingerprint-files", "nowhere/*.sql"], "No file matches 'nowhere/*.sql'"),
        (["--paralel", "2"], "unknown option --paralel.\nDid you mean --parallel?"),
        (["--testrunner"], "--testrunner"),
        (["--testrunner", "unittest.TextTestRunner"], "is not a subclass of"),
        (["--testrunner", "no.such.Runner"], "no.such.Runner"),
    ],
)
def test_a_bad_option_is_refused_by_name(
    arguments: list[str], said: str, sqlite_env: dict[str, str]
) -> None:
    done = run(OUTCOMES, *arguments, env=sqlite_env)

    assert done.code == 2, done.output
    assert said in done.output
    assert "Traceback" not in done.output


def test_a_bad_variable_is_refused_with_its_name(sqlite_env: dict[str, str]) -> None:
    done = run(OUTCOMES, env={**sqlite_env, "CTEST_CONTAINERS_TRANSPOR": "port"})

    assert done.code == 2
    assert "CTEST_CONTAINERS_TRANSPORT?" in done.output


@pytest.mark.parametrize("vendor", ["sqlite", "postgresql"])
@pytest.mark.usefixtures("engine")
def test_a_cache_folder_that_cannot_be_used_is_named(
    vendor: str, request: pytest.FixtureRequest
) -> None:
    env = request.getfixturevalue(f"{vendor}_env")

    done = run(
        OUTCOMES,
        *("library.test_outcomes", "--project", f"no-cache-{os.getpid()}"),
        env={**env, "XDG_CACHE_HOME": "/dev/null"},
    )

    assert done.code == 2, done.output
    assert "cannot be built with the cache folder /dev/null" in done.output
    assert "Traceback" not in done.output


def test_a_folder_without_a_project_is_told(tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}

    done = run(tmp_path, env=env)

    assert done.code == 2
    assert "No Django settings found" in done.output
    assert "Traceback" not in done.output


def test_settings_that_fail_show_where_and_end_with_exit_code_2(
    sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    project = copy_of("outcomes", tmp_path)
    settings = project / "outcomes" / "settings.py"
    settings.write_text(settings.read_text() + '\nos.environ["NOT_SET_ANYWHERE"]\n')

    done = run(project, env=sqlite_env)

    assert done.code == 2
    assert "KeyError: 'NOT_SET_ANYWHERE'" in done.output
    assert "The project cannot be loaded" in done.output


def test_settings_that_cannot_be_imported_are_named(sqlite_env: dict[str, str]) -> None:
    done = run(OUTCOMES, "--settings", "no.such.settings", env=sqlite_env)

    assert done.code == 2
    assert "The settings module 'no.such.settings' cannot be imported" in done.output
    assert "Traceback" not in done.output


def test_a_socket_path_that_would_be_too_long_is_avoided(
    postgresql_env: dict[str, str], tmp_path: Path
) -> None:
    deep = tmp_path / ("long" * 25)
    deep.mkdir()

    done = run(
        OUTCOMES,
        "library.test_outcomes.Outcomes.test_pass",
        env={**postgresql_env, "TMPDIR": str(deep)},
    )

    assert done.code == 0, done.output
