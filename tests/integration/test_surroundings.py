"""What workers would share besides databases is each worker's own: caches, folders, temp files."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from textwrap import dedent

import pytest
from harness.projects import PROJECTS, run, wait_for, write_tests

OUTCOMES = PROJECTS / "outcomes"
SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"

SETTINGS = """
KEPT = Path(__file__).resolve().parent.parent / "kept"
MEDIA_ROOT = KEPT / "media"
FILE_UPLOAD_TEMP_DIR = str(KEPT / "uploads")
SESSION_FILE_PATH = str(KEPT / "sessions")
EMAIL_FILE_PATH = str(KEPT / "mails")
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"base_url": "/kept/"},
    },
    "private": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(KEPT / "private")},
    },
}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": str(KEPT / "cache"),
    },
    "redis": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": f"redis://127.0.0.1:{os.environ['REDIS_PORT']}/1",
        "KEY_PREFIX": "shop",
    },
    "memcached": {
        "BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache",
        "LOCATION": f"127.0.0.1:{os.environ['MEMCACHED_PORT']}",
    },
}
"""

MODELS = """

class Paper(models.Model):
    file = models.FileField(storage=storages["private"])
    draft = models.FileField(storage=FileSystemStorage(location="/drafts"))
    scan = models.FileField(storage=InMemoryStorage())
    other = models.FileField()

    class Meta:
        managed = False
"""

PREAMBLE = """
    import subprocess, sys, tempfile
    from django.conf import settings
    from django.core.cache import cache, caches
    from django.core.files.storage import default_storage, storages
    from library.models import Paper

    # Used before there are workers, so that all of them inherit what this has opened.
    FOUND = [cache.get("found"), caches["redis"].get("found"), caches["memcached"].get("found")]
    FOUND.append(default_storage.path("found"))

    def field_storage():
        return Paper._meta.get_field("file").storage
"""

TOGETHER = """
    class Together:
        def share(self, write, read):
            method = self.id().rpartition(".")[2]
            write(type(self).__name__)
            Path(os.environ["MEET"], f"{method}-{type(self).__name__}").touch()
            end = time.monotonic() + 20
            while len(list(Path(os.environ["MEET"]).glob(f"{method}-*"))) < 2:
                self.assertLess(time.monotonic(), end, "the workers do not run at once")
                time.sleep(0.005)
            self.assertEqual(read(), type(self).__name__)

        def share_file(self, file):
            self.share(Path(file).write_text, Path(file).read_text)

        def share_key(self, one):
            self.share(lambda text: one.set("key", text), lambda: one.get("key"))

        def test_cache_in_files(self): self.share_key(cache)
        def test_cache_on_redis(self): self.share_key(caches["redis"])
        def test_cache_on_memcached(self): self.share_key(caches["memcached"])
        def test_file_of_media(self): self.share_file(default_storage.path("file"))
        def test_file_of_media_by_its_path(self): self.share_file(settings.MEDIA_ROOT / "path")
        def test_file_of_a_storage(self): self.share_file(storages["private"].path("file"))
        def test_file_of_a_field(self): self.share_file(field_storage().path("field"))
        def test_upload(self): self.share_file(Path(settings.FILE_UPLOAD_TEMP_DIR, "file"))
        def test_session(self): self.share_file(Path(settings.SESSION_FILE_PATH, "file"))
        def test_mail(self): self.share_file(Path(settings.EMAIL_FILE_PATH, "file"))
        def test_temporary_file(self): self.share_file(Path(tempfile.gettempdir(), "file"))

        def test_temporary_file_of_a_child(self):
            program = "import tempfile; print(tempfile.gettempdir(), end='')"
            folder = subprocess.check_output([sys.executable, "-c", program], text=True)
            self.share_file(Path(folder, "child"))

    # Of one length: what is written at the same moment must be one of them.
    class One(Together, SimpleTestCase): pass
    class Two(Together, SimpleTestCase): pass
"""

SHARED = TOGETHER.count("def test_")


@contextmanager
def _server(program: str, *arguments: str) -> Iterator[int]:
    """One of Debian's servers on a loopback port of our own, until the block ends."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = int(free.getsockname()[1])
    process = subprocess.Popen(
        [program, *arguments, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )

    def answers() -> bool:
        with closing(socket.socket()) as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_for(answers, 10, f"the start of {program}")
        yield port
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def cache_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The variables that lead the project to a Redis and to a memcached server."""
    subprocess.run([SCRIPTS / "packages", "redis-server", "memcached"], check=True)
    folder = str(tmp_path_factory.mktemp("redis"))
    redis = ("--bind", "127.0.0.1", "--save", "", "--dir", folder, "--port")
    with (
        _server("redis-server", *redis) as redis_port,
        _server("memcached", "-u", "nobody", "-l", "127.0.0.1", "-p") as memcached_port,
    ):
        yield {"REDIS_PORT": str(redis_port), "MEMCACHED_PORT": str(memcached_port)}


@pytest.fixture
def env(project: Path, sqlite_env: dict[str, str], cache_servers: dict[str, str]) -> dict[str, str]:
    """The environment of a project that keeps files, and has caches on servers."""
    settings = project / "outcomes" / "settings.py"
    settings.write_text(settings.read_text() + SETTINGS)
    models = project / "library" / "models.py"
    importing = "FileSystemStorage, InMemoryStorage, storages"
    importing = f"from django.core.files.storage import {importing}\n"
    models.write_text(importing + models.read_text() + MODELS)
    for name in ("media", "private", "uploads", "sessions", "mails"):
        (project / "kept" / name).mkdir(parents=True)
    (project / "kept" / "media" / "given").write_text("as it is")
    (project / "meeting").mkdir()
    return {**sqlite_env, **cache_servers, "MEET": str(project / "meeting")}


def write_tests_of_files(project: Path, body: str) -> None:
    """Replace the project's tests by such that use files and caches."""
    write_tests(project, dedent(PREAMBLE) + dedent(body))


def _files(project: Path) -> list[str]:
    kept = project / "kept"
    return sorted(str(file.relative_to(kept)) for file in kept.rglob("*") if file.is_file())


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_that_write_the_same_keys_and_files_at_once_find_their_own(
    project: Path, env: dict[str, str], method: str
) -> None:
    write_tests_of_files(project, TOGETHER)

    done = run(project, "--parallel", "2", "--start-method", method, env=env)

    assert done.code == 0, done.output
    assert f"Ran {2 * SHARED} tests" in done.output
    assert _files(project) == ["media/given"]


def test_with_no_separate_they_find_what_the_other_one_has_written(
    project: Path, env: dict[str, str]
) -> None:
    write_tests_of_files(project, TOGETHER)

    done = run(project, "--parallel", "2", "--no-separate", env=env)

    assert done.code == 1, done.output
    assert f"FAILED (failures={SHARED})" in done.output
    assert {"media/file", "media/path", "private/file", "private/field"} <= {*_files(project)}


def test_with_no_separate_no_two_workers_speak_through_one_inherited_connection(
    project: Path, env: dict[str, str]
) -> None:
    write_tests_of_files(
        project,
        """
        class Base:
            def test_many(self):
                name = type(self).__name__
                Path(os.environ["MEET"], name).touch()
                while len(list(Path(os.environ["MEET"]).iterdir())) < 2:
                    time.sleep(0.001)
                for number in range(2000):
                    caches["memcached"].set(name, f"{name} {number}")
                    self.assertEqual(caches["memcached"].get(name), f"{name} {number}")

        class One(Base, SimpleTestCase): pass
        class Two(Base, SimpleTestCase): pass
        """,
    )

    done = run(project, "--parallel", "2", "--no-separate", env=env)

    assert done.code == 0, done.output
    assert "Ran 2 tests " in done.output


def test_a_worker_finds_the_files_that_were_there_and_may_change_them(
    project: Path, env: dict[str, str]
) -> None:
    write_tests_of_files(
        project,
        """
        class Given(SimpleTestCase):
            def test_given(self):
                with default_storage.open("given", "r+") as file:
                    self.assertEqual(file.read(), "as it is")
                    file.write(", and more")
                default_storage.delete("given")
                self.assertEqual(default_storage.url("given"), "/kept/given")
        """,
    )

    done = run(project, env=env)

    assert done.code == 0, done.output
    assert "Ran 1 test " in done.output
    assert (project / "kept" / "media" / "given").read_text() == "as it is"


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_process_that_takes_the_place_of_another_finds_a_fresh_world(
    project: Path, env: dict[str, str], method: str
) -> None:
    write_tests_of_files(
        project,
        """
        class Crashing(SimpleTestCase):
            def test_1(self):
                for one in caches.all():
                    one.set("key", "left")
                default_storage.delete("given")
                for file in (default_storage.path("left"), storages["private"].path("left")):
                    Path(file).touch()
                Path(os.environ["MEET"], "before").write_text(tempfile.gettempdir())
                os._exit(3)

            def test_2(self):
                self.assertEqual([one.get("key") for one in caches.all()], [None] * 3)
                self.assertTrue(default_storage.exists("given"))
                self.assertFalse(default_storage.exists("left"))
                self.assertFalse(storages["private"].exists("left"))
                before = Path(os.environ["MEET"], "before").read_text()
                self.assertNotEqual(tempfile.gettempdir(), before)
                self.assertFalse(Path(before).exists())
                self.assertEqual(list(Path(tempfile.gettempdir()).iterdir()), [])
        """,
    )

    done = run(project, "--parallel", "1", "--start-method", method, env=env)

    assert done.code == 1
    assert "Ran 2 tests" in done.output, done.output
    assert "FAILED (errors=1)" in done.output, done.output


def test_each_shared_resource_says_whether_it_is_separated(
    project: Path, env: dict[str, str]
) -> None:
    program = (
        "import django, json; django.setup()\n"
        "from ctest_containers.project.shared_resources import shared_resources\n"
        "print(json.dumps([(each.setting, each.separated) for each in shared_resources()]))"
    )
    here = {**env, "DJANGO_SETTINGS_MODULE": "outcomes.settings"}

    output = subprocess.check_output([sys.executable, "-c", program], cwd=project, env=here)

    assert dict(json.loads(output)) == {
        "CACHES['redis']": True,
        "CACHES['memcached']": True,
        "CACHES['default']": True,
        "MEDIA_ROOT": True,
        "EMAIL_FILE_PATH": True,
        "STORAGES['private']": True,
        "SESSION_FILE_PATH": True,
        "FILE_UPLOAD_TEMP_DIR": True,
        "library.Paper.draft": False,
    }


def test_a_project_that_shares_nothing_keeps_its_settings_as_they_are(
    project: Path, sqlite_env: dict[str, str]
) -> None:
    write_tests(
        project,
        """
        from django.conf import Settings, settings

        class Same(SimpleTestCase):
            def test_settings(self):
                self.assertIs(type(settings._wrapped), Settings)
        """,
    )

    done = run(project, env=sqlite_env)

    assert done.code == 0, done.output
    assert "Ran 1 test " in done.output


@pytest.mark.parametrize("options", [[], ["--no-separate"]], ids=["separate", "no separate"])
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_each_worker_calls_the_project_s_own_function_before_its_first_test(
    project: Path, sqlite_env: dict[str, str], method: str, options: list[str]
) -> None:
    (project / "library" / "prepare.py").write_text(
        "import json, os, pathlib, tempfile\n"
        "import ctest_containers\n"
        "from library.models import Author\n"
        "def worker(worker: ctest_containers.Worker):\n"
        "    Author.objects.create(name=worker.name)\n"
        "    told = [worker.number, worker.run, worker.folder.is_dir(), worker.name]\n"
        "    told.append(tempfile.gettempdir().startswith(str(worker.folder)))\n"
        "    pathlib.Path(os.environ['MEET'], f'{worker.number}.json').open('x').write("
        "json.dumps(told))\n"
    )
    body = """
        class Base:
            def test_once(self):
                names = Author.objects.values_list("name", flat=True)
                self.assertEqual(sum(name.startswith("ctest-") for name in names), 1)
                end = time.monotonic() + 20
                while len(list(Path(os.environ["MEET"]).iterdir())) < 2:
                    self.assertLess(time.monotonic(), end, "the workers do not run at once")
                    time.sleep(0.01)

            def test_twice(self):
                self.assertEqual(Author.objects.count(), 2)
        class One(Base, TestCase): pass
        class Other(Base, TestCase): pass
    """
    write_tests(project, body)
    meeting = project / "meeting"
    meeting.mkdir()

    done = run(
        project,
        *("--parallel", "2", "--worker-setup", "library.prepare.worker"),
        *("--start-method", method),
        *options,
        env={**sqlite_env, "MEET": str(meeting)},
    )

    assert done.code == 0, done.output
    assert "Ran 4 tests " in done.output
    told = [json.loads((meeting / f"{number}.json").read_text()) for number in (1, 2)]
    run_id = told[0][1]
    assert told == [
        [number, run_id, True, f"ctest-{run_id}-{number}-1", not options] for number in (1, 2)
    ]


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("raise LookupError('no index')", "LookupError: no index"),
        ("exit(0)", "SystemExit: 0"),
        ("__import__('time').sleep(100)", "took longer than 2 s"),
    ],
)
def test_what_that_function_raises_ends_the_run_with_its_name_and_traceback(
    project: Path, sqlite_env: dict[str, str], method: str, statement: str, said: str
) -> None:
    (project / "library" / "prepare.py").write_text(f"def worker(worker):\n    {statement}\n")

    done = run(
        project,
        *("library.test_outcomes", "--worker-setup", "library.prepare.worker"),
        *("--start-method", method, "--timeout-per-test", "2"),
        env=sqlite_env,
        seconds=60,
    )

    assert done.code == 2, done.output
    assert "The function 'library.prepare.worker', which worker_setup names, failed" in done.output
    assert f'prepare.py", line 2, in worker\n    {statement}' in done.output
    assert said in done.output
    assert "tests not run" in done.output
    assert "--worker-setup" in done.output
    assert "surroundings.py" not in done.output


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("library.prepare.worker", "cannot be imported: No module named 'library.prepare'"),
        ("library.models.worker", 'does not define a "worker" attribute'),
        ("worker", "doesn't look like a module path"),
        ("library.models.__name__", "is not a function, but str"),
    ],
)
def test_a_function_that_there_is_not_is_refused_before_anything_starts(
    path: str, said: str, postgresql_env: dict[str, str]
) -> None:
    nobody = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}

    done = run(OUTCOMES, env={**postgresql_env, **nobody, "CTEST_CONTAINERS_WORKER_SETUP": path})

    assert done.code == 2, done.output
    assert f"The function {path!r}, which worker_setup names," in done.output
    assert said in done.output
    assert "Traceback" not in done.output
    assert os.linesep + "Ran" not in done.output
