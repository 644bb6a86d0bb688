"""Watch mode: what is saved runs again at once, as `run` would run it, and nothing is left."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from harness.projects import TESTS, Finished, finish_recorded, toolkit, wait_for
from harness.terminal import TerminalProgram
from harness.watching import (
    HEADER,
    Watching,
    alive,
    check_folders,
    descendants,
    folders_of_runs,
    one_test,
)

from ctest_containers.exit_codes import ExitCode


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache folder for each test, without the recording of a project of the same name."""
    return tmp_path / "cache"


@pytest.mark.parametrize("env", ["sqlite_env", "postgresql_env"])
def test_a_saved_test_module_runs_its_tests_and_a_fix_makes_them_pass(
    small: Path, env: str, request: pytest.FixtureRequest
) -> None:
    with Watching(small, env=request.getfixturevalue(env)) as watching:
        watching.see("2 tests passed")

        watching.save("library/test_it.py", one_test("self.assertEqual(1, 2)"))
        lines = watching.see("1 failed, 1 test run")
        assert "Running library/test_it.py" in lines
        assert "FAILED library.test_it.Passing.test_name: AssertionError: 1 != 2" in lines

        # It failed, so it runs first whatever has changed.
        watching.save("library/test_more.py", HEADER)
        watching.see("1 failed, 1 test run")

        watching.save("library/test_it.py", one_test("self.assertEqual(2, 2)"))
        watching.see("1 test passed")


def test_a_change_of_other_code_runs_all_tests_without_a_recording(
    small: Path, sqlite_env: dict[str, str]
) -> None:
    models = small / "library" / "models.py"
    with Watching(small, "--no-record", env=sqlite_env) as watching:
        watching.see("2 tests passed")

        watching.save(
            "library/models.py", models.read_text().replace("return self.name", "return 'x'")
        )
        lines = watching.see("2 tests passed")

    assert "Running library/models.py" in lines


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Recording is a choice before Python 3.12.")
def test_a_changed_function_runs_the_tests_that_use_it(
    small: Path, sqlite_env: dict[str, str]
) -> None:
    words = "def loud():\n    return 'A'\n\n\ndef quiet():\n    return 'b'\n"
    (small / "library" / "words.py").write_text(words)
    for name, function, word in (("it", "loud", "A"), ("more", "quiet", "b")):
        (small / "library" / f"test_{name}.py").write_text(
            # What a module does when it is imported counts for all tests.
            "from library import words\nprint('imported')\n"
            + one_test(f"self.assertEqual(words.{function}(), {word!r})")
        )
    for file in (small / "library").glob("*.py"):
        # A file that has just changed may have changed while it was loaded.
        os.utime(file, (time.time() - 60, time.time() - 60))
    with Watching(small, "--record", env=sqlite_env) as watching:
        watching.see("2 tests passed")
        # The recording is written at the very end.
        time.sleep(3.0)

        # A round that imports only one of the modules.
        more = small / "library" / "test_more.py"
        watching.save("library/test_more.py", f"{more.read_text()}# saved\n")
        watching.see("1 test passed")
        time.sleep(3.0)

        watching.save("library/words.py", words.replace("'b'", "'c'"))
        watching.see("FAILED library.test_more.Passing.test_name: AssertionError: 'c' != 'b'")
        watching.see("1 failed, 1 test run")
        time.sleep(3.0)

        watching.save("library/words.py", words)
        watching.see("1 test passed")


def test_a_project_that_cannot_be_loaded_is_loaded_again_when_it_is_repaired(
    small: Path, sqlite_env: dict[str, str]
) -> None:
    models = (small / "library" / "models.py").read_text()
    with Watching(small, env=sqlite_env) as watching:
        watching.see("2 tests passed")

        watching.save("library/models.py", f"{models}\ndef f(:\n")
        watching.see("The project cannot be loaded.")
        watching.see("SyntaxError: ")
        # What is saved meanwhile does not make it loadable.
        watching.save("library/test_it.py", one_test("pass  # 2"))

        watching.save("library/models.py", models)
        watching.see("2 tests passed")


def test_a_test_module_that_cannot_be_imported_fails_until_it_is_repaired(
    small: Path, sqlite_env: dict[str, str]
) -> None:
    with Watching(small, env=sqlite_env) as watching:
        watching.see("2 tests passed")

        watching.save("library/test_it.py", one_test("pass") + "\ndef f(:\n")
        watching.see("FAILED library.test_it: SyntaxError: ")
        watching.see("1 failed")

        watching.save("library/test_it.py", one_test("pass"))
        watching.see("1 test passed")


def test_a_hanging_test_ends_when_its_limit_is_reached_or_a_file_is_saved(
    small: Path, sqlite_env: dict[str, str]
) -> None:
    with Watching(small, "--timeout-per-test", "20", env=sqlite_env) as watching:
        watching.see("2 tests passed")
        watching.save("library/test_it.py", one_test("Path('begun').touch(); time.sleep(60)"))
        wait_for((small / "begun").exists, 60, "the test")

        began = time.monotonic()
        watching.save("library/test_it.py", one_test("pass"))
        watching.see("1 test passed", seconds=19)
        assert time.monotonic() - began < 19

    with Watching(small, "--timeout-per-test", "2", env=sqlite_env) as watching:
        watching.see("2 tests passed")
        watching.save("library/test_it.py", one_test("time.sleep(60)"))
        watching.see("FAILED library.test_it.Passing.test_name")


def test_the_outcomes_of_a_round_are_those_of_a_run(
    project: Path, sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    record = tmp_path / "record"
    options = ("--parallel", "2")
    expected = toolkit(project, *options, env=sqlite_env, record=record)
    search = os.pathsep.join(filter(None, [str(TESTS), sqlite_env.get("PYTHONPATH")]))
    env = {**sqlite_env, "RECORDED_OUTCOMES": str(record), "PYTHONPATH": search}
    runner = "--testrunner=harness.recording.RecordingRunner"
    rounds: list[Finished] = []
    # Without a recording, each round runs all tests.
    with Watching(project, runner, *options, "--no-record", env=env) as watching:
        for number in range(2):
            watching.see(" run (")
            wait_for(record.exists, 30, "the record")
            time.sleep(0.5)
            finished = finish_recorded(_ended(), record)
            rounds.append(finished)
            watching.save("library/new.py", f"# {number}\n")

    for each in rounds:
        assert each.outcomes == expected.outcomes
        assert each.ran == expected.ran


def _ended() -> subprocess.Popen[str]:
    return subprocess.Popen(["true"], stdout=subprocess.PIPE, text=True)


@pytest.mark.usefixtures("no_container_is_left")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_whatever_ends_watch_mode(
    small: Path, postgresql_env: dict[str, str], number: signal.Signals
) -> None:
    before = folders_of_runs()
    with Watching(small, env=postgresql_env) as watching:
        watching.see("2 tests passed")
        watching.save("library/test_it.py", one_test("Path('begun').touch(); time.sleep(60)"))
        wait_for((small / "begun").exists, 60, "the test")
        started = descendants(watching.process.pid)

        watching.process.send_signal(number)
        watching.process.wait(60)
        wait_for(lambda: not alive(started), 60, "the end of all processes")

    codes = {signal.SIGINT: ExitCode.INTERRUPTED, signal.SIGTERM: ExitCode.TERMINATED}
    assert watching.process.returncode == codes.get(number, -number)
    check_folders(before, number)


def test_a_round_gets_the_servers_that_were_started_while_it_was_awaited(
    small: Path, postgresql_env: dict[str, str], project_name: str
) -> None:
    cache = Path(postgresql_env["XDG_CACHE_HOME"])
    with Watching(small, "--project", project_name, env=postgresql_env) as watching:
        watching.see("2 tests passed")
        for number in range(2):
            time.sleep(4.0)
            watching.save("library/test_it.py", one_test(f"pass  # {number}"))
            watching.see("1 test passed")

    def logs() -> list[Path]:
        return sorted(cache.glob(f"**/{project_name}/*.jsonl"))

    def starts() -> list[tuple[str, str]]:
        text = "".join(log.read_text() for log in logs()[2:3])
        return re.findall(r'"at":([\d.]+),"type":"ServerReady".*?"seconds":([\d.]+)', text)

    at, seconds = wait_for(starts, 10, "the start of a server in the log")[0]
    assert float(seconds) > float(at), "The server was requested before the round began."


def test_keys_run_all_tests_or_the_failed_ones_show_a_failure_and_quit(
    small: Path, sqlite_env: dict[str, str]
) -> None:
    (small / "library" / "test_it.py").write_text(one_test("print('said'); self.fail('no')"))
    command = [sys.executable, "-m", "ctest_containers", "watch", "--parallel", "1"]
    env = {**sqlite_env, "PAGER": "cat", "MANPAGER": "cat"}
    with TerminalProgram(command, small, env) as program:
        program.see("1 failed, 2 tests run")
        program.press(b"f")
        program.see("1 failed, 1 test run")
        program.press(b"a")
        program.see("1 failed, 2 tests run")
        program.press(b"o")
        program.see("Traceback (most recent call last)")
        program.press(b"l")
        program.see("said")
        program.press(b"q")
        assert program.finish(30).code == ExitCode.PASSED
