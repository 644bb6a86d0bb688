"""What a worker gets as its own, and what is reported about what it shares."""

from __future__ import annotations

import os
import pickle
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django
import pytest
from django.conf import settings
from django.core.cache import cache, caches
from django.core.files.storage import FileSystemStorage, default_storage, storages
from django.test import override_settings

import ctest_containers
from ctest_containers.errors import UsageError
from ctest_containers.project import own_folders
from ctest_containers.project.isolation import (
    SetupFailure,
    Worker,
    separate,
    set_up,
    worker_function,
)
from ctest_containers.project.own_folders import COPIED_BYTES
from ctest_containers.project.settings_lookup import setting
from ctest_containers.project.shared_resource import SharedResource
from ctest_containers.project.shared_resources import shared_resources

pytestmark = pytest.mark.usefixtures("configured_django")

FILES = "django.core.files.storage.FileSystemStorage"
CACHE = "django.core.cache.backends"
LOCAL = {"BACKEND": f"{CACHE}.locmem.LocMemCache"}


class WithoutPrefix:
    """A cache that a project wrote itself, and that knows its place only."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        self.location, self.params = location, params

    def close(self) -> None:
        """As Django asks every cache to."""


class PrivateStorage(FileSystemStorage):
    """A storage that a project wrote itself."""


class OverwritingStorage(FileSystemStorage):
    """One that asks for its place once, when it is made."""

    def __init__(self) -> None:
        super().__init__(location=settings.MEDIA_ROOT)


class RedisLayer:
    """What looks like a class of channels_redis."""

    __module__ = "channels_redis.core"


def key_without_prefix(key: str, prefix: str, version: int) -> str:
    """A key function that a project wrote itself."""
    del prefix
    return f"{version}/{key}"


@pytest.fixture
def worker(tmp_path: Path) -> Worker:
    """The first worker of a run."""
    return Worker(number=2, run="1a2b3c4d", folder=tmp_path / "run" / "w2" / "1")


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A folder of the project's, with files."""
    folder = tmp_path / "kept"
    (folder / "deep").mkdir(parents=True)
    (folder / "file").write_text("given")
    (folder / "deep" / "file").write_text("given below")
    return folder


@pytest.fixture(autouse=True)
def _settings_are_as_before() -> Iterator[None]:
    before = settings._wrapped
    yield
    assert settings._wrapped is before


def _tree(folder: Path) -> dict[str, str]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): file.read_text() for file in files}


def _resources(name: str) -> list[SharedResource]:
    return [one for one in shared_resources() if one.setting.startswith(name)]


def test_a_worker_is_known_to_whoever_imports_the_package() -> None:
    assert ctest_containers.Worker is Worker


def test_a_worker_has_a_name_that_no_other_process_has_and_can_be_sent_to_one(
    worker: Worker,
) -> None:
    assert worker.name == "ctest-1a2b3c4d-2-1"
    assert pickle.loads(pickle.dumps(worker)) == worker  # noqa: S301  # made here


def test_where_nothing_is_shared_no_setting_changes(worker: Worker) -> None:
    database = {"BACKEND": f"{CACHE}.db.DatabaseCache", "LOCATION": "cached"}
    nowhere = {"BACKEND": f"{CACHE}.dummy.DummyCache"}
    with override_settings(CACHES={"default": LOCAL, "rows": database, "none": nowhere}):
        before = settings._wrapped

        separate(worker, temporary_files=False)

        assert settings._wrapped is before
        assert shared_resources() == []
    assert not worker.folder.exists()


def test_a_cache_in_files_gets_a_folder_of_its_own(worker: Worker, tmp_path: Path) -> None:
    spec = {"BACKEND": f"{CACHE}.filebased.FileBasedCache", "LOCATION": str(tmp_path / "cache")}
    with override_settings(CACHES={"default": spec}):
        cache.set("key", "of the parent")

        separate(worker, temporary_files=False)

        assert cache.get("key") is None
        cache.set("key", "own")
        assert Path(settings.CACHES["default"]["LOCATION"]).is_relative_to(worker.folder)
        assert len(list((tmp_path / "cache").iterdir())) == 1


@pytest.mark.parametrize(
    "backend",
    ["redis.RedisCache", "memcached.PyMemcacheCache", "memcached.PyLibMCCache"],
)
def test_a_cache_on_a_server_gets_a_prefix_before_its_own(worker: Worker, backend: str) -> None:
    spec = {"BACKEND": f"{CACHE}.{backend}", "LOCATION": "redis://127.0.0.1:1"}
    both = {"default": spec, "own": {**spec, "KEY_PREFIX": "shop"}}
    with override_settings(CACHES=both):
        separate(worker, temporary_files=False)

        own = settings.CACHES
        assert own == {
            "default": {**spec, "KEY_PREFIX": "ctest-1a2b3c4d-2-1"},
            "own": {**spec, "KEY_PREFIX": "ctest-1a2b3c4d-2-1-shop"},
        }


def test_a_cache_whose_keys_take_no_prefix_stays_as_it_is_and_is_reported(worker: Worker) -> None:
    own = {"BACKEND": f"{__name__}.WithoutPrefix", "LOCATION": "somewhere"}
    keys = {
        "BACKEND": f"{CACHE}.redis.RedisCache",
        "LOCATION": "redis://127.0.0.1:1",
        "KEY_FUNCTION": key_without_prefix,
    }
    missing = {"BACKEND": "no.such.Cache"}
    with override_settings(CACHES={"default": own, "keys": keys, "missing": missing}):
        before = settings._wrapped

        separate(worker, temporary_files=False)

        assert settings._wrapped is before
        assert vars(caches["default"]) == {"location": "somewhere", "params": {}}
        assert [(resource.setting, resource.separated) for resource in shared_resources()] == [
            ("CACHES['default']", False),
            ("CACHES['keys']", False),
            ("CACHES['missing']", False),
        ]


def test_files_are_written_into_a_copy_of_the_configured_folder(worker: Worker, kept: Path) -> None:
    before = _tree(kept)
    with override_settings(MEDIA_ROOT=kept):
        assert default_storage.path("file") == str(kept / "file")

        separate(worker, temporary_files=False)

        assert isinstance(settings.MEDIA_ROOT, Path)
        assert settings.MEDIA_ROOT.is_relative_to(worker.folder)
        assert _tree(settings.MEDIA_ROOT) == before
        Path(default_storage.path("file")).write_text("changed")
        default_storage.delete("deep/file")
    assert _tree(kept) == before


def test_the_storages_of_the_settings_follow_also_when_they_have_been_used(
    worker: Worker, kept: Path
) -> None:
    options = {"location": str(kept / "deep"), "base_url": "/deep/"}
    specs = {
        "default": {"BACKEND": FILES, "OPTIONS": options},
        "private": {"BACKEND": f"{__name__}.PrivateStorage", "OPTIONS": {"location": kept}},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    with override_settings(STORAGES=specs):
        # As if a module of settings had them; Django 4.2 loses the options of overridden ones.
        vars(settings._wrapped).pop("DEFAULT_FILE_STORAGE", None)
        assert storages["private"].path("file") == str(kept / "file")

        separate(worker, temporary_files=False)

        private = Path(storages["private"].path("")).resolve()
        assert private.is_relative_to(worker.folder)
        assert Path(default_storage.path("file")) == private / "deep" / "file"
        assert default_storage.url("file") == "/deep/file"
        assert isinstance(settings.STORAGES["private"]["OPTIONS"]["location"], Path)
        assert isinstance(settings.STORAGES["default"]["OPTIONS"]["location"], str)
    assert options["location"] == str(kept / "deep")


def test_a_storage_that_asked_for_its_place_when_it_was_made_follows(
    worker: Worker, kept: Path
) -> None:
    specs = {"default": {"BACKEND": f"{__name__}.OverwritingStorage"}}
    with override_settings(STORAGES=specs, MEDIA_ROOT=str(kept)):
        before = storages["default"]
        assert default_storage.path("file") == str(kept / "file")

        separate(worker, temporary_files=False)

        own = default_storage.path("file")
        assert Path(own).is_relative_to(worker.folder)
        assert before.path("file") == own


@contextmanager
def mail_settings(**settings: object) -> Iterator[None]:
    """Change settings that Django 6.1 warns of."""
    changed = override_settings(**settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        changed.enable()
    try:
        yield
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            changed.disable()


def test_folders_within_others_stay_within_them(worker: Worker, kept: Path) -> None:
    with (
        override_settings(FILE_UPLOAD_TEMP_DIR=str(kept.parent), MEDIA_ROOT=kept),
        mail_settings(EMAIL_FILE_PATH=kept / "mail"),
    ):
        # What holds the worker's own folder is not copied, and this one need not be.
        separate(worker, temporary_files=False)

        uploads = Path(settings.FILE_UPLOAD_TEMP_DIR)
        assert uploads.is_relative_to(worker.folder)
        media, mail = settings.MEDIA_ROOT, setting("EMAIL_FILE_PATH")
        assert (media, mail) == (uploads / "kept", uploads / "kept" / "mail")
        assert [file.name for file in uploads.iterdir()] == ["kept"]
        assert _tree(media) == _tree(kept)
        assert not mail.exists()


def test_a_folder_that_is_not_there_is_not_made(worker: Worker, tmp_path: Path) -> None:
    with override_settings(MEDIA_ROOT=str(tmp_path / "none"), SESSION_FILE_PATH=tmp_path / "sun"):
        separate(worker, temporary_files=False)

        own = Path(settings.MEDIA_ROOT)
        assert own.is_relative_to(worker.folder)
        assert not own.exists()
        assert not settings.SESSION_FILE_PATH.exists()


@pytest.mark.parametrize("value", ["", None])
def test_an_empty_setting_is_left_alone(worker: Worker, value: str | None) -> None:
    with override_settings(MEDIA_ROOT=value), mail_settings(EMAIL_FILE_PATH=value):
        before = settings._wrapped

        separate(worker, temporary_files=False)

        assert settings._wrapped is before
        assert shared_resources() == []


def _fill(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_folders, "COPIED_FILES", 2)
    (folder / "one more").touch()


def _swell(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del monkeypatch
    with (folder / "large").open("wb") as file:
        file.truncate(COPIED_BYTES + 1)


def _pipe(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del monkeypatch
    os.mkfifo(folder / "pipe")


def _loop(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del monkeypatch
    (folder / "deep" / "up").symlink_to(folder)


@pytest.mark.parametrize("spoil", [_fill, _swell, _pipe, _loop])
def test_what_is_too_much_to_copy_stays_shared_and_is_reported(
    worker: Worker,
    kept: Path,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[Path, pytest.MonkeyPatch], None],
) -> None:
    spoil(kept, monkeypatch)
    with override_settings(MEDIA_ROOT=str(kept)):
        before = settings._wrapped

        separate(worker, temporary_files=False)

        assert settings._wrapped is before
        (resource,) = shared_resources()
        assert (resource.setting, resource.separated) == ("MEDIA_ROOT", False)
        assert str(kept) in resource.what
        assert "--worker-setup" in resource.advice


def test_a_folder_that_holds_that_of_the_worker_is_not_copied(
    worker: Worker, tmp_path: Path
) -> None:
    with override_settings(MEDIA_ROOT=str(tmp_path)):
        before = settings._wrapped

        separate(worker, temporary_files=False)

        assert settings._wrapped is before


def test_links_are_followed_when_a_folder_is_copied(worker: Worker, kept: Path) -> None:
    elsewhere = kept.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").write_text("linked")
    (kept / "link").symlink_to(elsewhere)
    (kept / "nowhere").symlink_to(kept / "none")
    (kept / "deep").chmod(0o555)
    with override_settings(MEDIA_ROOT=kept):
        separate(worker, temporary_files=False)

        (settings.MEDIA_ROOT / "link" / "file").write_text("changed")
        assert (settings.MEDIA_ROOT / "deep").stat().st_mode & 0o700 == 0o700
    assert (elsewhere / "file").read_text() == "linked"


def test_sessions_in_files_that_have_been_used_follow(worker: Worker, tmp_path: Path) -> None:
    from django.contrib.sessions.backends import file

    store: Any = file.SessionStore
    (tmp_path / "sessions").mkdir()
    with override_settings(SESSION_FILE_PATH=str(tmp_path / "sessions")):
        store()._key_to_file("k" * 32)

        separate(worker, temporary_files=False)

        own = Path(store()._key_to_file("k" * 32))
        assert own.is_relative_to(worker.folder)
        assert own.parent.is_dir()
        del store._storage_path


def test_temporary_files_have_a_folder_of_their_own_with_a_short_path(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", os.environ["TMPDIR"])
    monkeypatch.setattr(tempfile, "tempdir", tempfile.tempdir)

    separate(worker, temporary_files=True)

    with tempfile.NamedTemporaryFile() as file:
        assert Path(file.name).parent == worker.folder / "tmp"
    assert os.environ["TMPDIR"] == str(worker.folder / "tmp")
    tempfile.tempdir = None
    assert tempfile.gettempdir() == str(worker.folder / "tmp")


def test_channel_layers_on_redis_get_a_prefix_of_their_own(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "channels_redis_like", sys.modules[__name__])
    redis = {"BACKEND": "channels_redis_like.RedisLayer"}
    hosts = {"hosts": ["redis://:secret@127.0.0.1:1"], "prefix": "shop"}
    memory = {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    layers = {"default": redis, "own": {**redis, "CONFIG": hosts}, "memory": memory}
    with override_settings(CHANNEL_LAYERS=layers):
        separate(worker, temporary_files=False)

        own = settings.CHANNEL_LAYERS
        assert own == {
            "default": {**redis, "CONFIG": {"prefix": "ctest-1a2b3c4d-2-1-asgi"}},
            "own": {**redis, "CONFIG": {**hosts, "prefix": "ctest-1a2b3c4d-2-1-shop"}},
            "memory": memory,
        }
        assert [(resource.setting, resource.separated) for resource in shared_resources()] == [
            ("CHANNEL_LAYERS['default']", True),
            ("CHANNEL_LAYERS['own']", True),
        ]


def test_listing_shared_resources_changes_nothing(kept: Path) -> None:
    before = _tree(kept.parent)
    with override_settings(MEDIA_ROOT=kept, SESSION_FILE_PATH=kept / "sessions"):
        resources = [
            (resource.setting, resource.separated, resource.advice)
            for resource in shared_resources()
        ]

    assert resources == [("MEDIA_ROOT", True, ""), ("SESSION_FILE_PATH", True, "")]
    assert _tree(kept.parent) == before


def test_clearing_a_cache_on_a_server_affects_all_workers() -> None:
    spec = {
        "BACKEND": f"{CACHE}.redis.RedisCache",
        "LOCATION": "redis://:hunter2@db.example:6379/1",
    }
    with override_settings(CACHES={"default": spec}):
        (resource,) = shared_resources()

    assert resource.setting == "CACHES['default']"
    assert resource.what == f"The cache is {spec['BACKEND']} at redis://db.example:6379."
    assert resource.separated
    assert "clear() empties the cache for all workers" in resource.advice


def test_storages_elsewhere_are_reported() -> None:
    specs = {
        "default": {"BACKEND": "storages.backends.s3.S3Storage"},
        "memory": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
        "staticfiles": {"BACKEND": "storages.backends.s3.S3StaticStorage"},
    }
    with override_settings(STORAGES=specs):
        (resource,) = shared_resources()

    assert (resource.setting, resource.separated) == ("STORAGES['default']", False)
    assert "storages.backends.s3.S3Storage" in resource.what
    assert "InMemoryStorage" in resource.advice


def test_a_storage_that_somebody_has_from_the_settings_follows_and_one_made_in_code_does_not(
    worker: Worker, kept: Path
) -> None:
    specs = {
        "default": {"BACKEND": FILES},
        "private": {"BACKEND": FILES, "OPTIONS": {"location": str(kept)}},
    }
    with override_settings(STORAGES=specs, MEDIA_ROOT=str(kept / "deep")):
        default, private = storages["default"], storages["private"]
        coded = FileSystemStorage(location=kept / "deep")
        assert [one.path("file") for one in (default, private)]

        separate(worker, temporary_files=False)

        assert Path(default.path("file")).is_relative_to(worker.folder)
        assert Path(private.path("file")).is_relative_to(worker.folder)
        assert coded.path("file") == str(kept / "deep" / "file")


@pytest.mark.parametrize(
    ("setting", "eager"),
    [
        ("CELERY_BROKER_URL", {"CELERY_TASK_ALWAYS_EAGER": True}),
        ("BROKER_URL", {"CELERY_ALWAYS_EAGER": True}),
        ("CELERY_BROKER_URL", {"CELERY": {"task_always_eager": True}}),
    ],
)
def test_a_broker_is_reported_unless_tasks_are_eager(setting: str, eager: dict[str, Any]) -> None:
    with override_settings(**{setting: "amqp://shop:hunter2@mq.example//"}):
        (resource,) = shared_resources()
        with override_settings(**eager):
            assert shared_resources() == []
    with override_settings(**{setting: "memory://"}):
        assert shared_resources() == []

    assert (resource.setting, resource.separated) == (setting, False)
    assert "amqp://mq.example," in resource.what
    assert "ALWAYS_EAGER = True" in resource.advice


def test_search_engines_are_reported() -> None:
    engines = {
        "default": {
            "ENGINE": "haystack.backends.elasticsearch7_backend.Elasticsearch7SearchEngine"
        },
        "files": {"ENGINE": "haystack.backends.whoosh_backend.WhooshEngine", "PATH": "/index"},
        "simple": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"},
    }
    hosts = {"default": {"hosts": "http://127.0.0.1:9200"}}
    with override_settings(HAYSTACK_CONNECTIONS=engines, ELASTICSEARCH_DSL=hosts):
        resources = shared_resources()

    assert [resource.setting for resource in resources] == [
        "HAYSTACK_CONNECTIONS['default']",
        "HAYSTACK_CONNECTIONS['files']",
        "ELASTICSEARCH_DSL",
    ]
    assert ["INDEX_NAME" in resources[0].advice, "PATH" in resources[1].advice] == [True, True]
    assert "ELASTICSEARCH_DSL_AUTOSYNC = False" in resources[2].advice


def test_log_files_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    handlers = {
        "file": {"class": "logging.handlers.RotatingFileHandler", "filename": "/log/shop.log"},
        "none": {"class": "logging.FileHandler", "filename": "/dev/null"},
        "stream": {"class": "logging.StreamHandler"},
        "made": {"()": "shop.log.Handler"},
    }
    # Without the signal, on which Django 6.1 would make these handlers.
    monkeypatch.setitem(vars(settings._wrapped), "LOGGING", {"version": 1, "handlers": handlers})

    (resource,) = shared_resources()

    assert resource.setting == "LOGGING['handlers']['file']"
    assert "/log/shop.log" in resource.what


def test_a_mail_backend_is_reported_as_replaced_while_tests_run() -> None:
    with mail_settings(EMAIL_BACKEND="anymail.backends.mailgun.EmailBackend"):
        (resource,) = shared_resources()
    with mail_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend"):
        assert shared_resources() == []

    assert (resource.setting, resource.separated) == ("EMAIL_BACKEND", True)


@pytest.mark.skipif(django.VERSION < (6, 1), reason="The setting is new.")
def test_each_mailer_is_reported_as_replaced_while_tests_run() -> None:
    kept = {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}
    with override_settings(MAILERS={"default": {}, "kept": kept}):
        (resource,) = shared_resources()

    assert (resource.setting, resource.separated) == ("MAILERS['default']", True)
    assert "smtp" in resource.what


@pytest.mark.skipif(django.VERSION >= (6, 1), reason="The setting is Django's.")
def test_mailers_of_the_project_s_own_are_none() -> None:
    with override_settings(MAILERS=["office@example.com"]):
        assert shared_resources() == []


@pytest.mark.parametrize(
    ("setting", "place"),
    [
        ({"REDIS_URL": "redis://127.0.0.1:6379/3"}, "REDIS_URL"),
        ({"REDIS_HOST": "redis"}, "REDIS_HOST"),
        ({"RQ_QUEUES": {"high": {"URL": "rediss://h:1"}}}, "RQ_QUEUES['high']['URL']"),
        ({"EVENTS": [{"dsn": "MONGODB+SRV://h/events"}]}, "EVENTS[0]['dsn']"),
        ({"CELERY_RESULT_BACKEND": "redis://h"}, "CELERY_RESULT_BACKEND"),
    ],
)
def test_addresses_of_servers_in_other_settings_are_reported(
    setting: dict[str, Any], place: str
) -> None:
    with override_settings(**setting):
        (resource,) = shared_resources()

    assert (resource.setting, resource.separated) == (place, False)
    assert "worker.name" in resource.advice


@pytest.mark.parametrize(
    "setting",
    [
        {"SITE_URL": "https://shop.example"},
        {"EMAIL_HOST": "mail.example"},
        {"REDIS_HOST": ""},
        {"REDIS_PORT": 6379},
        {"HOMEPAGE": "a redis://-address is reported"},
    ],
)
def test_other_strings_are_not_reported(setting: dict[str, Any]) -> None:
    with mail_settings(**setting):
        assert shared_resources() == []


def test_an_address_is_reported_once() -> None:
    address = "redis://127.0.0.1:6379/3"
    spec = {"BACKEND": f"{CACHE}.redis.RedisCache", "LOCATION": address}
    with override_settings(REDIS_URL=address, CACHES={"default": spec}):
        assert [resource.setting for resource in shared_resources()] == ["CACHES['default']"]


@pytest.mark.parametrize(
    "address",
    [
        "redis://:hunter2@h:1/0",
        "redis://shop:hunter2@h",
        "redis://:hun/ter2@h/0",
        "redis://:hun?ter2@h/0",
        "redis://:hun#ter2@h/0",
        "redis://:hun@ter2@h/0",
        "redis://h/0?password=hunter2",
        "redis://h/0?password=hun@ter2",
        "redis://:hunter2@h;redis://:hunter2@i",
        "redis://:hunter2@h,redis://:hunter2@i",
        "mongodb://shop:hunter2@h,i/shop?authSource=admin",
    ],
)
def test_no_password_is_reported(address: str) -> None:
    spec = {"BACKEND": f"{CACHE}.redis.RedisCache", "LOCATION": [address]}
    with override_settings(
        CACHES={"default": spec},
        CELERY_BROKER_URL=address,
        SOME_URL=f"{address}&",
        MORE_HOST=address,
    ):
        resources = repr(shared_resources())

    assert "CELERY_BROKER_URL" in resources
    assert "SOME_URL" in resources
    assert "hun" not in resources
    assert "ter2" not in resources


def _prepare(worker: Worker) -> None:
    worker.folder.mkdir(parents=True)


def _fail(worker: Worker) -> None:
    raise LookupError(worker.name)


def test_the_project_s_own_function_is_called_with_the_worker(worker: Worker) -> None:
    set_up(f"{__name__}._prepare", worker)

    assert worker.folder.is_dir()


def test_its_errors_are_reported_with_its_name_and_without_the_toolkits_frames(
    worker: Worker,
) -> None:
    with pytest.raises(SetupFailure) as caught:
        set_up(f"{__name__}._fail", worker)

    message = str(caught.value)
    assert (
        f"The function '{__name__}._fail', which worker_setup names, failed in worker 2" in message
    )
    assert f"LookupError: {worker.name}" in message
    assert "surroundings.py" not in message.replace(Path(__file__).name, "")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("prepare", "cannot be imported"),
        ("no.such.module", "cannot be imported: No module named 'no'"),
        (f"{__name__}.missing", "cannot be imported"),
        (f"{__name__}.FILES", "is not a function, but str"),
    ],
)
def test_a_path_that_names_no_function_is_refused_by_name(path: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        worker_function(path)

    assert repr(path) in caught.value.message
    assert said in caught.value.message
    assert caught.value.hint


def test_a_module_that_fails_while_it_is_imported_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "unfinished_setup.py").write_text("raise ZeroDivisionError('of all things')\n")

    with pytest.raises(UsageError) as caught:
        worker_function("unfinished_setup.worker")

    assert "cannot be imported: ZeroDivisionError: of all things." in caught.value.message
