"""`pytest --ctest` records what tests use, and runs only those that a change can reach."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from harness.projects import Finished, copy_of, environment, run
from harness.tiers import further

from ctest_containers.exit_codes import ExitCode

pytestmark = pytest.mark.skipif(
    sys.version_info < (3, 12), reason="Recording is slow before Python 3.12."
)

FILES = {
    "pytest.ini": """
[pytest]
DJANGO_SETTINGS_MODULE = outcomes.settings
python_files = test_*.py
addopts = -p no:randomly -p no:hypothesispytest
""",
    "library/helpers.py": """
CASES = [1, 2]

def one():
    return 1

def two():
    return 2

def of_session():
    return "session"

def of_module():
    return "module"

def of_class():
    return "class"

def of_rows():
    return "rows"

def at_the_end():
    return "end"
""",
    "library/templates/page.html": "<p>page</p>",
    "library/inner/__init__.py": "",
    "library/inner/test_inner.py": """
def test_inner():
    pass
""",
    "conftest.py": """
import pytest
from library import helpers

@pytest.fixture(scope="session")
def shared():
    yield helpers.of_session()
    helpers.at_the_end()

@pytest.fixture
def lazy(request):
    return request.getfixturevalue("shared")

@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    from library.models import Author
    with django_db_blocker.unblock():
        Author.objects.get_or_create(name=helpers.of_rows())
""",
    "library/test_plain.py": """
import pytest
from django.template.loader import render_to_string
from library import helpers
from library.models import Author

@pytest.fixture(scope="module")
def of_module():
    return helpers.of_module()

@pytest.fixture(scope="module")
def around_module(request):
    return request.getfixturevalue("of_module")

def test_one():
    assert helpers.one() == 1

@pytest.mark.parametrize("case", helpers.CASES)
def test_cases(case):
    assert case in helpers.CASES

def test_shared(shared):
    assert shared

def test_lazy(lazy):
    assert lazy

def test_of_module(of_module):
    assert of_module

def test_around_module(around_module):
    assert around_module

def test_page():
    assert render_to_string("page.html")

class TestClass:
    number = 3

    @classmethod
    def setup_class(cls):
        cls.made = helpers.of_class()

    def test_two(self):
        assert helpers.two() == 2

    def test_number(self):
        assert self.number

@pytest.mark.django_db
def test_author():
    Author.objects.create(name="x")
""",
    "library/test_cases.py": """
from django.test import SimpleTestCase, TestCase
from library import helpers
from library.models import Author

class AuthorTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.author = Author.objects.create(name=helpers.of_class())

    def test_author(self):
        self.assertTrue(Author.objects.get(pk=self.author.pk))

class SimpleTests(SimpleTestCase):
    def test_one(self):
        self.assertEqual(helpers.one(), 1)

    def test_nothing(self):
        pass
""",
}

PLAIN, CASES = "library/test_plain.py", "library/test_cases.py"
ONE = {f"{PLAIN}::test_one", f"{CASES}::SimpleTests::test_one"}
IN_CASES = {
    f"{CASES}::{name}"
    for name in ("AuthorTests::test_author", "SimpleTests::test_one", "SimpleTests::test_nothing")
}
SHARED = {f"{PLAIN}::test_shared", f"{PLAIN}::test_lazy"}
OF_MODULE = {f"{PLAIN}::test_of_module", f"{PLAIN}::test_around_module"}
OF_CLASS = {f"{PLAIN}::TestClass::test_two", f"{PLAIN}::TestClass::test_number"}
OF_AUTHORS = {f"{PLAIN}::test_author", f"{CASES}::AuthorTests::test_author"}
INNER = {"library/inner/test_inner.py::test_inner"}
OF_CASES = {f"{PLAIN}::test_cases[1]", f"{PLAIN}::test_cases[2]"}
ALL = {
    *(*ONE, *IN_CASES, *SHARED, *OF_MODULE, *OF_CLASS, *OF_AUTHORS, *INNER, *OF_CASES),
    f"{PLAIN}::test_page",
}

CHANGES = {
    "a function": ("library/helpers.py", "return 1", "return 1 + 0", ONE),
    "a constant of parameters": ("library/helpers.py", "[1, 2]", "[2, 1]", OF_CASES),
    "a fixture of the session": ("library/helpers.py", '"session"', '"s"', SHARED),
    "a fixture of a module": ("library/helpers.py", '"module"', '"m"', OF_MODULE),
    "rows that a fixture creates": ("library/helpers.py", '"rows"', '"r"', OF_AUTHORS),
    "the set-up of classes": (
        "library/helpers.py",
        '"class"',
        '"c"',
        OF_CLASS | {f"{CASES}::AuthorTests::test_author"},
    ),
    "the body of a class": (PLAIN, "number = 3", "number = 4", OF_CLASS),
    "a test": (PLAIN, "assert self.number", "assert True", {f"{PLAIN}::TestClass::test_number"}),
    "a template": ("library/templates/page.html", "page", "other", {f"{PLAIN}::test_page"}),
    "a mark of a module": (
        CASES,
        "class AuthorTests",
        "import pytest\npytestmark = pytest.mark.usefixtures('db')\nclass AuthorTests",
        IN_CASES,
    ),
    "a fixture that is used automatically": (
        CASES,
        "class AuthorTests",
        "import pytest\n@pytest.fixture(autouse=True)\ndef around():\n    pass\nclass AuthorTests",
        IN_CASES,
    ),
    "a migration": ("library/migrations/0001_author.py", "100", "120", OF_AUTHORS),
    "the conftest of the root": ("conftest.py", "import pytest", "import pytest  # It.", ALL),
    "a new conftest": ("library/inner/conftest.py", "", "VALUE = 1", INNER),
    "the configuration": ("pytest.ini", "[pytest]", "[pytest]\nxfail_strict = true", ALL),
    "a new test": (
        PLAIN,
        "def test_page",
        "def test_new():\n    pass\n\ndef test_page",
        {f"{PLAIN}::test_new"},
    ),
}
"""What is changed in which file, and the tests that this can reach."""


def _project(folder: Path) -> Path:
    project = copy_of("outcomes", folder)
    for file in (project / "library").glob("test*.py"):
        file.unlink()
    for name, text in FILES.items():
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(text.lstrip())
    with (project / "outcomes" / "settings.py").open("a") as settings:
        settings.write(
            'TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", '
            '"APP_DIRS": True}]\n'
        )
    # The process of a session must not seem to have begun before the files were saved.
    time.sleep(0.1)
    return project


def _pytest(project: Path, *arguments: str, env: Mapping[str, str]) -> Finished:
    return run(project, "-q", "--ctest", *arguments, env=env, module="pytest")


def _record(project: Path, *arguments: str, env: Mapping[str, str]) -> Finished:
    return _pytest(project, "--ctest-record", *arguments, env=env)


def _affected(project: Path, *arguments: str, env: Mapping[str, str]) -> set[str]:
    """The tests that `--ctest-explain` names."""
    done = _pytest(project, "--ctest-explain", *(arguments or ["--ctest-affected"]), env=env)
    assert done.code == ExitCode.PASSED, done.output
    lines = done.output.splitlines()
    if "Every test runs:" in lines:
        return ALL
    end = lines.index("Not affected:") if "Not affected:" in lines else len(lines)
    return {line for line in lines[:end] if "::" in line and not line.startswith(" ")}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return _project(tmp_path)


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """The environment of a session with a cache of its own."""
    return environment(tmp_path / "cache", {"DOCKER_HOST": "unix:///nonexistent/docker.sock"})


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a project whose tests were recorded, and a cache."""
    folder = tmp_path_factory.mktemp("recorded")
    env = environment(folder / "cache", {"DOCKER_HOST": "unix:///nonexistent/docker.sock"})
    done = _record(_project(folder), env=env)
    assert f"{len(ALL)} passed" in done.output, done.output
    return folder


@pytest.fixture
def copied(recorded: Path, tmp_path: Path) -> Path:
    """A copy of the recorded project, which has its cache."""
    shutil.copytree(recorded, tmp_path, dirs_exist_ok=True)
    return tmp_path / "outcomes"


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_selects_the_tests_that_it_can_reach(
    copied: Path, env: dict[str, str], change: str
) -> None:
    name, old, new, expected = CHANGES[change]
    file = copied / name
    text = file.read_text() if file.exists() else ""
    assert old in text
    file.write_text(text.replace(old, new, 1))

    assert _affected(copied, env=env) == expected


def test_what_runs_at_the_end_of_a_fixture_counts_for_its_tests(
    copied: Path, env: dict[str, str]
) -> None:
    file = copied / "library" / "helpers.py"
    file.write_text(file.read_text().replace('"end"', '"e"'))

    affected = _affected(copied, env=env)

    # It has run in the last test of the session, too.
    assert affected > SHARED
    assert len(affected) == len(SHARED) + 1


def test_without_a_change_no_test_runs_and_the_session_succeeds(
    copied: Path, env: dict[str, str]
) -> None:
    done = _pytest(copied, "--ctest-affected", env=env)

    assert done.code == 0, done.output
    assert f"0 tests affected, {len(ALL)} not affected." in done.output
    assert f"{len(ALL)} deselected" in done.output


def test_affected_tests_run_and_the_others_are_deselected(
    copied: Path, env: dict[str, str]
) -> None:
    file = copied / "library" / "helpers.py"
    file.write_text(file.read_text().replace("return 1", "return 5"))

    done = _pytest(copied, "--ctest-affected", env=env)

    assert done.code == ExitCode.FAILED
    assert f"2 failed, {len(ALL) - 2} deselected" in done.output, done.output


def test_a_test_that_failed_runs_again_until_it_passes(copied: Path, env: dict[str, str]) -> None:
    file = copied / "library" / "helpers.py"
    text = file.read_text()
    file.write_text(text.replace("return 1", "return 5"))
    time.sleep(0.1)
    _record(copied, "--ctest-affected", env=env)
    assert _affected(copied, env=env) == ONE
    file.write_text(text)
    time.sleep(0.1)

    _record(copied, "--ctest-affected", env=env)

    assert _affected(copied, env=env) == set()


@pytest.mark.parametrize(
    "arguments",
    [
        [f"{PLAIN}::test_one"],
        ["-k", "test_one and not Simple"],
        ["-x", "--deselect", f"{CASES}::SimpleTests::test_one"],
    ],
    ids=["nodeid", "keyword", "deselect"],
)
def test_a_session_of_some_tests_leaves_the_others_to_a_later_one(
    copied: Path, env: dict[str, str], arguments: list[str]
) -> None:
    file = copied / "library" / "helpers.py"
    file.write_text(file.read_text().replace("return 1", "return 1 + 0"))
    time.sleep(0.1)

    _record(copied, *arguments, env=env)

    assert _affected(copied, env=env) == {f"{CASES}::SimpleTests::test_one"}


def test_a_conftest_that_changed_is_not_forgotten_by_a_session_of_other_tests(
    copied: Path, env: dict[str, str]
) -> None:
    (copied / "library" / "inner" / "conftest.py").write_text("VALUE = 1\n")
    time.sleep(0.1)

    _record(copied, f"{PLAIN}::test_one", env=env)

    assert _affected(copied, env=env) == INNER


def test_after_a_session_that_stops_at_a_failure_the_rest_runs(
    project: Path, env: dict[str, str]
) -> None:
    file = project / "library" / "helpers.py"
    file.write_text(file.read_text().replace("return 1", "return 5"))
    time.sleep(0.1)

    done = _record(project, "-x", env=env)

    ran = int(next(iter(re.findall(r"(\d+) passed", done.output)), "0"))
    affected = _affected(project, env=env)
    assert len(affected) == len(ALL) - ran
    assert affected & ONE


def test_fixtures_that_are_torn_down_after_a_failure_are_recorded(
    project: Path, env: dict[str, str]
) -> None:
    tests = project / PLAIN
    tests.write_text(tests.read_text().replace('render_to_string("page.html")', "False"))
    time.sleep(0.1)
    _record(project, "-x", PLAIN, env=env)
    assert _affected(project, env=env).isdisjoint(SHARED)
    file = project / "library" / "helpers.py"
    file.write_text(file.read_text().replace('"end"', '"e"'))

    assert _affected(project, env=env) > SHARED


def test_the_last_failures_of_pytest_narrow_the_selection(
    copied: Path, env: dict[str, str]
) -> None:
    file = copied / "library" / "helpers.py"
    file.write_text(
        file.read_text().replace("return 1", "return 5").replace("return 2", "return 5")
    )
    _pytest(copied, f"{PLAIN}::test_one", env=env)

    done = _pytest(copied, "--ctest-affected", "--lf", env=env)

    assert "1 failed" in done.output, done.output


def test_skipped_tests_always_run(project: Path, env: dict[str, str]) -> None:
    with (project / PLAIN).open("a") as tests:
        tests.write("\n@pytest.mark.skip\ndef test_skipped():\n    pass\n")
    time.sleep(0.1)
    _record(project, env=env)

    assert _affected(project, env=env) == {f"{PLAIN}::test_skipped"}


def test_workers_of_xdist_record_and_select_together(project: Path, env: dict[str, str]) -> None:
    done = _record(project, "-n", "2", env=env)
    assert f"{len(ALL)} passed" in done.output, done.output
    file = project / "library" / "helpers.py"
    file.write_text(
        file.read_text().replace('"session"', '"s"').replace("return 1", "return 1 + 0")
    )
    time.sleep(0.1)

    assert _affected(project, env=env) == SHARED | ONE
    done = _record(project, "-n", "2", "--ctest-affected", env=env)

    assert f"4 passed, {len(ALL) - 4} deselected" in done.output, done.output
    done = _pytest(project, "-n", "2", "--ctest-affected", env=env)
    assert done.code == 0, done.output
    assert f"0 tests affected, {len(ALL)} not affected." in done.output


def test_what_a_worker_has_recorded_before_it_crashes_does_not_count(
    copied: Path, env: dict[str, str]
) -> None:
    crash = copied / "library" / "test_zcrash.py"
    crash.write_text("import os\n\ndef test_crash():\n    os._exit(1)\n")
    file = copied / "library" / "helpers.py"
    file.write_text(file.read_text().replace("return 1", "return 1 + 0"))
    time.sleep(0.1)

    done = _record(copied, "-n", "1", env=env)

    assert f"1 failed, {len(ALL)} passed" in done.output, done.output
    assert _affected(copied, env=env) >= ONE | {"library/test_zcrash.py::test_crash"}


@further("One order of tests is tested above.")
def test_the_order_of_tests_makes_no_difference(project: Path, env: dict[str, str]) -> None:
    ini = project / "pytest.ini"
    ini.write_text(ini.read_text().replace("-p no:randomly ", ""))
    time.sleep(0.1)
    _record(project, env=env)
    file = project / "library" / "helpers.py"
    file.write_text(file.read_text().replace('"session"', '"s"').replace('"module"', '"m"'))

    affected = _affected(project, env=env)

    assert affected == SHARED | OF_MODULE


OUTCOMES = """
import pytest, unittest

def test_pass(): pass
def test_fail(): assert False
@pytest.mark.xfail
def test_xfail(): assert False
@pytest.mark.xfail
def test_xpass(): pass
@pytest.mark.skip
def test_skip(): pass
def test_skip_inside(): pytest.skip("now")
@pytest.fixture(scope="module")
def broken(): raise ValueError
def test_error(broken): pass
@pytest.fixture(scope="module")
def breaks_later():
    yield
    raise ValueError
def test_error_at_the_end(breaks_later): pass
class Subtests(unittest.TestCase):
    def test_subtests(self):
        for number in range(3):
            with self.subTest(number=number):
                self.assertNotEqual(number, 1)
"""


def test_outcomes_are_those_of_a_session_that_records_nothing(
    project: Path, env: dict[str, str]
) -> None:
    (project / "library" / "test_outcomes.py").write_text(OUTCOMES)
    time.sleep(0.1)

    plain, recorded = (
        _pytest(project, "-rA", "--tb=no", *options, "library/test_outcomes.py", env=env)
        for options in ([], ["--ctest-record"])
    )

    assert plain.code == recorded.code == 1
    outcomes = [_outcomes(done) for done in (plain, recorded)]
    assert outcomes[0] == outcomes[1]
    assert len(outcomes[0]) > 8


def _outcomes(done: Finished) -> list[str]:
    words = ("PASSED", "FAILED", "ERROR", "SKIPPED", "XFAIL", "XPASS", "SUBFAILED")
    return sorted(line for line in done.output.splitlines() if line.startswith(words))


def test_a_revision_selects_what_differs_from_it(copied: Path, env: dict[str, str]) -> None:
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "All"]):
        subprocess.run([*git, *arguments], cwd=copied, check=True)
    file = copied / "library" / "helpers.py"
    file.write_text(file.read_text().replace("return 1", "return 1 + 0"))
    time.sleep(0.1)
    _record(copied, "--ctest-affected", env=env)
    assert _affected(copied, env=env) == set()

    assert _affected(copied, "--ctest-affected", "HEAD", env=env) == ONE
    (copied / "pytest.ini").write_text(FILES["pytest.ini"] + "xfail_strict = true\n")
    assert _affected(copied, "--ctest-affected", "HEAD", env=env) == ALL
    done = _pytest(copied, "--ctest-affected", "nowhere", env=env)
    assert done.code == 4
    assert "no such revision in Git" in done.output


def test_the_sql_of_a_session_is_reported(copied: Path, env: dict[str, str]) -> None:
    done = run(copied, "report", "--sql", "--test", "test_author", env=env)

    assert f"{PLAIN}::test_author: " in done.output, done.output
    assert "INSERT INTO" in done.output
    assert "library/test_plain.py:" in done.output


IMPORTED = """
import sys

def pytest_unconfigure():
    loaded = [name for name in sys.modules if name.startswith("ctest_containers.")]
    parts = {name.split(".")[1] for name in loaded}
    print("LOADED", sorted(parts & {"impact"}))
    print("RECORDING", "ctest_containers.pytest_session.recording" in loaded)
    print("COLLECTOR", "ctest_containers.usage.collector" in loaded)
"""


def test_without_the_options_nothing_of_it_is_loaded(project: Path, env: dict[str, str]) -> None:
    with (project / "conftest.py").open("a") as conftest:
        conftest.write(IMPORTED)

    done = run(project, "-q", "--ctest", "-s", env=env, module="pytest", forked=False)

    assert "RECORDING False" in done.output, done.output
    assert "COLLECTOR False" in done.output
    assert "LOADED []" in done.output


@pytest.mark.parametrize("option", ["--ctest-explain"])
def test_explaining_needs_a_selection(project: Path, env: dict[str, str], option: str) -> None:
    done = _pytest(project, option, env=env)

    assert done.code == 4
    assert "--ctest-explain has no effect without --ctest-affected." in done.output


@pytest.mark.usefixtures("no_container_is_left")
def test_databases_on_a_server_are_compared(
    project: Path, postgresql_env: dict[str, str], tmp_path: Path
) -> None:
    env = {**postgresql_env, "TEST_TIMINGS_FILE": str(tmp_path / "timings.json")}
    done = _record(project, "-n", "2", env=env)
    assert f"{len(ALL)} passed" in done.output, done.output
    assert _affected(project, env=env) == set()
    file = project / "library" / "migrations" / "0001_author.py"
    file.write_text(file.read_text().replace("100", "120"))

    assert _affected(project, env=env) == OF_AUTHORS
