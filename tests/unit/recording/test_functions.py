"""Each function that runs is noted, however it is called, and no other."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

CODE = """
    import contextlib
    import functools

    def called():
        return [inner() for _ in range(2)]

    def inner():
        return 1

    def never_called():
        return 2

    def generator():
        yield 1

    def generator_never_begun():
        yield 1

    def outer():
        def nested():
            return 3
        def never_nested():
            return 4
        return nested

    @contextlib.contextmanager
    def managed():
        yield

    def logged(function):
        @functools.wraps(function)
        def wrapper(*args):
            return function(*args)
        return wrapper

    @logged
    def decorated():
        pass

    class Thing:
        @property
        def computed(self):
            return (lambda: 5)()

        @classmethod
        def made(cls):
            return cls()

        @staticmethod
        def plain():
            pass

        def unused(self):
            pass

        def __len__(self):
            return 0

    def many_times():
        pass
"""

RECORD = """
    import json, sys
    import subject

    waiting = []

    def use_all():
        subject.called()
        next(subject.generator())
        # Python 3.10 begins a generator that is thrown away.
        waiting.append(subject.generator_never_begun())
        existing()
        with subject.managed():
            pass
        subject.decorated()
        len(subject.Thing.made())
        subject.Thing().computed
        subject.Thing.plain()
        for _ in range(5000):
            subject.many_times()

    existing = subject.outer()
    if sys.argv[1] == "warm":
        # Their code has been optimized.
        for _ in range(100):
            use_all()

    def trace(*_):
        return trace

    if sys.argv[1] == "traced":
        sys.setprofile(trace)
        sys.settrace(trace)

    from ctest_containers.recording.functions import function_recorder

    recorder = function_recorder(lambda file: file == subject.__file__)
    recorder.start()
    use_all()
    ran = {code.co_name for code in recorder.so_far()}
    recorder.stop()
    assert sys.argv[1] != "traced" or sys.gettrace() is sys.getprofile() is trace
    sys.settrace(None)
    sys.setprofile(None)
    print(json.dumps(sorted(ran - {"<listcomp>"})))
"""

RAN = [
    *("<lambda>", "__len__", "called", "computed", "decorated", "generator", "inner", "made"),
    *("managed", "many_times", "nested", "plain", "wrapper"),
]


@pytest.mark.parametrize("state", ["cold", "warm", "traced"])
def test_just_those_that_run_are_noted(state: str, tmp_path: Path) -> None:
    (tmp_path / "subject.py").write_text(dedent(CODE))
    (tmp_path / "record.py").write_text(dedent(RECORD))

    done = subprocess.run(
        [sys.executable, "record.py", state],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stdout) == RAN
