"""Secrets appear nowhere, and names that mean harm are only names."""

from __future__ import annotations

from pathlib import Path
from tempfile import gettempdir

import docker
import psutil
import pytest
from harness.containers import owned
from harness.projects import run, start, toolkit, wait_for, write_tests

from ctest_containers.engine.labels import RUN

HARMFUL = "../../$(touch pwned); `touch pwned` \"'é\n--rm &"


@pytest.mark.parametrize("vendor", ["sqlite", "postgresql"])
@pytest.mark.usefixtures("no_container_is_left")
def test_a_projects_name_reaches_no_shell_and_no_path(
    vendor: str, request: pytest.FixtureRequest, project: Path, cache: Path
) -> None:
    env = request.getfixturevalue(f"{vendor}_env")

    done = run(project, "--project", HARMFUL, "library.test_outcomes.Writing", env=env)

    assert done.code == 0, done.output
    assert list(cache.parent.rglob("*pwned*; *")) == []
    assert [one for one in (project, cache, Path.cwd()) if (one / "pwned").exists()] == []
    names = {one.name for one in cache.rglob("*")}
    assert [one for one in names if set(one) & set("$;`\"'&\n ")] == []


def test_a_tests_name_is_printed_and_reported_and_does_nothing(
    project: Path, sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    write_tests(
        project,
        f"""
        class Named(SimpleTestCase):
            pass

        def failing(self):
            self.fail("as it should")

        setattr(Named, "test_" + {HARMFUL!r}, failing)
        setattr(Named, "test_\\x00\\x1b[31m\\udcff", failing)
    """,
    )

    done = toolkit(project, "-v", "2", env=sqlite_env, record=tmp_path / "record.json")

    assert done.code == 1
    assert len(done.outcomes) == 2
    assert {kind for _, kind in done.kinds} == {"failure"}
    assert any(HARMFUL in test for test, _ in done.kinds)
    assert not (project / "pwned").exists()


@pytest.mark.usefixtures("no_container_is_left")
def test_passwords_are_seen_by_nobody_who_looks_at_processes_containers_images_or_files(
    project: Path,
    postgresql_env: dict[str, str],
    engine: docker.DockerClient,
    cache: Path,
    project_name: str,
) -> None:
    write_tests(
        project,
        """
        class Waiting(TestCase):
            def test_wait(self):
                Path(os.environ["MEET"]).write_text(connection.settings_dict["PASSWORD"])
                end = time.monotonic() + 30
                while Path(os.environ["MEET"]).exists() and time.monotonic() < end:
                    time.sleep(0.01)
    """,
    )
    settings = project / "outcomes" / "settings.py"
    own = {"SECRET_KEY": "the-key-of-settings", "PASSWORD": "the-password-of-settings"}
    settings.write_text(
        f"{settings.read_text()}\nSECRET_KEY = {own['SECRET_KEY']!r}\n"
        f"DATABASES['default']['PASSWORD'] = {own['PASSWORD']!r}\n"
    )
    meeting = project / "meeting"
    before = owned(engine)
    process = start(
        project,
        *("-v", "3", "--transport", "port", "--project", project_name),
        env={**postgresql_env, "MEET": str(meeting)},
        forked=False,
    )
    random = wait_for(lambda: meeting.exists() and meeting.read_text(), 60, "the test")

    (container,) = (engine.containers.get(one) for one in owned(engine) - before)
    (image,) = engine.images.list(f"localhost/ctest/{project_name}/postgresql")
    folder = Path(gettempdir()) / f"ctest-{container.labels[RUN]}"
    seen = {
        "container": str(container.attrs) + container.logs().decode(errors="replace"),
        "image": str(image.attrs) + str(image.history()),
        "processes": "".join(_commands()),
        "files of the run": _contents(folder),
        "cache": _contents(cache),
    }
    meeting.unlink()
    seen["output"], _ = process.communicate(timeout=60)

    assert process.returncode == 0, seen["output"]
    assert len(random) == 32
    secrets = [random, *own.values()]
    assert [(place, one) for place, text in seen.items() for one in secrets if one in text] == []


def _commands() -> list[str]:
    """The command lines of all processes."""
    return [" ".join(one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"])]


def _contents(folder: Path) -> str:
    """All that is in a folder's files."""
    files = [one for one in folder.rglob("*") if one.is_file()]
    return "".join(one.read_text(errors="replace") for one in files)
