"""What code uses is recorded in the unit in which it runs, again in each of them."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

PROJECT = {
    "own/__init__.py": "",
    "own/models.py": """
        from django.db import models

        class Book(models.Model):
            title = models.CharField(max_length=10)

            class Meta:
                app_label = "own"
    """,
    "own/templatetags/__init__.py": "",
    "own/templatetags/own_tags.py": """
        from django import template

        register = template.Library()

        @register.tag
        def shout(parser, token):
            return Shout()

        class Shout(template.Node):
            def render(self, context):
                return "!"
    """,
    "own/templates/own/page.html": "{% load own_tags %}{% shout %}",
    "own/views.py": """
        from django.views import View

        class Page(View):
            pass
    """,
    "own/urls.py": """
        from django.urls import path
        from own.views import Page

        urlpatterns = [path("page/", Page.as_view(), name="page")]
    """,
    "own/plain.py": "PLAIN = 1\n",
    "own/plain_again.py": "NAME = 1",
    "own/changes/__init__.py": "",
    "own/changes/first.py": "",
    "own/late.py": """
        import functools

        def prepare():
            return 1

        READY = prepare()

        def unused():
            pass

        @functools.lru_cache(maxsize=None)
        def late_rates():
            return late_rate()

        def late_rate():
            return 1
    """,
    "own/code.py": """
        import asyncio
        import contextlib
        import functools
        import os

        def helper():
            return 1

        def ran_before(value):
            if value is None:
                return 1
            return os.sep

        def early_return(value):
            if value is None:
                return 1
            return os.sep

        def fails():
            raise ValueError(helper())

        def outer():
            def inner():
                return 1
            return inner() + (lambda: 2)()

        def counting():
            yield helper()
            yield 2

        @contextlib.contextmanager
        def managed():
            try:
                yield
            except ValueError:
                swallowed()

        def swallowed():
            pass

        def deco(function):
            @functools.wraps(function)
            def wrapper(*args):
                return function(*args)
            return wrapper

        @deco
        def decorated():
            return 1

        async def coroutine():
            await asyncio.sleep(0)
            return helper()

        def rate():
            return 1

        @functools.cache
        def rates():
            return rate() + int(os.environ.get("OWN_RATE", "1"))

        @functools.lru_cache
        def failing_rates():
            raise ValueError(rate())

        @functools.lru_cache(maxsize=2)
        def nested_rates():
            return rates() + helper()

        class Base:
            def method(self):
                return 1

        def examines():
            return os.stat(__file__)
    """,
    "data/names.json": "{}",
    "data/more.json": "{}",
}

PROGRAM = """
import json, os, sys

sys.path.insert(0, os.getcwd())
import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["own"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    ROOT_URLCONF="own.urls",
    OWN_SIZE=3,
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
)
django.setup()
from own import code
import own_units

from ctest_containers.usage.collector import Collector
from ctest_containers.usage.decoding import UsageDecoder
from ctest_containers.usage.loaded import LoadedFunctions
from ctest_containers.wire import decode, encode

decoder, units = UsageDecoder(), {}

def send(event):
    usage = decoder.decode(decode(encode(event)[:-1]))
    units[event.unit] = units[event.unit] | usage if event.unit in units else usage

code.ran_before(None)
loaded = LoadedFunctions()
before = UsageDecoder().decode(loaded.base())
trace = sys.gettrace()
collector = Collector(worker=1, own="", send=send, cached=loaded.cached)
collector.start()
"""

UNITS = """
import asyncio, glob, importlib, os, subprocess, tempfile, threading
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.template.loader import get_template
from django.test import override_settings
from django.urls import resolve, reverse
from django.utils.module_loading import import_string
from own import code

def test_helper(): code.helper(); code.helper()
def test_helper_again(): code.helper()
def test_often():
    for _ in range(2000): code.helper()
    code.rate()
def test_often_again():
    code.helper()
    code.rate()
def test_nothing(): pass
def test_fails():
    try: code.fails()
    except ValueError: pass
def test_nested(): code.outer()
def test_generator_begins():
    global generator
    generator = code.counting()
    next(generator)
def test_generator_goes_on(): next(generator)
def test_context_begins():
    global manager
    manager = code.managed()
    manager.__enter__()
def test_context_gets_an_error(): manager.__exit__(ValueError, ValueError(), None)
def test_decorated(): code.decorated()
def test_async(): asyncio.run(code.coroutine())
def test_thread():
    thread = threading.Thread(target=code.helper)
    thread.start()
    thread.join()
def test_inherited(): type("Derived", (code.Base,), {})().method()
def test_cache_is_filled():
    code.rate()
    code.rates()
    code.helper()
def test_cache_is_used(): code.rates()
def test_cached_functions_nest(): code.rates.cache_clear(); code.nested_rates()
def test_cached_function_fails():
    try: code.failing_rates()
    except ValueError: pass
    code.helper()
def test_module_is_imported():
    import own.late
    code.helper()
    own.late.late_rates()
def test_plain_module_is_imported(): import own.plain
def test_module_is_loaded_again():
    import own.plain_again
    code.helper()
    importlib.reload(own.plain_again)
def test_empty_module_is_loaded_again():
    import own.changes.first
    code.helper()
    importlib.reload(own.changes)
def test_files():
    open("data/names.json").close()
    Path("data/missing.json").exists()
    os.path.isdir("data")
    os.listdir("data")
    glob.glob("data/*.json")
def test_written_file():
    Path("data/written.json").exists()
    Path("data/written.json").write_text("{}")
    Path("data/written.json").read_text()
def test_variables():
    os.environ.get("OWN_TENANT")
    os.getenv("OWN_OTHER")
    dict(os.environ)
    os.environ.copy()
    tempfile.gettempdir()
def test_settings():
    settings.OWN_SIZE
    getattr(settings, "OWN_MISSING", None)
    settings.TEMPLATES
def test_settings_again(): settings.OWN_SIZE
def test_settings_before_others_change():
    settings.OWN_SIZE
    with override_settings(OWN_OTHER=4):
        pass
def test_overridden_settings():
    with override_settings(OWN_SIZE=4):
        settings.OWN_SIZE
def test_template(): get_template("own/page.html").render()
def test_template_again(): get_template("own/page.html").render()
def test_model(): apps.get_model("own.book")
def test_models(): apps.get_models()
def test_models_again(): apps.get_models()
def test_lookups():
    importlib.import_module("own.views")
    import_string("own.views.Page")
    importlib.import_module("json")
def test_view(): resolve("/page/")
def test_reversed(): reverse("page")
def test_program(): subprocess.run(["true"])
def test_examined(): code.examines()
def test_sql():
    with connection.cursor() as cursor:
        for number in range(3):
            cursor.execute("SELECT %s", [number])
        try: cursor.execute("SELECT nothing")
        except Exception: pass
"""

END = """
for name, unit in [*vars(own_units).items()]:
    if name.startswith("test_"):
        with collector.unit("test " + name):
            unit()
        if name == "test_nothing":
            code.early_return(None)

with collector.unit("test with_fixture"):
    with collector.unit("class own.Tests"):
        code.helper()
    code.rate()
collector.begin("test invalid")
code.swallowed()
collector.end(is_valid=False)
with collector.unit("test after"):
    code.swallowed()
is_unchanged = sys.gettrace() is trace
collector.stop()
code.helper()

def plain(value):
    if isinstance(value, (set, frozenset, tuple)):
        return sorted(map(plain, value), key=str)
    return value

units["before"] = before
print(json.dumps({
    "unchanged": is_unchanged,
    "units": {
        unit: {
            **{kind: [list(item) if isinstance(item, tuple) else item
                      for item in sorted(getattr(usage, kind))]
               for kind in usage.__dataclass_fields__ if kind != "statements"},
            "statements": [[s.text, s.alias, s.count, dict(s.places)] for s in usage.statements],
        }
        for unit, usage in units.items()
    },
}))
"""


class Recorded:
    """The usage of the units of the program."""

    def __init__(self, project: Path) -> None:
        ran = subprocess.run(
            [sys.executable, "program.py"], cwd=project, check=False, capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stderr
        data = json.loads(ran.stdout.splitlines()[-1])
        self.units: dict[str, dict[str, list[Any]]] = data["units"]
        self.is_trace_unchanged: bool = data["unchanged"]
        self._names = {
            (module, min([line.lineno, *(part.lineno for part in line.decorator_list)])): line.name
            for file in project.rglob("*.py")
            for module in [".".join(file.relative_to(project).with_suffix("").parts)]
            for line in ast.walk(ast.parse(file.read_text()))
            if isinstance(line, ast.FunctionDef | ast.AsyncFunctionDef)
        }

    def functions(self, unit: str) -> set[str]:
        """The names of functions of a unit, apart from the test itself."""
        ran = {self._names.get((module, line)) for module, line in self.units[unit]["functions"]}
        return {name for name in ran if name is not None and not name.startswith("test_")}

    def get(self, unit: str, kind: str) -> set[Any]:
        """What a unit has used."""
        return set(self.units[unit][kind])


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    project = tmp_path_factory.mktemp("project")
    for name, text in PROJECT.items():
        file = project / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text))
    (project / "own_units.py").write_text(UNITS)
    (project / "program.py").write_text(PROGRAM + END)
    return Recorded(project)


@pytest.mark.parametrize(
    ("unit", "functions"),
    [
        ("helper", {"helper"}),
        ("helper_again", {"helper"}),
        ("nothing", set()),
        ("fails", {"fails", "helper"}),
        ("nested", {"outer", "inner"}),
        ("generator_begins", {"counting", "helper"}),
        ("generator_goes_on", {"counting"}),
        ("context_gets_an_error", {"managed", "swallowed"}),
        ("decorated", {"wrapper", "decorated"}),
        ("async", {"coroutine", "helper"}),
        ("thread", {"helper"}),
        ("inherited", {"method"}),
    ],
)
def test_functions_are_recorded_in_each_unit_in_which_they_run(
    recorded: Recorded, unit: str, functions: set[str]
) -> None:
    assert recorded.functions(f"test test_{unit}") - {"deco"} == functions


def test_a_unit_inside_another_one_has_its_own_functions(recorded: Recorded) -> None:
    assert recorded.functions("class own.Tests") == {"helper"}
    assert recorded.functions("test with_fixture") == {"rate"}


def test_what_runs_between_tests_counts_for_all(recorded: Recorded) -> None:
    assert "early_return" in recorded.functions("base")


def test_a_unit_that_did_not_end_is_not_sent(recorded: Recorded) -> None:
    assert "test invalid" not in recorded.units
    assert recorded.functions("test after") == {"swallowed"}


def test_what_fills_a_cache_is_recorded_even_if_it_ran_before(recorded: Recorded) -> None:
    assert recorded.functions("cached own.code:rates") == {"rate"}
    assert recorded.get("cached own.code:rates", "variables") == {"OWN_RATE"}
    assert recorded.functions("test test_cache_is_filled") == {"rate", "rates", "helper"}


def test_caches_of_late_imports_are_units_as_well(recorded: Recorded) -> None:
    assert recorded.functions("cached own.late:late_rates") == {"late_rate"}


def test_functions_that_ran_before_the_recording_are_found(recorded: Recorded) -> None:
    functions = recorded.functions("before")
    assert "ran_before" in functions
    assert functions.isdisjoint({"fails", "outer", "rates", "examines"})
    if sys.version_info >= (3, 13):
        assert functions.isdisjoint({"helper", "early_return"})


def test_a_cached_answer_runs_nothing(recorded: Recorded) -> None:
    assert recorded.functions("test test_cache_is_used") == set()


def test_cached_functions_may_call_each_other(recorded: Recorded) -> None:
    assert recorded.functions("cached own.code:nested_rates") == {"rates", "rate", "helper"}


def test_a_cached_function_that_fails_has_ended(recorded: Recorded) -> None:
    assert recorded.functions("cached own.code:failing_rates") == {"rate"}
    assert "helper" in recorded.functions("test test_cached_function_fails")


def test_code_that_runs_in_a_late_import_is_a_unit(recorded: Recorded) -> None:
    assert recorded.functions("import own.late") == {"prepare"}
    assert "helper" not in recorded.functions("import own.late")
    assert "helper" in recorded.functions("test test_module_is_imported")


def test_a_late_import_counts_even_if_it_uses_nothing(recorded: Recorded) -> None:
    assert recorded.functions("import own.plain") == set()


def test_what_has_run_before_a_module_is_loaded_again_counts_for_all(recorded: Recorded) -> None:
    assert recorded.functions("import own.plain_again") == {"helper"}


def test_loading_an_empty_module_again_changes_nothing(recorded: Recorded) -> None:
    assert recorded.functions("import own.changes") == set()


def test_files_are_recorded(recorded: Recorded) -> None:
    unit = "test test_files"
    assert recorded.get(unit, "files") == {"data/names.json"}
    assert recorded.get(unit, "paths") >= {"data/missing.json", "data"}
    assert recorded.get(unit, "folders") == {"data"}
    assert recorded.get(unit, "matches") == {"data/*.json"}


def test_files_that_a_test_writes_are_no_inputs(recorded: Recorded) -> None:
    assert recorded.get("test test_written_file", "files") == set()
    assert recorded.get("test test_written_file", "paths") == set()


def test_variables_that_are_read_are_recorded_and_not_those_that_are_copied(
    recorded: Recorded,
) -> None:
    assert recorded.get("test test_variables", "variables") == {"OWN_TENANT", "OWN_OTHER"}


def test_functions_that_ran_often_are_recorded_in_the_next_unit(recorded: Recorded) -> None:
    assert recorded.functions("test test_often") == {"helper", "rate"}
    assert recorded.functions("test test_often_again") == {"helper", "rate"}


def test_settings_are_recorded_in_each_unit(recorded: Recorded) -> None:
    assert recorded.get("test test_settings", "settings") == {"OWN_SIZE", "OWN_MISSING"}
    assert recorded.get("test test_settings_again", "settings") == {"OWN_SIZE"}
    assert "OWN_SIZE" in recorded.get("test test_overridden_settings", "settings")
    assert "OWN_SIZE" in recorded.get("test test_settings_before_others_change", "settings")


def test_settings_from_which_django_makes_lasting_objects_count_for_all(
    recorded: Recorded,
) -> None:
    assert "TEMPLATES" in recorded.get("base", "settings")


@pytest.mark.parametrize("unit", ["template", "template_again"])
def test_every_test_with_a_template_has_what_loading_it_used(recorded: Recorded, unit: str) -> None:
    assert recorded.get(f"test test_{unit}", "templates") == {"own/page.html"}
    assert recorded.functions(f"test test_{unit}") == {"shout", "render"}


def test_models_that_are_looked_up_are_recorded(recorded: Recorded) -> None:
    assert recorded.get("test test_model", "models") == {"own.Book"}
    assert recorded.get("test test_models", "models") == {"*"}
    assert recorded.get("test test_models_again", "models") == {"*"}


def test_names_that_are_looked_up_are_recorded(recorded: Recorded) -> None:
    assert recorded.get("test test_lookups", "lookups") == {"own.views", "own.views.Page"}


def test_what_a_url_leads_to_is_recorded(recorded: Recorded) -> None:
    assert "own.views.Page" in recorded.get("test test_view", "classes")
    assert "own.urls" in recorded.get("test test_reversed", "lookups")


def test_programs_make_a_unit_opaque(recorded: Recorded) -> None:
    assert recorded.get("test test_program", "opaque") == {"starts the program true"}
    assert recorded.get("test test_examined", "opaque") == {
        "may examine files with functions of os"
    }


def test_statements_are_counted_by_their_text_and_place(recorded: Recorded) -> None:
    select, failing = recorded.units["test test_sql"]["statements"]
    assert select[:3] == ["SELECT ?", "default", 3]
    assert failing[:3] == ["SELECT nothing", "default", 1]
    ((place, count),) = select[3].items()
    assert place.startswith("own_units.py:")
    assert count == 3


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Before, it is the only way.")
def test_the_trace_function_stays_what_it_is(recorded: Recorded) -> None:
    assert recorded.is_trace_unchanged
