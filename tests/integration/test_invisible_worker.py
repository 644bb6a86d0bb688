"""Whatever tests put in the place of Python's own functions, they end as in a serial run."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from harness.projects import assert_agree, run, toolkit, write_tests
from harness.servers import Plain
from harness.truths import truth

PATCHED = """
    import signal
    import sys
    from unittest import mock

    NAMES = (
        "time.sleep time.time time.monotonic time.perf_counter time.monotonic_ns time.process_time"
        " socket.socket socket.socket.connect socket.socket.sendall socket.socket.recv"
        " socket.create_connection socket.getaddrinfo socket.socketpair select.select"
        " signal.signal signal.setitimer signal.alarm signal.getsignal"
        " os.path.exists os.getcwd os.getpid os.kill os.write os.read os.open os.close os.listdir"
        " builtins.open io.open builtins.print json.dumps json.loads json.JSONEncoder.encode"
        " json.JSONDecoder.decode pickle.dumps pickle.loads threading.Thread threading.Thread.start"
        " threading.Lock threading.RLock threading.current_thread threading.Timer"
        " pathlib.Path.read_text pathlib.Path.resolve pathlib.Path.open pathlib.Path.exists"
        " inspect.getsourcefile traceback.format_exc shutil.rmtree subprocess.Popen"
        " logging.getLogger tempfile.mkdtemp uuid.uuid4 random.random weakref.ref itertools.count"
        " collections.deque copy.deepcopy"
    ).split()
    if sys.version_info >= (3, 12):
        # unittest itself measures the time of each test with it, so a serial run would end.
        NAMES.remove("time.perf_counter")

    class Patching:
        name = "time.sleep"

        @classmethod
        def setUpClass(cls):
            super().setUpClass()
            patch = mock.patch(cls.name, side_effect=RuntimeError("switched off"))
            patch.start()
            cls.addClassCleanup(patch.stop)

        def test_a_failure(self):
            Author.objects.create(name="x")
            self.fail("real")

        @unittest.expectedFailure
        def test_an_expected_failure(self):
            Author.objects.create(name="x")
            self.fail("known")

        def test_subtests(self):
            with self.subTest(n=1):
                self.fail("in a subtest")

        def test_that_passes(self):
            self.assertEqual(Author.objects.count(), 1)

    for name in NAMES:
        kind = type(f"Patch_{name.replace('.', '_')}", (Patching, TestCase), {"name": name})
        kind.__module__ = __name__
        globals()[kind.__name__] = kind
    del kind

    class PatchesAndLeaves(TestCase):
        def test_it(self):
            mock.patch("time.monotonic", lambda: 4e9).start()
            mock.patch("socket.socket", side_effect=RuntimeError("left behind")).start()

        def test_what_follows(self):
            self.assertEqual(Author.objects.count(), 1)
"""

FROZEN = """
    import freezegun
    import signal
    from unittest import mock

    class Clocks(TestCase):
        value = 0.0

        @classmethod
        def setUpClass(cls):
            super().setUpClass()
            for name in ("time", "monotonic", "perf_counter"):
                patch = mock.patch(f"time.{name}", lambda: cls.value)
                patch.start()
                cls.addClassCleanup(patch.stop)

        def test_one(self):
            Author.objects.create(name="a")

        def test_two(self):
            pass

    class LateClocks(Clocks):
        value = 4e9

    class Frozen(TestCase):
        @freezegun.freeze_time("2000-01-01")
        def test_one(self):
            Author.objects.create(name="a")

        def test_two(self):
            frozen = freezegun.freeze_time("2030-01-01")
            frozen.start()
            self.addClassCleanup(frozen.stop)
"""

ALARMS = """
    import signal

    class Rang(Exception):
        pass

    def ring(*_):
        raise Rang

    class OwnAlarm(SimpleTestCase):
        @classmethod
        def setUpClass(cls):
            super().setUpClass()
            cls.before = signal.signal(signal.SIGALRM, ring)
            cls.addClassCleanup(signal.signal, signal.SIGALRM, cls.before)

        def test_one(self):
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            with self.assertRaises(Rang):
                time.sleep(5)

        def test_two(self):
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            with self.assertRaises(Rang):
                time.sleep(5)

    class TimerOfAFixture(SimpleTestCase):
        @classmethod
        def setUpClass(cls):
            super().setUpClass()
            cls.before = signal.signal(signal.SIGALRM, ring)
            cls.addClassCleanup(signal.signal, signal.SIGALRM, cls.before)
            signal.setitimer(signal.ITIMER_REAL, 60)
            cls.addClassCleanup(signal.setitimer, signal.ITIMER_REAL, 0)

        def test_one(self):
            self.assertGreater(signal.getitimer(signal.ITIMER_REAL)[0], 1)

        def test_two(self):
            self.assertGreater(signal.getitimer(signal.ITIMER_REAL)[0], 1)
            self.assertIs(signal.getsignal(signal.SIGALRM), ring)

    class NoAlarm(SimpleTestCase):
        def test_nobody_has_set_one(self):
            self.assertEqual(signal.getitimer(signal.ITIMER_REAL), (0.0, 0.0))
            self.assertEqual(signal.getsignal(signal.SIGALRM), signal.SIG_DFL)
"""


@pytest.mark.parametrize("workers", ["1", "2"])
def test_tests_that_switch_python_s_functions_off_end_as_in_a_serial_run(
    workers: str, project: Path, sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    write_tests(project, PATCHED)
    expected = truth(project, "library.test_it", env=sqlite_env, record=tmp_path / "truth")

    options = ["library.test_it", "--parallel", workers]
    actual = toolkit(project, *options, env=sqlite_env, record=tmp_path / "ours")

    assert_agree(expected, actual)
    assert len(expected.outcomes) > 200


def test_a_clock_that_tests_change_changes_no_duration(
    project: Path, sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    write_tests(project, FROZEN)
    timings = tmp_path / "timings.json"
    options = ["library.test_it", "--timings-file", str(timings), "--junit", "junit.xml"]

    done = run(project, *options, env=sqlite_env)
    planned = run(project, "plan", *options[:3], env=sqlite_env)

    assert done.code == 0, done.output
    cases = list(ET.parse(project / "junit.xml").iter("testcase"))
    assert len(cases) == 6
    assert all(0 <= float(case.attrib["time"]) < 30 for case in cases)
    kept = json.loads(timings.read_text())["tests"]
    assert len(kept) == 6
    assert all(0 <= entry["seconds"] < 30 for entry in kept.values())
    assert "min" not in planned.output, planned.output


def test_alarms_and_timers_belong_to_the_tests(
    project: Path, sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    write_tests(project, ALARMS)
    expected = truth(project, "library.test_it", env=sqlite_env, record=tmp_path / "truth")

    options = ["library.test_it", "--parallel", "1"]
    actual = toolkit(project, *options, env=sqlite_env, record=tmp_path / "ours")

    assert expected.code == 0, expected.output
    assert_agree(expected, actual)


LOST = """
    from unittest import mock

    class Frozen(TransactionTestCase):
        @classmethod
        def setUpClass(cls):
            super().setUpClass()
            for name in ("time.time", "time.monotonic", "time.sleep", "socket.socket"):
                patch = mock.patch(name, side_effect=RuntimeError("switched off"))
                patch.start()
                cls.addClassCleanup(patch.stop)

        def test_its_connection_is_ended(self):
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    class Next(TestCase):
        def test_it(self):
            self.assertEqual(Author.objects.count(), 1)
"""


@pytest.mark.usefixtures("no_container_is_left")
def test_a_lost_connection_is_looked_into_with_python_s_own_functions(
    project: Path, postgresql_env: dict[str, str], plain: Plain, tmp_path: Path
) -> None:
    write_tests(project, LOST)
    reachable = {**postgresql_env, **plain("postgresql")}
    expected = truth(project, "library.test_it", env=reachable, record=tmp_path / "truth")

    options = ["library.test_it", "--parallel", "1"]
    actual = toolkit(project, *options, env=postgresql_env, record=tmp_path / "ours")

    assert actual.kinds == expected.kinds
