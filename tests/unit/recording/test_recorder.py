"""What the code of a project asks for is recorded, however it asks, and nothing that others do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent, indent

import django
import pytest
from harness.programs import run_program

from ctest_containers.recording.used import Used

HEADER = """
import glob
import importlib
import importlib.resources
import json
import os
import pkgutil
import shutil
import subprocess
import tempfile
from importlib import import_module
from pathlib import Path

from django.conf import settings
from django.utils.module_loading import import_string

import own_used.roles

def helper():
    return 1

def unused():
    return 2

def build():
"""

ROLES = """
import functools, os

ROLES = []

if ROLES:
    from own_used.late import choose
else:
    from own_used.plugin import choose

class Loader:
    @staticmethod
    @functools.cache
    def cached():
        return os.environ["OWN_TENANT"]

class Rows(Loader):
    rows = 1

@functools.lru_cache
def tenant():
    return os.environ.get("OWN_TENANT"), os.getenv("OWN_OTHER"), "OWN_THIRD" in os.environ

@functools.lru_cache
def never_called():
    return os.environ["OWN_UNUSED"]

def drawn():
    from random import randint
    return randint(1, 2)

def loaders():
    return Loader.__subclasses__()
"""

LOAD_A_PLUGIN = """
import importlib.util
spec = importlib.util.spec_from_file_location("plugin", "own_used/alone.py")
spec.loader.exec_module(importlib.util.module_from_spec(spec))
"""

READ_IN_A_THREAD = """
import threading
reader = threading.Thread(target=Path("seed/rows.json").read_text)
reader.start()
reader.join()
"""

READ_IN_A_POOL = """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(2) as pool:
    list(pool.map(Path.read_text, [Path("seed/rows.json")]))
"""

MAKE_A_THING = """
import datetime, random, uuid
from django.db import models
class Thing(models.Model):
    made = models.{field}
    class Meta:
        app_label = "shop"
thing = Thing()
thing._meta.get_field("made").pre_save(thing, True)
"""

FILES: dict[str, tuple[str, set[str]]] = {
    "open": ("open('seed/rows.json').close()", {"seed/rows.json"}),
    "pathlib": ("Path('seed/rows.json').read_text()", {"seed/rows.json"}),
    "another folder": ("Path('seed/../seed/rows.json').read_bytes()", {"seed/rows.json"}),
    "absolute": ("Path('seed/rows.json').resolve().read_bytes()", {"seed/rows.json"}),
    "json": ("json.load(open('seed/rows.json'))", {"seed/rows.json"}),
    "what is missing": ("try: open('seed/none')\nexcept OSError: pass", {"seed/none"}),
    "data of a package": ("pkgutil.get_data('own_used', 'data.txt')", {"own_used/data.txt"}),
    "a resource": (
        "(importlib.resources.files('own_used') / 'data.txt').read_text()",
        {"own_used/data.txt"},
    ),
    "shutil": ("shutil.copy('seed/rows.json', tempfile.gettempdir() + '/x')", {"seed/rows.json"}),
    "from another folder": (
        "import os\nos.chdir('seed')\nopen('rows.json').close()\nos.chdir('..')",
        {"seed/rows.json"},
    ),
    "linecache": ("import linecache\nlinecache.getline('seed/rows.json', 1)", {"seed/rows.json"}),
    "code that is read": (
        "exec(open('own_used/roles.py').read(), {})",
        {"own_used/roles.py"},
    ),
    "code that is run": ("import runpy\nrunpy.run_path('own_used/late.py')", {"own_used/late.py"}),
    "code without a module": (LOAD_A_PLUGIN, {"own_used/alone.py"}),
    "a database of SQLite's": (
        "import sqlite3\nsqlite3.connect('seed/rows.json').close()",
        {"seed/rows.json"},
    ),
    "a database of SQLite's by its URI": (
        "import sqlite3\nsqlite3.connect('file:seed/rows.json?mode=ro', uri=True).close()",
        {"seed/rows.json"},
    ),
    "a database in memory": ("import sqlite3\nsqlite3.connect(':memory:').close()", set()),
    "a thread": (READ_IN_A_THREAD, {"seed/rows.json"}),
    "a pool of threads": (READ_IN_A_POOL, {"seed/rows.json"}),
    "its size": ("os.path.getsize('seed/rows.json')", {"seed/rows.json"}),
    "its age": ("Path('seed/rows.json').stat().st_mtime", {"seed/rows.json"}),
    "all that the system knows of it": ("os.stat('seed/rows.json')", {"seed/rows.json"}),
    "that it is there": ("assert Path('seed/rows.json').exists()", set()),
    "written": ("open('written', 'w').close(); open('written').close()", set()),
    "appended": ("open('seed/rows.json', 'a').close()", set()),
    "a temporary file": ("tempfile.TemporaryFile().close()", set()),
    "what Python imports": ("import colorsys, own_used.late", set()),
    "a system file": ("open('/dev/null').close()", set()),
}


PROGRAM = """
import sys
import django
from django.conf import settings

settings.configure(OWN_LIMIT=3, USE_TZ=True)
django.setup()

from own_used import work
from ctest_containers.recording.portable_paths import PortablePaths
from ctest_containers.recording.recorder import Recorder

exec(sys.argv[1])
recorder = Recorder(PortablePaths.here(), (), lambda statement: "")
recorder.start()
work.build()
print(recorder.stop().to_json())
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose `build` a test writes."""
    folder = tmp_path / "project"
    (folder / "seed").mkdir(parents=True)
    (folder / "seed" / "rows.json").write_text("{}")
    (folder / "own_used").mkdir()
    for name in ("__init__.py", "alone.py", "late.py", "plugin.py", "data.txt"):
        (folder / "own_used" / name).write_text("def choose(): pass\n")
    (folder / "own_used" / "roles.py").write_text(ROLES)
    (tmp_path / "tmp").mkdir()
    return folder


def used_by(project: Path, body: str, before: str = "") -> Used:
    """What a process uses whose `build` has this body.

    Args:
        before: What runs before anything is recorded.
    """
    (project / "own_used" / "work.py").write_text(HEADER + indent(body, "    "))
    done = run_program(
        [sys.executable, "-c", PROGRAM, before],
        project,
        {**os.environ, "OWN_TENANT": "acme", "TMPDIR": str(project.parent / "tmp")},
        stderr=subprocess.PIPE,
        seconds=60,
    )
    assert done.returncode == 0, done.stderr
    return Used.from_json(done.stdout)


@pytest.mark.parametrize("way", FILES)
def test_files_are_recorded_whatever_opens_them(way: str, project: Path) -> None:
    body, expected = FILES[way]

    assert used_by(project, body).files == expected


@pytest.mark.parametrize(
    "body",
    ["os.listdir('seed')", "list(os.scandir('seed'))", "list(Path('seed').iterdir())",
     "list(Path('seed').glob('*.json'))", "list(os.walk('seed'))"],
)  # fmt: skip
def test_folders_are_recorded_whatever_lists_them(body: str, project: Path) -> None:
    assert used_by(project, body).folders == {"seed"}


LOOK_FOR_FIXTURES = """
from django.core.management.commands.loaddata import Command
Command().find_fixture_files_in_dir('seed', 'rows', {'rows.json'})
"""


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("glob.glob('seed/*.json')", {"seed/*.json"}),
        ("list(glob.iglob('*/r*.json'))", {"./*", "own_used/r*.json", "seed/r*.json"}),
        (LOOK_FOR_FIXTURES, {"seed/rows*"}),
    ],
)  # fmt: skip
def test_patterns_are_recorded_by_which_files_are_looked_for(
    body: str, expected: set[str], project: Path
) -> None:
    found = used_by(project, body)

    assert found.matches == expected
    assert found.folders == set()


def test_folders_around_the_project_are_not_recorded(project: Path) -> None:
    assert used_by(project, "Path('seed').resolve(); os.path.realpath('.')").paths == {"seed"}


@pytest.mark.parametrize(
    "body",
    ["os.path.exists('flag')", "Path('flag').exists()", "os.path.isfile('flag')",
     "Path('flag').is_dir()", "os.access('flag', os.R_OK)"],
)  # fmt: skip
def test_what_is_only_looked_at_is_recorded(body: str, project: Path) -> None:
    assert used_by(project, body).paths == {"flag"}


@pytest.mark.parametrize(
    "body",
    ["os.environ['OWN_TENANT']", "os.environ.get('OWN_TENANT')", "os.getenv('OWN_TENANT')",
     "'OWN_TENANT' in os.environ", "os.environb.get(b'OWN_TENANT')",
     "__import__('string').Template('$OWN_TENANT').substitute(os.environ)",
     "os.environ.setdefault('OWN_' + 'TENANT', 'x'); os.environ['OWN_TENANT'] = 'y'",
     "os.path.expandvars('$OWN_TENANT')", "os.environ.setdefault('OWN_TENANT', 'x')"],
)  # fmt: skip
def test_variables_are_recorded_whatever_reads_them(body: str, project: Path) -> None:
    assert used_by(project, body).variables == {"OWN_TENANT"}


@pytest.mark.parametrize(
    "body",
    ["dict(os.environ)", "os.environ.copy()", "{**os.environ}", "shutil.which('sh')",
     "subprocess.run(['true'], env={**os.environ, 'X': '1'})", "Path.home()",
     "os.environ['OWN_TENANT'] = 'x'; os.environ['OWN_TENANT']", "settings.DEBUG"],
)  # fmt: skip
def test_variables_that_are_passed_on_or_that_python_needs_are_not(
    body: str, project: Path
) -> None:
    assert used_by(project, body).variables == set()


@pytest.mark.parametrize(
    "body",
    ["settings.OWN_LIMIT", "getattr(settings, 'OWN_' + 'LIMIT')", "hasattr(settings, 'OWN_LIMIT')"],
)
def test_settings_are_recorded_whatever_reads_them(body: str, project: Path) -> None:
    assert "OWN_LIMIT" in used_by(project, body).settings


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ("settings.MEDIA_ROOT", "MEDIA_ROOT"),
        ("getattr(settings, 'LANGU' + 'AGES')", "LANGUAGES"),
        ("from django.core.signing import loads, dumps; loads(dumps(1, key='x'), key='x')",
         "SECRET_KEY_FALLBACKS"),
        ("from django.core.files.storage import FileSystemStorage as S; S().location",
         "MEDIA_ROOT"),
    ],
)  # fmt: skip
def test_django_settings_are_recorded_no_matter_what_code_reads_them(
    body: str, name: str, project: Path
) -> None:
    assert name in used_by(project, body).settings


def test_settings_that_tests_change_are_not_recorded(project: Path) -> None:
    assert used_by(project, "getattr(settings, 'DE' + 'BUG'); settings.DATABASES").settings == {
        "DATABASES"
    }


@pytest.mark.skipif(django.VERSION < (6, 1), reason="It does not look at who reads a setting.")
def test_django_does_not_warn_of_deprecated_settings_that_it_reads_itself(project: Path) -> None:
    body = """
        import warnings
        warnings.simplefilter("error")
        from django.test.utils import setup_test_environment
        setup_test_environment()
    """

    # A warning would end the process.
    used_by(project, dedent(body))


def test_settings_are_recorded_that_another_holder_has(project: Path) -> None:
    body = """
        from types import SimpleNamespace
        settings._wrapped = SimpleNamespace(OWN_TENANT="acme")
        settings.OWN_TENANT
    """

    assert "OWN_TENANT" in used_by(project, dedent(body)).settings


@pytest.mark.skipif(django.VERSION >= (6, 1), reason="The setting is Django's.")
def test_a_setting_counts_that_only_later_versions_of_django_know(project: Path) -> None:
    assert "MAILERS" in used_by(project, "getattr(settings, 'MAILERS', None)").settings


def test_variables_count_that_a_function_has_read_whose_answer_is_kept(project: Path) -> None:
    before = "from own_used.roles import Loader, tenant; tenant(); Loader.cached()"

    found = used_by(project, "own_used.roles.tenant(); own_used.roles.Loader.cached()", before)

    assert found.variables == {"OWN_TENANT", "OWN_OTHER", "OWN_THIRD"}
    assert {("own_used.roles", "tenant"), ("own_used.roles", "Loader.cached")} <= found.definitions
    assert ("own_used.roles", "never_called") not in found.definitions


def test_names_count_that_a_function_uses_for_what_others_define(project: Path) -> None:
    found = used_by(project, "helper()\nfrom own_used.roles import choose, loaders")

    assert {"own_used.work.helper", "own_used.roles.loaders"} <= found.names
    assert not {"own_used.work.Path", "own_used.work.unused"} & found.names


def test_classes_count_whose_subclasses_are_looked_for(project: Path) -> None:
    assert used_by(project, "own_used.roles.loaders()").families == {"own_used.roles.Loader"}
    assert used_by(project, "own_used.roles.Loader()").families == set()


@pytest.mark.parametrize(
    ("body", "definition"),
    [
        ("helper()", ("own_used.work", "helper")),
        ("globals()['help' + 'er']()", ("own_used.work", "helper")),
        ("own_used.roles.ROLES", ("own_used.roles", "ROLES")),
        ("from own_used.roles import ROLES", ("own_used.roles", "ROLES")),
        ("import_module('own_used.' + 'roles')", ("own_used.roles", "")),
        ("importlib.import_module('own_used.late')", ("own_used.late", "")),
        ("import_string('own_used.roles.' + 'ROLES')", ("own_used.roles", "ROLES")),
    ],
    ids=["a call", "a computed call", "an attribute", "an import", "a computed import",
         "a late import", "a computed name"],
)  # fmt: skip
def test_definitions_are_recorded_whatever_names_them(
    body: str, definition: tuple[str, str], project: Path
) -> None:
    found = used_by(project, body).definitions

    assert definition in found
    assert ("own_used.work", "build") in found
    assert ("own_used.work", "unused") not in found


@pytest.mark.parametrize(
    ("body", "clock"),
    [
        ("from django.utils import timezone\ntimezone.now()", "django.utils.timezone.now"),
        ("from django.utils.timezone import now\nlist(map(lambda get: get(), [now]))",
         "django.utils.timezone.now"),
        ("import datetime\ndatetime.datetime.now()", "datetime.datetime.now"),
        ("from datetime import date as day\nday.today()", "datetime.date.today"),
        ("import time\ntime.time()", "time.time"),
        ("import uuid\nuuid.uuid4()", "uuid.uuid4"),
        ("import uuid\nlist(map(lambda get: get(), [uuid.uuid4]))", "uuid.uuid4"),
        ("import random\nrandom.choice([1])", "random.choice"),
        ("from random import random\nrandom()", "random.random"),
        ("import secrets\nsecrets.token_hex()", "secrets.token_hex"),
        ("os.urandom(3)", "os.urandom"),
        ("from django.contrib.auth.hashers import make_password\nmake_password('a')",
         "django.utils.crypto.get_random_string"),
        ("own_used.roles.drawn()", "random.randint"),
    ],
)  # fmt: skip
def test_clocks_and_random_numbers_are_recorded_no_matter_what_calls_them(
    body: str, clock: str, project: Path
) -> None:
    assert clock in used_by(project, body).clocks


@pytest.mark.parametrize(
    ("field", "clock"),
    [
        ("DateField(auto_now_add=True)", "DateField with auto_now"),
        ("TimeField(auto_now=True)", "TimeField with auto_now"),
        ("DateTimeField(default=datetime.datetime.now)", "datetime.datetime.now"),
        ("DateField(default=datetime.date.today)", "datetime.date.today"),
        ("FloatField(default=random.random)", "random.random"),
        ("UUIDField(default=uuid.uuid4)", "uuid.uuid4"),
        ("DateField(default=datetime.date(2020, 1, 1))", ""),
    ],
)
def test_clocks_of_fields_are_recorded(field: str, clock: str, project: Path) -> None:
    body = MAKE_A_THING.replace("{field}", field)

    assert used_by(project, body).clocks == ({clock} if clock else set())


@pytest.mark.parametrize(
    "body",
    ["import random\nrandom.Random(3).random()", "import time\ntime.monotonic()", "helper()",
     "from datetime import datetime\ndatetime(2020, 1, 1).isoformat()",
     "from django.utils import timezone\ntimezone.get_current_timezone()"],
)  # fmt: skip
def test_what_gives_the_same_each_time_is_no_clock(body: str, project: Path) -> None:
    assert used_by(project, body).clocks == set()


def test_programs_are_recorded(project: Path) -> None:
    assert used_by(project, "subprocess.run(['true'])").programs == {"true"}
    assert sys.platform != "win32"
