"""Definitions are found in texts of modules, with all they refer to; nothing is imported."""

from __future__ import annotations

import importlib
from pathlib import Path
from textwrap import dedent

import pytest

from ctest_containers.recording.sources import Sources

FILES = {
    "__init__": "1 / 0\n",
    "roles": """
        from .base import BASE, make
        from .star import *

        ROLES = [*BASE, "editor"]
        ROLES.append(STARRED)
        MADE = make(3)
        OTHER = 5
        try:
            import missing
            FOUND = 1
        except ImportError:
            FOUND = None

        class Roles(list):
            '''Their names.'''

            names = ROLES

            @property
            def first(self, default=OTHER):
                return self.names[0]

            class Inner:
                size = 1

                def unused(self):
                    pass
    """,
    "base": """
        BASE = ["viewer"]

        def make(number):
            return helper(number)

        def helper(number):
            return number
    """,
    "star": "STARRED = 1\nUNUSED = 2\n",
    "side": "EFFECT = 1\n\ndef unused(): pass\n",
    "passing": """
        from django.db import migrations, models
        from own_recorded.base import make
        from own_recorded.side import unused

        PASSED = [migrations.RunPython(unused), models.CharField(validators=[unused])]
        CALLED = [migrations.RunPython(make(unused))]
        GIVEN = make(unused)
    """,
    "loops": "from own_recorded.loops_back import NAME\n",
    "loops_back": "from own_recorded.loops import NAME\n",
    "fill": """
        from django.conf import settings as configured
        from own_recorded import base, roles
        from own_recorded.loops import NAME

        def fill(apps, editor):
            for role in roles.ROLES:
                helper(role)

        def local(apps, editor):
            import own_recorded.side
            from own_recorded.roles import Roles as Chosen
            ROLES = 1
            return Chosen(), ROLES

        def helper(role):
            return configured.LIMIT, configured.lower, base.make(1)

        def circle():
            return NAME

        KEY = lambda role: role
    """,
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that would raise if it were imported."""
    monkeypatch.syspath_prepend(str(tmp_path))
    package = tmp_path / "own_recorded"
    package.mkdir()
    for name, text in FILES.items():
        (package / f"{name}.py").write_text(dedent(text))
    return package


def closure(*definitions: str) -> set[str]:
    """The names of definitions and of what they refer to, without that of their package."""
    wanted = [("own_recorded." + one.split(":")[0], one.split(":")[1]) for one in definitions]
    found = Sources().closure(wanted)
    return {f"{module.removeprefix('own_recorded.')}:{name}" for module, name in found}


def text(module: str, name: str) -> str:
    """The text of a definition."""
    found = Sources().find(f"own_recorded.{module}")
    assert found is not None
    return (found.text_of(name) or b"").decode()


def test_a_function_refers_to_the_values_it_uses_and_to_what_these_are_made_of() -> None:
    assert closure("fill:fill") == {"fill:fill", "roles:ROLES", "base:BASE", "star:STARRED"}


def test_functions_that_it_calls_are_recorded_themselves() -> None:
    assert closure("fill:helper") == {"fill:helper"}


def test_functions_that_a_statement_has_called_have_run_before() -> None:
    assert closure("roles:MADE") == {"roles:MADE", "base:make", "base:helper"}


@pytest.mark.parametrize(
    ("name", "functions"),
    [("PASSED", set()), ("CALLED", {"base:make", "base:helper", "side:unused"}),
     ("GIVEN", {"base:make", "base:helper", "side:unused"})],
)  # fmt: skip
def test_a_function_that_only_django_gets_has_not_run_before(
    name: str, functions: set[str]
) -> None:
    assert closure(f"passing:{name}") == {f"passing:{name}", *functions}


def test_what_a_function_imports_is_found_and_what_it_binds_is_its_own() -> None:
    found = closure("fill:local")

    assert "roles:Roles" in found
    assert "side:" in found
    assert "fill:ROLES" not in found


def test_a_method_refers_to_its_class_and_a_class_to_what_it_is_made_of() -> None:
    assert closure("roles:Roles.first") >= {"roles:Roles", "roles:OTHER", "roles:ROLES"}


def test_imports_in_a_circle_lead_nowhere() -> None:
    assert closure("fill:circle") == {"fill:circle"}


def test_a_module_that_appears_later_is_found_when_sources_look_again(folder: Path) -> None:
    (folder / "early.py").write_text("from own_recorded.late import ROLES\nALL = ROLES\n")
    sources = Sources()
    early, late = ("own_recorded.early", "ALL"), ("own_recorded.late", "ROLES")
    assert sources.closure([early]) == {early}

    (folder / "late.py").write_text("ROLES = 1\n")

    assert sources.closure([early]) == {early}
    sources.look_again()
    assert sources.closure([early]) == {early, late}


def test_the_text_of_a_class_has_the_names_of_its_methods_alone() -> None:
    found = text("roles", "Roles")

    assert "names = ROLES" in found
    assert "size = 1" in found
    assert "def " not in found
    assert "@property" not in found
    # A method that is new may be called in place of an inherited one.
    assert found.endswith("first\n")


def test_the_text_of_a_name_is_that_of_all_statements_which_give_it_a_value() -> None:
    assert text("roles", "ROLES") == '\nROLES = [*BASE, "editor"]\nROLES.append(STARRED)\n'.lstrip()
    assert text("roles", "FOUND").count("FOUND") == 2


def test_the_text_of_a_module_has_none_of_its_functions() -> None:
    assert text("side", "") == "EFFECT = 1\n"


def test_a_line_leads_to_the_innermost_function_or_to_what_its_statement_binds() -> None:
    module = Sources().find("own_recorded.roles")
    assert module is not None
    lines = module.text.decode().splitlines()

    found = {line.strip(): module.function_at(number) for number, line in enumerate(lines, start=1)}

    assert found["return self.names[0]"] == "Roles.first"
    assert found["@property"] == "Roles.first"
    assert found["MADE = make(3)"] == "MADE"
    assert found["size = 1"] == "Roles"


def test_settings_are_found_by_whatever_name_they_are_read() -> None:
    sources = Sources()

    assert sources.settings(("own_recorded.fill", "helper")) == {"LIMIT"}


@pytest.mark.parametrize("module", ["json", "django.db.models", "own_recorded.nowhere", "", "a..b"])
def test_python_django_and_what_does_not_exist_have_no_text(module: str) -> None:
    assert Sources().find(module) is None


def test_a_module_that_cannot_be_parsed_has_no_definitions(folder: Path) -> None:
    (folder / "broken.py").write_text("def (:\n")
    module = Sources().find("own_recorded.broken")

    assert module is not None
    assert module.text_of("anything") is None
    assert module.function_at(1) == ""


def test_modules_are_found_in_all_folders_of_a_loaded_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, module in (("own", "first"), ("plugin", "second")):
        package = tmp_path / folder / "own_extended" / "inner"
        package.mkdir(parents=True)
        (package / f"{module}.py").write_text("VALUE = 1\n")
    extended = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"
    for file in ("__init__.py", "inner/__init__.py"):
        for folder in ("own", "plugin"):
            (tmp_path / folder / "own_extended" / file).write_text(extended)
        monkeypatch.syspath_prepend(str(tmp_path / "plugin"))
    monkeypatch.syspath_prepend(str(tmp_path / "own"))
    importlib.import_module("own_extended.inner")

    sources = Sources()

    assert sources.find("own_extended.inner.first") is not None
    assert sources.find("own_extended.inner.second") is not None
    assert sources.find("own_extended.inner.third") is None
