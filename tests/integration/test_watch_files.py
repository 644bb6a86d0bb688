"""Watch mode notices exactly what has changed, whatever changes it, and when it has settled."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest
from harness.projects import wait_for
from harness.watching import HEADER, Watching, one_test


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache folder for each test, without the recording of a project of the same name."""
    return tmp_path / "cache"


def test_two_saves_in_one_second_are_both_noticed(small: Path, sqlite_env: dict[str, str]) -> None:
    with Watching(small, env=sqlite_env) as watching:
        watching.see("2 tests passed")
        moment = time.time()
        for number in (1, 2, 3):
            watching.save("library/test_it.py", one_test(f"self.assertEqual({number}, 9)"))
            os.utime(small / "library" / "test_it.py", (moment, moment))
            watching.see(f"AssertionError: {number} != 9")
            watching.see("1 failed")


def test_a_file_with_the_same_contents_runs_nothing(
    small: Path, sqlite_env: dict[str, str]
) -> None:
    text = one_test("pass")
    with Watching(small, env=sqlite_env) as watching:
        watching.see("2 tests passed")
        watching.save("library/test_it.py", text)
        watching.see("1 test passed")

        watching.save("library/test_it.py", text)
        (small / "library" / "test_it.py~").write_text("")
        (small / "library" / "__pycache__").mkdir(exist_ok=True)
        (small / "library" / "__pycache__" / "x.pyc").write_text("")
        time.sleep(1.0)
        watching.save("library/test_more.py", HEADER)
        lines = watching.see("Running ")

    assert "library/test_more.py" in lines


def test_a_failed_test_that_is_deleted_no_longer_fails(
    small: Path, sqlite_env: dict[str, str]
) -> None:
    with Watching(small, env=sqlite_env) as watching:
        watching.see("2 tests passed")
        watching.save("library/test_it.py", one_test("self.fail('x')"))
        watching.see("1 failed")

        watching.save("library/test_it.py", one_test("pass").replace("test_name", "test_other"))
        watching.see("1 test passed")


def test_a_renamed_test_module_replaces_the_old_one(
    small: Path, sqlite_env: dict[str, str]
) -> None:
    with Watching(small, env=sqlite_env) as watching:
        watching.see("2 tests passed")
        watching.save("library/test_it.py", one_test("self.fail('x')"))
        watching.see("FAILED library.test_it.Passing.test_name")
        watching.see("1 failed")

        (small / "library" / "test_it.py").rename(small / "library" / "test_other.py")
        lines = watching.see("1 failed")
        assert "FAILED library.test_other.Passing.test_name" in lines
        assert "library.test_it" not in lines

        (small / "library" / "test_other.py").unlink()
        lines = watching.see("Running library/test_other.py")
        watching.save("library/test_more.py", HEADER + "# nothing\n")
        watching.save("library/test_new.py", one_test("pass"))
        watching.see("1 test passed")


def test_many_files_that_change_at_once_cause_one_round(
    small: Path, sqlite_env: dict[str, str]
) -> None:
    folder = small / "library" / "many"
    folder.mkdir()
    for number in range(500):
        (folder / f"m{number}.py").write_text("VALUE = 1\n")
    (folder / "__init__.py").write_text("from library.many import m1, m499\n")
    test = "from library.many import m1, m499; self.assertEqual(m1.VALUE + m499.VALUE, 2)"
    with Watching(small, env=sqlite_env) as watching:
        watching.see("2 tests passed")
        watching.save("library/test_it.py", one_test(test))
        watching.see("1 test passed")

        for number in range(500):
            (folder / f"m{number}.py").write_text("VALUE = 2\n")
        lines = watching.see("1 failed")

    assert "AssertionError: 4 != 2" in lines
    assert lines.count("Running ") <= 3
    assert "and 497 more" in lines


def test_switching_a_branch_causes_one_round_with_the_outcomes_of_that_branch(
    small: Path, sqlite_env: dict[str, str]
) -> None:
    def git(*words: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run(["git", *identity, *words], cwd=small, check=True, capture_output=True)

    folder = small / "library" / "many"
    folder.mkdir()
    (folder / "__init__.py").write_text("from library.many import m1, m499\n")
    test = "from library.many import m1, m499; self.assertEqual(m1.VALUE + m499.VALUE, 2)"
    (small / "library" / "test_it.py").write_text(one_test(test))
    git("init", "--initial-branch=main")
    for branch, value in (("main", 1), ("other", 2)):
        if branch == "other":
            git("checkout", "-b", branch)
            (small / "library" / "test_new.py").write_text(one_test("pass"))
        for number in range(500):
            (folder / f"m{number}.py").write_text(f"VALUE = {value}\n")
        git("add", ".")
        git("commit", "-m", branch)
    git("checkout", "main")

    with Watching(small, "--no-record", env=sqlite_env) as watching:
        watching.see("2 tests passed")
        git("checkout", "other")
        lines = watching.see("1 failed, 3 tests run")
        assert lines.count("Running ") == 1
        assert "AssertionError: 4 != 2" in lines

        git("checkout", "main")
        lines = watching.see("2 tests passed")
        assert lines.count("Running ") == 1


def test_what_is_saved_while_the_project_is_loaded_counts(
    small: Path, sqlite_env: dict[str, str]
) -> None:
    models = small / "library" / "models.py"
    text = models.read_text()
    begun, go = small.parent / "begun", small.parent / "go"
    waiting = f"""
import pathlib, time
pathlib.Path({str(begun)!r}).touch()
while not pathlib.Path({str(go)!r}).exists():
    time.sleep(0.02)
"""
    models.write_text(text + waiting)
    with Watching(small, env=sqlite_env) as watching:
        wait_for(begun.exists, 60, "the beginning of loading")
        watching.save("library/test_it.py", one_test("self.fail('saved meanwhile')"))
        # Would wait for ever if what was loaded before were still used.
        watching.save("library/models.py", text)
        watching.see("FAILED library.test_it.Passing.test_name: AssertionError: saved meanwhile")
        watching.see("1 failed, 2 tests run")


def test_changes_are_polled_where_inotify_has_reached_its_limit(
    small: Path, sqlite_env: dict[str, str]
) -> None:
    limited = ["unshare", "--user", "--map-root-user", "sh", "-c"]
    limited += ['echo 0 > /proc/sys/user/max_inotify_instances && exec "$@"', "sh"]
    if subprocess.run([*limited, "true"], capture_output=True, check=False).returncode:
        pytest.skip("This machine does not let us limit inotify.")
    with Watching(small, env=sqlite_env, prefix=limited) as watching:
        watching.see("Polling, because changes cannot be watched.")
        watching.see("2 tests passed")
        watching.save("library/test_it.py", one_test("self.fail('x')"))
        watching.see("1 failed, 1 test run")
