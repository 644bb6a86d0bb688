"""What a run says of itself, at a terminal, in files, and afterwards."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from harness.projects import environment, run, start, wait_for, write_tests
from harness.terminal import COLOURS, MOVES, run_on_terminal
from harness.truths import truth
from prometheus_client.parser import text_string_to_metric_families

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"

SLEEPY = """
    class Sleepy(TestCase):
        def test_sleeps(self):
            time.sleep(1.2)
            print("printed by a test", flush=True)

        def test_fails(self):
            self.assertEqual(Author.objects.count(), 7)
"""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """An environment like that of a person at a keyboard, not that of a CI system."""
    unset = ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "NO_COLOR", "TERM")
    found = environment(tmp_path / "cache")
    return {name: value for name, value in found.items() if name not in unset}


def _cases(text: str) -> dict[str, str]:
    """How each case of a JUnit file ended, by its name."""
    found = {}
    for case in ET.fromstring(text).iter("testcase"):
        child = next((one.tag for one in case if not one.tag.startswith("system")), "passed")
        found[f"{case.get('classname')}.{case.get('name')}"] = child
    return found


def test_junit_says_of_each_test_what_django_says(
    project: Path, env: dict[str, str], tmp_path: Path
) -> None:
    expected = truth(project, env=env, record=tmp_path / "record.json")

    run(project, "--junit", str(tmp_path / "reports" / "junit.xml"), env=env)

    cases = _cases((tmp_path / "reports" / "junit.xml").read_text())
    tags = {
        "success": "passed",
        "expected failure": "skipped",
        "skip": "skipped",
        "unexpected success": "failure",
        "failure": "failure",
        "subtest failure": "failure",
        "error": "error",
        "subtest error": "error",
    }
    rank = ("passed", "skipped", "failure", "error")
    worst: dict[str, str] = {}
    for test, kind, _ in expected.outcomes:
        match = re.search(r"\((?P<id>[\w.]+)\)", test)
        # What is said of a fixture names the class; `_FailedTest` has a name of unittest's own.
        if match is None or match["id"].count(".") < 3 or "_FailedTest" in match["id"]:
            continue
        known = worst.get(match["id"], "passed")
        worst[match["id"]] = max(tags[kind], known, key=rank.index)
    assert len(worst) > 20
    assert {test: cases.get(test) for test in worst} == worst


def test_a_log_is_rendered_into_the_same_files_as_its_run(
    project: Path, env: dict[str, str], tmp_path: Path
) -> None:
    files = [tmp_path / name for name in ("junit.xml", "page.html", "metrics.prom")]
    options = ("--junit", "--html", "--prometheus")
    given = [word for pair in zip(options, map(str, files), strict=True) for word in pair]
    run(project, "--buffer", *given, env=env)
    written = [file.read_text() for file in files]

    again = run(project, "report", *given, env=env)

    assert again.code == 0, again.output
    assert [file.read_text() for file in files] == written
    assert all(len(text) > 1000 for text in written)


def test_a_past_run_is_told_in_words_and_listed(project: Path, env: dict[str, str]) -> None:
    write_tests(project, SLEEPY)
    run(project, env=env)
    listed = run(project, "report", "--list", env=env).output.split()

    told = run(project, "report", listed[0][:4], env=env)

    assert "FAILED: library.test_it.Sleepy.test_fails (library/test_it.py:" in told.output
    assert re.search(r"AssertionError: \d != 7", told.output)
    assert "FAILED: 1 failed, 1 passed in" in told.output
    assert "library.test_it.Sleepy.test_sleeps" in told.output


def test_a_run_is_compared_with_earlier_ones_in_words_and_as_json(
    project: Path, env: dict[str, str]
) -> None:
    write_tests(project, SLEEPY)
    for _ in range(2):
        run(project, env=env)

    words = run(project, "report", "--analyse", env=env)
    found = json.loads(run(project, "report", "--analyse", "--json", env=env).output)

    assert words.code == 0
    assert "busy" in words.output
    assert (found["format"], found["version"]) == ("ctest-containers-analysis", 1)


def test_a_run_that_was_killed_can_be_read_up_to_then(project: Path, env: dict[str, str]) -> None:
    write_tests(
        project,
        """
        class Slow(SimpleTestCase):
            def test_a(self):
                pass

            def test_b(self):
                time.sleep(60)
    """,
    )
    process = start(project, "--parallel", "1", env=env)
    logs = Path(env["XDG_CACHE_HOME"]) / "ctest_containers" / "runs"
    wait_for(
        lambda: any(
            "Slow.test_b" in log.read_text()
            for log in logs.glob("*/*.jsonl")
            if "TestStarted" in log.read_text()
        ),
        30,
        "the log of the second test",
    )
    process.kill()
    process.communicate()

    told = run(project, "report", env=env)
    # The next run removes the folder of the one that was killed.
    run(project, "library.test_it.Slow.test_a", env=env)

    assert "The event log ends before the run does." in told.output
    assert "1 passed, 1 not run" in told.output


def test_piped_output_is_djangos_and_nothing_moves(project: Path, env: dict[str, str]) -> None:
    write_tests(project, SLEEPY)

    done = run(project, env={**env, "TERM": "xterm-256color"})

    assert "\x1b" not in done.output
    assert re.search(r"^\.?F", done.output, re.MULTILINE)


def test_a_terminal_shows_what_each_worker_does_and_keeps_what_matters(
    project: Path, env: dict[str, str]
) -> None:
    write_tests(project, SLEEPY)

    done = run_on_terminal(project, env=env)

    assert done.code == 1
    assert MOVES.search(done.output)
    assert "worker 1" in done.output
    assert "library.test_it.Sleepy.test_sleeps" in done.output
    assert "FAILED" in done.output
    assert "printed by a test" in done.output
    last = done.output[done.output.rindex("=" * 70) :]
    assert "Ran 2 tests in" in last
    assert "Phases: start-up" in last
    assert not MOVES.search(last)
    assert done.output.count("\x1b[?25h") >= done.output.count("\x1b[?25l")


@pytest.mark.parametrize(
    ("options", "extra"),
    [
        (("--no-progress",), {}),
        ((), {"TERM": "dumb"}),
        ((), {"CI": "true"}),
        (("-v", "0"), {}),
        (("-v", "2"), {}),
    ],
)
def test_nothing_moves_where_it_is_not_wanted(
    project: Path, env: dict[str, str], options: tuple[str, ...], extra: dict[str, str]
) -> None:
    write_tests(project, SLEEPY)

    done = run_on_terminal(project, *options, env={**env, **extra})

    assert not MOVES.search(done.output)
    assert "Ran 2 tests in" in done.output


def test_no_color_leaves_movement_and_takes_colours(project: Path, env: dict[str, str]) -> None:
    write_tests(project, SLEEPY)

    done = run_on_terminal(project, env={**env, "NO_COLOR": "1"})

    assert MOVES.search(done.output)
    assert not COLOURS.search(done.output)


def test_ctrl_c_at_a_terminal_leaves_it_as_it_was(project: Path, env: dict[str, str]) -> None:
    write_tests(project, SLEEPY)

    done = run_on_terminal(
        project,
        "--parallel",
        "1",
        env=env,
        press=(lambda shown: "1/2" in shown or "test_sleeps" in shown, b"\x03"),
    )

    assert done.code in {1, 130}
    assert "Ran " in done.output
    assert done.output.rindex("\x1b[?25h") > done.output.rindex("worker 1")


def test_github_gets_annotations_and_a_summary_and_others_do_not(
    project: Path, env: dict[str, str], tmp_path: Path
) -> None:
    write_tests(project, SLEEPY)
    summary = tmp_path / "summary.md"
    there = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(summary),
        "GITHUB_WORKSPACE": str(project.parent),
    }

    here = run(project, env=env).output
    done = run(project, env={**env, **there}).output

    assert "::" not in here
    (error,) = re.findall("^::error .*$", done, re.MULTILINE)
    assert error.startswith(f"::error file={project.name}/library/test_it.py,line=")
    assert done.count("::group::") == done.count("::endgroup::") == 2
    assert summary.read_text().startswith("### ❌ FAILED: 1 failed, 1 passed")


def test_the_log_goes_where_the_settings_say(
    project: Path, env: dict[str, str], tmp_path: Path
) -> None:
    write_tests(project, SLEEPY)
    file = tmp_path / "log.jsonl"
    settings = project / "outcomes" / "settings.py"
    chosen = {"FORMAT": "json", "LEVEL": "debug", "FILE": str(file)}
    settings.write_text(f"{settings.read_text()}\nCONCURRENT_TEST_LOGGING = {chosen!r}\n")

    run(project, env=env)

    lines = [json.loads(line) for line in file.read_text().splitlines()]
    workers = [line for line in lines if line["event"] == "worker"]
    assert sum(line["tests"] for line in workers) == 2
    assert sum(line["queries"] for line in workers) >= 1
    assert {"TestStarted", "RunFinished", "run"} <= {line["event"] for line in lines}


def test_djangos_own_logging_gets_the_lines_when_it_asks_for_them(
    project: Path, env: dict[str, str], tmp_path: Path
) -> None:
    write_tests(project, SLEEPY)
    file = tmp_path / "django.log"
    settings = project / "outcomes" / "settings.py"
    logging = {
        "version": 1,
        "handlers": {"file": {"class": "logging.FileHandler", "filename": str(file)}},
        "loggers": {"ctest_containers": {"handlers": ["file"], "level": "INFO"}},
    }
    settings.write_text(f"{settings.read_text()}\nLOGGING = {logging!r}\n")

    run(project, env=env)

    assert "event=worker worker=1 database=sqlite tests=" in file.read_text()


def test_a_report_that_cannot_be_written_is_named_and_the_run_ends_as_its_tests_did(
    project: Path, env: dict[str, str], tmp_path: Path
) -> None:
    write_tests(project, "class One(SimpleTestCase):\n    def test(self):\n        pass\n")
    (tmp_path / "taken").write_text("")

    done = run(project, "--junit", str(tmp_path / "taken" / "junit.xml"), env=env)

    assert done.code == 0
    assert "junit.xml cannot be written" in done.output


def test_a_report_that_would_be_a_folder_is_refused_before_the_run(
    project: Path, env: dict[str, str], tmp_path: Path
) -> None:
    done = run(project, "--html", str(tmp_path), env=env)

    assert done.code == 2
    assert "it is a folder" in done.output
    assert "Ran " not in done.output


def test_metrics_without_their_library_are_refused_with_the_way_to_get_it(
    project: Path, env: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "prometheus_client.py").write_text("raise ImportError('not here')\n")

    done = run(project, "--prometheus", "a.prom", env={**env, "PYTHONPATH": str(tmp_path)})

    assert done.code == 2
    assert "pip install 'ctest-containers[prometheus]'" in done.output


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[str]:
    """The address of a real gateway of Prometheus."""
    subprocess.run([SCRIPTS / "packages", "prometheus-pushgateway"], check=True)
    log = (tmp_path / "gateway.log").open("w+")
    process = subprocess.Popen(
        ["prometheus-pushgateway", "--web.listen-address=127.0.0.1:0"],
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        pattern = re.compile(r"127\.0\.0\.1:[1-9]\d*")
        found = wait_for(
            lambda: pattern.search((tmp_path / "gateway.log").read_text()), 20, "the gateway"
        )
        yield f"http://{found[0]}"
    finally:
        process.terminate()
        process.wait()
        log.close()


def test_metrics_reach_a_gateway(project: Path, env: dict[str, str], gateway: str) -> None:
    write_tests(project, SLEEPY)

    done = run(project, "--prometheus-gateway", gateway, "--project", "bookshop", env=env)

    assert done.code == 1
    with urlopen(f"{gateway}/metrics") as answer:  # noqa: S310  # On the loopback address.
        families = {one.name: one for one in text_string_to_metric_families(answer.read().decode())}
    counts = {
        sample.labels["status"]: sample.value
        for sample in families["ctest_run_tests"].samples
        if sample.labels["project"] == "bookshop"
    }
    assert (counts["failed"], counts["passed"]) == (1.0, 1.0)


def test_a_gateway_that_does_not_answer_costs_a_line_and_its_password_is_not_in_it(
    project: Path, env: dict[str, str]
) -> None:
    write_tests(project, "class One(SimpleTestCase):\n    def test(self):\n        pass\n")

    done = run(project, "--prometheus-gateway", "http://ada:enchantress@127.0.0.1:9", env=env)

    assert done.code == 0
    assert "cannot be pushed to http://127.0.0.1:9" in done.output
    logs = list((Path(env["XDG_CACHE_HOME"]) / "ctest_containers" / "runs").glob("*/*"))
    assert logs
    assert all("enchantress" not in text for text in (done.output, *(x.read_text() for x in logs)))


def test_the_schema_of_event_logs_is_printed() -> None:
    text = subprocess.check_output(
        [sys.executable, "-m", "ctest_containers", "report", "--schema"],
        text=True,
        env=dict(os.environ),
    )

    assert json.loads(text)["$defs"]["TestOutcome"]["properties"]["kind"]["enum"]
