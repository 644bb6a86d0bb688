"""`python -m ctest_containers` takes what `manage.py test` takes, prints and exits as it does."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from harness.projects import PROJECTS, TESTS, copy_of, finish, run, toolkit
from harness.truths import truth

OUTCOMES = PROJECTS / "outcomes"
SHOP = PROJECTS / "shop"
GREEN = "library.test_outcomes.Writing"


def manage(project: Path, *arguments: str, env: Mapping[str, str]) -> tuple[int, str]:
    """Run manage.py, and give its exit code and what it printed."""
    done = finish([sys.executable, "manage.py", "test", *arguments], project, env)
    return done.code, done.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["library.test_outcomes"],
        ["library", "-k", "test_skip", "-k", "*Restored*"],
        ["--tag", "subtests"],
        ["--exclude-tag", "subtests", "library.test_outcomes.Outcomes"],
        ["library.test_outcomes.Outcomes.test_pass"],
        ["--pattern", "test_class*.py"],
        ["library.no_such_module"],
    ],
    ids=" ".join,
)
def test_labels_patterns_and_tags_select_what_they_select_under_django(
    arguments: list[str], sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    expected = truth(OUTCOMES, *arguments, env=sqlite_env, record=tmp_path / "truth")

    actual = toolkit(OUTCOMES, *arguments, env=sqlite_env, record=tmp_path / "ours")

    assert actual.kinds == expected.kinds
    assert (actual.ran, actual.code) == (expected.ran, expected.code)


def test_it_exits_with_0_when_tests_pass_1_when_one_fails_2_when_asked_wrongly(
    sqlite_env: dict[str, str],
) -> None:
    codes = [
        run(OUTCOMES, *arguments, env=sqlite_env).code
        for arguments in ([GREEN], ["library.test_outcomes"], ["--no-such-option"])
    ]

    assert codes == [0, 1, 2]


def test_run_is_the_default_command(sqlite_env: dict[str, str]) -> None:
    plain = run(OUTCOMES, GREEN, env=sqlite_env)
    named = run(OUTCOMES, "run", GREEN, env=sqlite_env)

    assert (plain.code, named.code) == (0, 0)
    assert "Ran 2 tests" in plain.output
    assert "Ran 2 tests" in named.output


@pytest.mark.parametrize("verbosity", ["0", "1", "2", "3"])
def test_every_verbosity_prints_the_same_summary_as_django(
    verbosity: str, sqlite_env: dict[str, str]
) -> None:
    _, theirs = manage(OUTCOMES, GREEN, "-v", verbosity, env=sqlite_env)

    ours = run(OUTCOMES, GREEN, "-v", verbosity, env=sqlite_env)

    assert ("Ran 2 tests" in ours.output) == ("Ran 2 tests" in theirs)
    assert ours.output.splitlines()[-1] in ("OK", *theirs.splitlines())
    assert "... ok" in ours.output or int(verbosity) < 2


def test_failures_are_printed_as_django_prints_them(sqlite_env: dict[str, str]) -> None:
    label = "library.test_outcomes.Outcomes.test_error_with_a_cause"
    _, theirs = manage(OUTCOMES, label, env=sqlite_env)

    ours = run(OUTCOMES, label, env=sqlite_env)

    start = "ERROR: test_error_with_a_cause"
    stop = "Ran 1 test"
    assert _between(ours.output, start, stop) == _between(theirs, start, stop)


def test_debug_sql_shows_the_queries_of_the_failed_test(sqlite_env: dict[str, str]) -> None:
    label = "library.test_outcomes.Outcomes.test_failure"

    done = run(OUTCOMES, label, "--debug-sql", env=sqlite_env)

    assert 'FROM "library_author"' in done.output


def test_buffer_shows_what_a_failed_test_printed_and_hides_the_rest(
    sqlite_env: dict[str, str],
) -> None:
    done = run(OUTCOMES, "library.test_outcomes.Outcomes", "--buffer", env=sqlite_env)

    assert "Stdout:\nprinted by test_output" in done.output


def test_timing_is_printed(sqlite_env: dict[str, str]) -> None:
    done = run(OUTCOMES, GREEN, "--timing", env=sqlite_env)

    assert "Total database setup took" in done.output
    assert "Total run took" in done.output


def test_durations_are_printed_where_unittest_measures_them(sqlite_env: dict[str, str]) -> None:
    done = run(OUTCOMES, GREEN, "--durations", "2", env=sqlite_env)

    if sys.version_info >= (3, 12):
        assert "Slowest test durations" in done.output
    else:
        assert "unknown option --durations." in done.output


def test_keepdb_is_accepted_and_explained(sqlite_env: dict[str, str]) -> None:
    done = run(OUTCOMES, GREEN, "--keepdb", env=sqlite_env)

    assert done.code == 0
    assert "--keepdb has no effect" in done.output


def test_help_names_djangos_options_and_the_toolkits(sqlite_env: dict[str, str]) -> None:
    done = run(OUTCOMES, "run", "--help", env=sqlite_env)

    assert done.code == 0
    assert "usage: python -m ctest_containers run" in done.output
    for option in ("--failfast", "--keepdb", "--shuffle", "--transport", "--postgresql-image"):
        assert option in done.output


@pytest.mark.parametrize("command", ["run", "plan", "exec", "doctor"])
def test_help_is_there_for_those_who_have_not_found_their_project_yet(
    command: str, tmp_path: Path
) -> None:
    env = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}

    done = run(tmp_path, command, "--help", env=env)

    assert done.code == 0
    assert f"usage: python -m ctest_containers {command}" in done.output


@pytest.mark.parametrize("vendor", ["sqlite", "postgresql"])
@pytest.mark.usefixtures("engine")
def test_it_works_as_the_test_runner_of_manage_py(
    vendor: str, request: pytest.FixtureRequest
) -> None:
    env = request.getfixturevalue(f"{vendor}_env")
    runner = "--testrunner=ctest_containers.runner.ContainerTestRunner"

    code, output = manage(OUTCOMES, runner, "--parallel", "2", "library.test_outcomes", env=env)

    assert code == 1
    assert f"template {vendor}:" in output
    assert "FAILED (failures=6, errors=11, skipped=7," in output


def test_a_projects_own_runner_keeps_its_ways(sqlite_env: dict[str, str], tmp_path: Path) -> None:
    project = copy_of("outcomes", tmp_path)
    (project / "outcomes" / "runner.py").write_text(
        "from django.test.runner import DiscoverRunner\n"
        "class Runner(DiscoverRunner):\n"
        "    def setup_databases(self, **kwargs):\n"
        "        result = super().setup_databases(**kwargs)\n"
        "        from library.models import Author\n"
        "        Author.objects.create(name='Made by the runner')\n"
        "        return result\n"
        "    def suite_result(self, suite, result, **kwargs):\n"
        "        print('judged by its own runner')\n"
        "        return super().suite_result(suite, result, **kwargs)\n"
    )
    settings = project / "outcomes" / "settings.py"
    settings.write_text(settings.read_text() + "\nTEST_RUNNER = 'outcomes.runner.Runner'\n")
    for file in (project / "library").glob("test_*.py"):
        file.unlink()
    (project / "library" / "test_it.py").write_text(
        "from django.test import TestCase\n"
        "from library.models import Author\n"
        "class Own(TestCase):\n"
        "    def test_the_row_is_there(self):\n"
        "        self.assertTrue(Author.objects.filter(name='Made by the runner').exists())\n"
    )

    done = run(project, env=sqlite_env)

    assert done.code == 0, done.output
    assert "judged by its own runner" in done.output


def test_settings_that_ask_whether_tests_are_run_get_the_answer_yes(
    sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    project = copy_of("outcomes", tmp_path)
    settings = project / "outcomes" / "settings.py"
    settings.write_text(settings.read_text() + "\nimport sys\nassert 'test' in sys.argv\n")

    done = run(project, GREEN, env=sqlite_env)

    assert done.code == 0, done.output


def test_sqlite_needs_no_engine_and_leaves_the_configured_file_alone(
    sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    project = copy_of("outcomes", tmp_path)
    database = project / "db.sqlite3"
    database.write_bytes(b"mine")
    settings = project / "outcomes" / "settings.py"
    named = "\nDATABASES['default']['TEST'] = {'NAME': 'test.sqlite3'}\n"
    settings.write_text(settings.read_text() + named)
    (project / "test.sqlite3").write_bytes(b"mine too")

    done = run(project, GREEN, env=sqlite_env)

    assert done.code == 0, done.output
    assert database.read_bytes() == b"mine"
    assert (project / "test.sqlite3").read_bytes() == b"mine too"


def test_a_run_on_sqlite_starts_no_server_host(sqlite_env: dict[str, str], tmp_path: Path) -> None:
    project = copy_of("outcomes", tmp_path)
    (project / "library" / "test_children.py").write_text(
        "import os\n"
        "import psutil\n"
        "from django.test import SimpleTestCase\n"
        "class Children(SimpleTestCase):\n"
        "    def test_no_child_is_a_server_host(self):\n"
        "        children = psutil.Process(os.getppid()).children()\n"
        "        commands = [' '.join(child.cmdline()) for child in children]\n"
        "        self.assertEqual([one for one in commands if 'servers.serve' in one], [])\n"
    )

    done = run(project, "library.test_children", GREEN, env=sqlite_env, forked=False)

    assert done.code == 0, done.output


def test_the_recording_runner_of_these_tests_is_importable_beside_any_project() -> None:
    assert not (SHOP / "harness").exists()
    assert (TESTS / "harness" / "recording.py").exists()
    assert os.environ.get("DJANGO_SETTINGS_MODULE") is None


def _between(text: str, start: str, stop: str) -> str:
    return text[text.index(start) : text.index(stop)]


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", GREEN],
        ["plan", GREEN],
        ["template", "build"],
        ["timings", "export", "timings.json"],
        ["report", "--list"],
        ["exec", "--", "true"],
        ["service", "status"],
        ["clean"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_command_loads_what_it_needs_by_itself(
    arguments: list[str], project: Path, sqlite_env: dict[str, str]
) -> None:
    """In the other tests it may begin as a fork of a process that has loaded much already."""
    run(project, GREEN, env=sqlite_env)

    done = run(project, *arguments, env=sqlite_env, forked=False)

    assert done.code in {0, 2}, done.output
    assert "Traceback" not in done.output
