"""coverage.py measures in workers what it measures in a serial run, without being told how."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from harness.projects import run, write_tests

LOGIC = """
    from library.models import Author

    async def doubled(value):
        result = value * 2
        return result

    def plain(value):
        if value > 1:
            return "many"
        return "one"

    def stored():
        Author.objects.create(name="x")
        return Author.objects.count()

    def in_a_thread():
        import threading
        found = []

        def work():
            found.append(plain(2))

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return found

    def never():
        return 1
"""

TESTS = """
    from library import logic

    class Asynchronous(TestCase):
        async def test_it(self):
            self.assertEqual(await logic.doubled(1), 2)

    class Plain(SimpleTestCase):
        def test_it(self):
            self.assertEqual(logic.plain(1), "one")

    class Stored(TransactionTestCase):
        def test_it(self):
            self.assertEqual(logic.stored(), 2)

    class Threaded(TestCase):
        def test_it(self):
            self.assertEqual(logic.in_a_thread(), ["many"])
"""


MEASURED = ("library/logic.py", "library/test_it.py", "library/models.py")


def measured(project: Path, *command: str, env: dict[str, str], options: tuple[str, ...]) -> Any:
    """What is measured of the project's code when a command runs."""
    for file in project.glob(".coverage*"):
        file.unlink()
    done = run(project, "run", *options, *command, env=env, module="coverage")
    assert done.code == 0, done.output
    if "-p" in options:
        assert run(project, "combine", "-q", env=env, module="coverage").code == 0
    assert [file.name for file in project.glob(".coverage*")] == [".coverage"]
    told = run(project, "json", "-q", "-o", "report.json", env=env, module="coverage")
    assert told.code == 0, told.output
    files = json.loads((project / "report.json").read_text())["files"]
    keys = ("executed_lines", "missing_lines", "executed_branches", "missing_branches")
    return {name: {key: files[name].get(key) for key in keys} for name in MEASURED}


@pytest.mark.parametrize(
    ("options", "more"),
    [
        (("--source=library",), ("--parallel", "2")),
        (("--source=library", "--branch"), ("--parallel", "1")),
        (("--source=library", "-p"), ("--parallel", "2")),
        (("--source=library",), ("--parallel", "2", "--start-method", "spawn")),
    ],
)
def test_what_runs_in_workers_is_measured_as_in_a_serial_run(
    options: tuple[str, ...], more: tuple[str, ...], project: Path, sqlite_env: dict[str, str]
) -> None:
    (project / "library" / "logic.py").write_text(dedent(LOGIC))
    write_tests(project, TESTS)
    tests = "library.test_it"

    serial = ("manage.py", "test", "--noinput", tests)
    expected = measured(project, *serial, env=sqlite_env, options=options)
    ours = ("-m", "ctest_containers", tests, *more)
    actual = measured(project, *ours, env=sqlite_env, options=options)

    assert actual == expected
    assert expected["library/logic.py"]["missing_lines"] != []


def test_a_project_that_measures_children_itself_is_left_alone(
    project: Path, sqlite_env: dict[str, str]
) -> None:
    (project / "library" / "logic.py").write_text(dedent(LOGIC))
    write_tests(project, TESTS)
    (project / ".coveragerc").write_text(
        "[run]\nconcurrency = multiprocessing, thread\nsource = library\n"
    )
    tests = "library.test_it"

    serial = ("manage.py", "test", "--noinput", tests)
    expected = measured(project, *serial, env=sqlite_env, options=("-p",))
    ours = ("-m", "ctest_containers", tests, "--parallel", "2")
    actual = measured(project, *ours, env=sqlite_env, options=("-p",))

    assert actual == expected


@pytest.mark.parametrize("processes", ["0", "2"])
def test_pytest_measures_with_isolated_databases_what_it_measures_without(
    processes: str, project: Path, sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    # It builds a template, too, whatever other tests have built.
    env = {**sqlite_env, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    (project / "library" / "logic.py").write_text(dedent(LOGIC))
    write_tests(project, TESTS)
    (project / "pytest.ini").write_text(
        "[pytest]\nDJANGO_SETTINGS_MODULE = outcomes.settings\npython_files = test_it.py\n"
        "addopts = -p no:randomly -p no:cacheprovider -p no:hypothesispytest\n"
    )
    report = ("--cov=library", "--cov-report=json:report.json", "-q")
    found = []
    for options in ((), ("--ctest", "-n", processes)):
        done = run(project, *report, *options, env=env, module="pytest")
        assert done.code == 0, done.output
        files = json.loads((project / "report.json").read_text())["files"]
        found.append({name: files[name]["executed_lines"] for name in MEASURED})

    assert found[0] == found[1]
    assert found[0]["library/logic.py"]
