"""A program that begins as a fork is what it would be in an interpreter of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from harness.programs import (
    FOLLOWED,
    READ_AT_THE_START,
    ForkedProgram,
    program_of,
    start_program,
)
from harness.projects import wait_for

OPEN = """
import os

def numbers():
    for number in os.listdir("/proc/self/fd"):
        # libffi keeps its own file open once a process may call foreign functions.
        if os.path.exists(f"/proc/self/fd/{number}"):
            if "libffi" not in os.readlink(f"/proc/self/fd/{number}"):
                yield int(number)
"""
"""What gives the numbers of a process's open files."""

FACTS = (
    OPEN
    + """
import json, os, signal, stat, sys, tempfile, threading, time

def text(file):
    return [file.encoding, file.errors, file.line_buffering, file.newlines, file.isatty()]

main = sys.modules["__main__"]
print(json.dumps({
    "arguments": sys.argv,
    "command": sys.orig_argv,
    "environment": dict(os.environ),
    "files": [text(file) for file in (sys.stdin, sys.stdout, sys.stderr)],
    "same files": [sys.stdin is sys.__stdin__, sys.stdout is sys.__stdout__],
    "write through": sys.stdout.write_through,
    "folder": os.getcwd(),
    "handlers": [str(signal.getsignal(number)) for number in range(1, 32)],
    "leads": [os.getsid(0) == os.getpid(), os.getpgid(0) == os.getpid()],
    "main": [main.__name__, getattr(main, "__file__", None), str(main.__package__)],
    "mask": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    "open": sorted((number, stat.S_IFMT(os.fstat(number).st_mode)) for number in numbers()),
    "path": sys.path,
    "read": sys.stdin.read(),
    "temporary": tempfile.gettempdir(),
    "threads": len(threading.enumerate()),
    "writes bytecode": not sys.dont_write_bytecode,
    "zone": time.tzname,
}))
"""
)


WORKER = (
    OPEN
    + """
import json, os, signal, stat, sys, threading

def test_writes_down_what_it_finds():
    facts = {
        "arguments": sys.argv,
        "command": sys.orig_argv,
        # LINES and COLUMNS come from readline, whenever a process imports it.
        "environment": dict(os.environ, PYTEST_XDIST_TESTRUNUID="", LINES="", COLUMNS=""),
        "folder": os.getcwd(),
        "handlers": [str(signal.getsignal(number)) for number in range(1, 32)],
        "main": sys.modules["__main__"].__name__,
        "open": sorted(stat.S_IFMT(os.fstat(number).st_mode) for number in numbers()),
        "path": sys.path,
        "threads": len(threading.enumerate()),
    }
    with open("facts.json", "w") as file:
        json.dump(facts, file)
"""
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the program, as a script, a module and a package."""
    (tmp_path / "facts.py").write_text(FACTS)
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("")
    (tmp_path / "package" / "__main__.py").write_text(FACTS)
    return tmp_path


def ended(*words: str, folder: Path, typed: str = "", **env: str) -> tuple[int, str]:
    """How a command ends that begins as a fork, and what it prints."""
    with start_program(
        [sys.executable, *words],
        folder,
        {**os.environ, **env},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert isinstance(process, ForkedProgram)
        output, _ = process.communicate(typed, timeout=60)
    return process.returncode, output


@pytest.mark.parametrize("own_session", [False, True])
@pytest.mark.parametrize(
    "words",
    [
        ["facts.py", "--all", "x y"],
        ["-m", "facts"],
        ["-u", "-m", "facts", "-v"],
        ["-m", "package"],
        ["-c", FACTS, "x y"],
    ],
    ids=["script", "module", "unbuffered module", "package", "code"],
)
def test_it_finds_what_it_would_find_after_a_start(
    words: list[str], *, own_session: bool, folder: Path
) -> None:
    command = [sys.executable, *words]
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"relative{os.pathsep}/absolute",
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(folder),
        "TZ": "Pacific/Auckland",
        **{
            name: value
            for name, value in os.environ.items()
            if name.startswith(READ_AT_THE_START) and name not in FOLLOWED
        },
    }
    files: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}

    expected = subprocess.run(
        command,
        cwd=folder,
        env=env,
        input=b"typed",
        capture_output=True,
        check=True,
        start_new_session=own_session,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ).stdout
    with start_program(
        command, folder, env, own_session=own_session, stderr=subprocess.PIPE, **files
    ) as process:
        actual, _ = process.communicate(b"typed", timeout=60)

    assert isinstance(process, ForkedProgram)
    assert json.loads(actual) == json.loads(expected)


def test_a_worker_of_xdist_finds_what_it_would_find_after_a_start(tmp_path: Path) -> None:
    (tmp_path / "test_worker.py").write_text(WORKER)
    command = [sys.executable, "-m", "pytest", "-q", "-n", "1", "-p", "no:cacheprovider"]
    facts = tmp_path / "facts.json"

    subprocess.run(command, cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
    expected = json.loads(facts.read_text())
    facts.unlink()
    with start_program(command, tmp_path, os.environ, stdout=subprocess.PIPE) as process:
        output, _ = process.communicate(timeout=60)

    assert process.returncode == 0, output
    assert json.loads(facts.read_text()) == expected


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ("print('done')", 0, "done\n"),
        ("import sys; sys.exit(3)", 3, ""),
        ("import sys; sys.exit(-1)", 255, ""),
        ("import sys; sys.stdout.write('unfinished line')", 0, "unfinished line"),
        ("import sys; sys.exit('refused')", 1, "refused\n"),
        ("import atexit; atexit.register(print, 'at the end')", 0, "at the end\n"),
        ("import os; os._exit(9)", 9, ""),
        ("import os, signal; os.kill(os.getpid(), 9)", -signal.SIGKILL, ""),
        ("import os; os.abort()", -signal.SIGABRT, ""),
    ],
)
def test_it_ends_as_it_would_by_itself(body: str, code: int, said: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(body)

    assert ended("program.py", folder=tmp_path) == (code, said)


def test_output_that_nobody_can_read_shows_in_its_exit_code(tmp_path: Path) -> None:
    body = "import os, sys\nreader, writer = os.pipe()\nos.close(reader)\nos.dup2(writer, 1)\n"
    (tmp_path / "program.py").write_text(f"{body}print('unread')\n")

    code, output = ended("program.py", folder=tmp_path, PYTHONUNBUFFERED="")

    assert code == 120
    assert output.endswith("BrokenPipeError: [Errno 32] Broken pipe\n")


def test_an_error_ends_it_with_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("def fail():\n    1 / 0\nfail()\n")

    code, output = ended("program.py", folder=tmp_path)

    assert code == 1
    assert output.endswith("ZeroDivisionError: division by zero\n")


def test_threads_are_waited_for(tmp_path: Path) -> None:
    body = "import threading, time\n"
    body += "def late():\n    time.sleep(0.1)\n    print('late')\n"
    (tmp_path / "program.py").write_text(body + "threading.Thread(target=late).start()\n")

    assert ended("program.py", folder=tmp_path) == (0, "late\n")


def test_random_numbers_differ_from_program_to_program(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import random; print(random.random())")

    assert ended("program.py", folder=tmp_path) != ended("program.py", folder=tmp_path)


def test_one_that_runs_is_seen_to_run_and_can_be_ended(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import time; print('on', flush=True); time.sleep(60)")
    command = [sys.executable, "program.py"]

    with start_program(command, tmp_path, os.environ, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"on\n"
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)
        process.terminate()
        assert process.wait(10) == -signal.SIGTERM
        assert process.poll() == -signal.SIGTERM


def test_one_that_has_ended_may_be_sent_signals_until_it_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("")
    command = [sys.executable, "program.py"]

    with start_program(
        command, tmp_path, os.environ, own_session=True, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.read()
        os.killpg(process.pid, signal.SIGKILL)
        assert process.wait(10) in {0, -signal.SIGKILL}

    wait_for(lambda: not psutil.pid_exists(process.pid), 10, "its end")


@pytest.mark.parametrize(
    ("words", "env"),
    [
        (["python", "-m", "facts"], {}),
        ([sys.executable, "-X", "dev", "facts.py"], {}),
        ([sys.executable, "facts.py"], {"PYTHONHASHSEED": "4711"}),
        ([sys.executable, "facts.py"], {"LC_ALL": "de_DE.ISO-8859-1"}),
    ],
)
def test_what_only_a_start_can_do_is_started(
    words: list[str], env: dict[str, str], tmp_path: Path
) -> None:
    assert program_of(words, tmp_path, {**os.environ, **env}, own_session=False) is None


def test_nothing_is_configured_and_nothing_runs_in_what_is_forked(tmp_path: Path) -> None:
    body = "import threading\nfrom django.conf import settings\nfrom django.apps import apps\n"
    body += "print(settings.configured, apps.ready, threading.active_count())\n"
    (tmp_path / "program.py").write_text(body)

    assert ended("program.py", folder=tmp_path) == (0, "False False 1\n")
