"""Debuggers in workers, on real terminals."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.projects import run, start, wait_for, write_tests
from harness.terminal import CTRL_C, CTRL_D, CTRL_Z, TerminalProgram, at_terminal
from harness.tiers import further

PROMPT = "(Pdb) "

FAILING = """
    def wait_for(name):
        while not Path(name).exists():
            time.sleep(0.02)

    class First(TestCase):
        def test_fails(self):
            Author.objects.all().delete()
            Author.objects.create(name="Ada")
            names = [author.name for author in Author.objects.all()]
            Path("first").touch()
            self.assertEqual(names, [])

        def tearDown(self):
            print("first is torn down", flush=True)

    class Second(TestCase):
        def test_errs(self):
            wait_for("first")
            # The first one must be the first to ask.
            time.sleep(0.5)
            {}["second"]

    class Third(TestCase):
        def test_goes_on(self):
            wait_for("prompt")
            print("printed by the third", flush=True)

        def test_went_on(self):
            Path("went-on").touch()
"""


@pytest.fixture
def env(sqlite_env: dict[str, str]) -> dict[str, str]:
    """That of a person at a keyboard, who has not set a debugger."""
    unset = ("GITHUB_ACTIONS", "NO_COLOR", "TERM", "PYTHONBREAKPOINT")
    return {name: value for name, value in sqlite_env.items() if name not in unset}


def _events(log: Path, *types: str) -> Iterator[dict[str, Any]]:
    for line in log.read_text().splitlines():
        event = json.loads(line)
        if event.get("type") in types:
            yield event


def _sessions(log: Path) -> list[str]:
    """The tests that had the terminal, in their order; none before another has returned it."""
    events = list(_events(log, "DebuggerOpened", "DebuggerClosed"))
    opened, closed = events[::2], events[1::2]
    assert [event["type"] for event in opened] == ["DebuggerOpened"] * len(opened)
    assert [event["worker"] for event in opened] == [event["worker"] for event in closed]
    return [event["test_id"].removeprefix("library.test_it.") for event in opened]


def test_workers_get_the_terminal_one_after_the_other_while_others_go_on(
    project: Path, env: dict[str, str]
) -> None:
    write_tests(project, FAILING)
    log = project / "run.jsonl"
    options = ("--pdb", "--parallel", "3", "--event-log", str(log))

    with at_terminal(project, *options, env=env) as program:
        modes = program.modes
        introduction = program.see(PROMPT)
        (project / "prompt").touch()
        wait_for((project / "went-on").exists, 30, "the third class")
        program.type("p Author.objects.count(), names")
        program.see("(1, ['Ada'])")
        program.see(PROMPT)
        program.insist(CTRL_C, "--KeyboardInterrupt--")
        program.see(PROMPT)
        program.type("__import__('time').sleep(3)")
        program.see(PROMPT)
        program.press(CTRL_D)
        program.see("first is torn down")
        program.see(PROMPT)
        program.type("p self.id()")
        program.see("'library.test_it.Second.test_errs'")
        program.see(PROMPT)
        program.type("c")
        done = program.finish()
        after = program.modes

    assert "FAIL: library.test_it.First.test_fails" in introduction
    assert "self.assertEqual(names, [])" in introduction
    assert "unittest" not in introduction
    assert done.code == 1
    assert "FAILED (failures=1, errors=1)" in done.output
    # Shown after the first session, and not in it.
    assert done.output.index("printed by the third") > done.output.index("KeyboardInterrupt")
    assert _sessions(log) == ["First.test_fails", "Second.test_errs"]
    seconds = {event["index"]: event["seconds"] for event in _events(log, "TestFinished")}
    sessions = [event["seconds"] for event in _events(log, "DebuggerClosed")]
    assert sessions[0] >= 3
    assert all(each < sessions[0] for each in seconds.values())
    assert after == modes


def test_time_limits_pause_during_a_session(project: Path, env: dict[str, str]) -> None:
    write_tests(
        project,
        """
        class Slow(SimpleTestCase):
            def test_fails(self):
                self.fail("as planned")

            def test_has_its_time_afterwards(self):
                time.sleep(0.6)

            @classmethod
            def tearDownClass(cls):
                1 / 0
        """,
    )
    limits = ("--timeout-per-test", "1", "--timeout-per-worker", "2", "--timeout", "2.5")
    log = project / "run.jsonl"

    with at_terminal(project, "--pdb", *limits, "--event-log", str(log), env=env) as program:
        program.see(PROMPT)
        program.type("import time; time.sleep(3.5); print('rested')")
        program.see("\nrested")
        program.type("q")
        program.see("1 / 0")
        program.see(PROMPT)
        program.type("q")
        done = program.finish()

    assert "FAILED (failures=1, errors=1)" in done.output
    assert "as planned" in done.output
    assert "imed out" not in done.output
    assert _sessions(log) == ["Slow.test_fails", "tearDownClass (library.test_it.Slow)"]
    assert max(event["seconds"] for event in _events(log, "TestFinished")) < 1.5
    assert max(event["seconds"] for event in _events(log, "BatchFinished")) < 2.5


def test_a_breakpoint_takes_the_terminal_without_an_option(
    project: Path, env: dict[str, str]
) -> None:
    write_tests(
        project,
        """
        import pdb

        class Stops(TestCase):
            def test_a(self):
                value = 41
                breakpoint()
                value += 1
                self.assertEqual(value, 42)

            def test_b(self):
                with self.subTest(number=1):
                    print("from the test")
                    pdb.set_trace()
                    print("after it")

            def test_c(self):
                breakpoint()
                self.quit = True
        """,
    )

    with at_terminal(project, "--parallel", "1", "--buffer", env=env) as program:
        # From Python 3.13 on, pdb stops at the call itself, and not after it.
        assert "library.test_it.Stops.test_a" in program.see(PROMPT)
        for _ in range(2):
            program.type("n")
            program.see(PROMPT)
        program.type("p 'value is', value")
        program.see("('value is', 42)")
        program.type("c")
        program.see("library.test_it.Stops.test_b")
        program.see(PROMPT)
        program.type("c")
        program.see("library.test_it.Stops.test_c")
        program.see(PROMPT)
        program.type("q")
        done = program.finish()

    assert "bdb.BdbQuit" in done.output
    assert "Ran 3 tests" in done.output
    assert "FAILED (errors=1)" in done.output
    assert "from the test" not in done.output


def test_quitting_a_breakpoint_is_no_failure_to_debug(project: Path, env: dict[str, str]) -> None:
    write_tests(
        project,
        """
        class Stops(SimpleTestCase):
            def test_a(self):
                breakpoint()
                self.x = 1
        """,
    )

    with at_terminal(project, "--pdb", "--parallel", "1", env=env) as program:
        program.see(PROMPT)
        program.type("q")
        done = program.finish()

    assert done.output.count(PROMPT) == 1
    assert "FAILED (errors=1)" in done.output


def test_stepping_ends_where_a_test_fails(project: Path, env: dict[str, str]) -> None:
    write_tests(
        project,
        """
        class Stops(TestCase):
            def test_a(self):
                breakpoint()
                self.assertEqual(Author.objects.count(), 77)

            def tearDown(self):
                print("torn", "down")
        """,
    )

    with at_terminal(project, "--pdb", "--parallel", "1", env=env) as program:
        stops = 0
        while "FAIL: library.test_it.Stops.test_a" not in program.see(PROMPT):
            stops += 1
            program.type("n")
        program.type("p self._testMethodName")
        program.see("'test_a'")
        program.see(PROMPT)
        program.type("c")
        program.see("torn down")
        done = program.finish()

    assert 2 <= stops < 6
    assert "FAILED (failures=1)" in done.output


def test_a_worker_that_is_killed_in_a_session_leaves_the_terminal_to_the_next(
    project: Path, env: dict[str, str]
) -> None:
    write_tests(project, FAILING)
    log = project / "run.jsonl"
    tests = ("library.test_it.First", "library.test_it.Second")

    with at_terminal(
        project, *tests, "--pdb", "--parallel", "2", "--event-log", str(log), env=env
    ) as program:
        modes = program.modes
        program.see(PROMPT)
        program.type("import os; print('pid', os.getpid())")
        program.see("\npid ")
        killed = int(program.see("\n"))
        program.see(PROMPT)
        program.press(b"half a line")
        os.kill(killed, signal.SIGKILL)
        program.see("KeyError: 'second'")
        program.see(PROMPT)
        program.type("q")
        done = program.finish()
        after = program.modes

    assert "SIGKILL" in done.output
    assert "FAILED (errors=2)" in done.output
    assert _sessions(log) == ["First.test_fails", "Second.test_errs"]
    assert after == modes


def test_no_other_worker_gets_the_terminal_after_the_first_failure_with_failfast(
    project: Path, env: dict[str, str]
) -> None:
    write_tests(project, FAILING)
    log = project / "run.jsonl"
    tests = ("library.test_it.First", "library.test_it.Second")
    options = ("--pdb", "--failfast", "--parallel", "2", "--event-log", str(log))

    with at_terminal(project, *tests, *options, env=env) as program:
        program.see(PROMPT)
        program.type("import time; time.sleep(1)")
        program.see(PROMPT)
        program.type("q")
        done = program.finish()

    assert "FAILED (failures=1" in done.output
    assert _sessions(log) == ["First.test_fails"]


def test_ctrl_z_stops_the_run_and_fg_returns_to_the_debugger(
    project: Path, env: dict[str, str]
) -> None:
    write_tests(project, FAILING)
    shell = ["bash", "--norc", "--noediting", "-i"]

    with TerminalProgram(shell, project, {**env, "PS1": "shell> "}) as program:
        program.see("shell> ")
        program.type(
            f"{sys.executable} -m ctest_containers --pdb library.test_it.First --parallel 1"
        )
        program.see(PROMPT)
        program.insist(CTRL_Z, "Stopped")
        program.see("shell> ")
        program.type("echo $((6 * 7))")
        program.see("\n42")
        program.type("fg")
        # The debugger has been waiting for a line, and does not show its prompt again.
        program.see("ctest_containers --pdb")
        program.type("p names")
        program.see("['Ada']")
        program.see(PROMPT)
        program.type("q")
        program.see("FAILED (failures=1)")
        program.see("shell> ")
        program.type("echo code $?; exit")
        program.see("\ncode 1")


@pytest.mark.parametrize("method", ["fork", pytest.param("spawn", marks=further("As fork does."))])
def test_without_a_live_display_nothing_is_printed_into_a_session(
    project: Path, env: dict[str, str], method: str
) -> None:
    write_tests(project, FAILING)
    options = ("--pdb", "-v", "2", "--parallel", "3", "--start-method", method)

    with at_terminal(project, *options, env=env) as program:
        program.see(PROMPT)
        (project / "prompt").touch()
        wait_for((project / "went-on").exists, 30, "the third class")
        program.type("import time; time.sleep(0.5); print('end of', 'session')")
        assert "printed by the third" not in program.see("\nend of session")
        program.see(PROMPT)
        program.type("q")
        program.see("test_errs")
        program.see(PROMPT)
        program.type("q")
        done = program.finish()

    assert "printed by the third" in done.output
    assert re.search(r"test_goes_on \(library.+\) \.\.\. ok", done.output)
    assert done.code == 1


def test_the_prompt_sees_uncommitted_rows_on_a_server(
    project: Path, postgresql_env: dict[str, str], project_name: str, has_template: None
) -> None:
    del has_template
    write_tests(project, FAILING)
    env = {name: value for name, value in postgresql_env.items() if name != "PYTHONBREAKPOINT"}
    options = ("--pdb", "--project", project_name, "library.test_it.First")

    with at_terminal(project, *options, env=env) as program:
        program.see(PROMPT, 120)
        program.type("p connection.vendor, Author.objects.count()")
        program.see("('postgresql', 1)")
        program.type("c")
        done = program.finish()

    assert "FAILED (failures=1)" in done.output


def test_without_a_terminal_pdb_is_refused_and_a_breakpoint_explained(
    project: Path, env: dict[str, str]
) -> None:
    write_tests(
        project,
        """
        class Stops(SimpleTestCase):
            def test_a(self):
                breakpoint()
                self.x = 1

            def test_b(self):
                import io, pdb
                output = io.StringIO()
                pdb.Pdb(stdin=io.StringIO("p 6 * 7\\nc\\n"), stdout=output).set_trace()
                self.x = 1
                self.assertIn("42", output.getvalue())
        """,
    )

    refused = start(project, "--pdb", env=env).communicate(timeout=60)[0]
    elsewhere = run(project, "--pdb", "--cluster", "tcp://localhost:1", env=env)
    explained = start(project, env=env).communicate(timeout=60)[0]
    ignored = start(project, env={**env, "PYTHONBREAKPOINT": "0"}).communicate(timeout=60)[0]

    assert refused.startswith("--pdb needs a terminal")
    assert elsewhere.output.startswith("--pdb does not work with --cluster")
    assert "A debugger needs a terminal, and this run has none" in explained
    assert "FAILED (errors=1)" in explained
    assert "OK" in ignored
