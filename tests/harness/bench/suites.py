"""The suites that are run in several ways: projects, and how runners are called there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from harness.bench.generated import Shape, write
from harness.bench.place import SQLITE, Place
from harness.django_suite import SETTINGS, unpack
from harness.projects import TESTS, copy_of

NOWHERE: Final = "/nowhere"
"""What the settings name for the toolkit, which never goes there."""

SHOP_SETTINGS: Final = """\
from shop.settings import *

# The project asks for these where `test` is on the command line, which under pytest it is not.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
"""

SQLITE_SETTINGS: Final = """\
import os
from test_sqlite import *

TEST_RUNNER = os.environ["CHOSEN_RUNNER"]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """Tests that several runners can run.

    Attributes:
        toolkit: The arguments for the toolkit.
        django: Those for Django's own runner.
        variables: For every runner.
        toolkit_variables: For the toolkit alone.
        leads_to: Gives the variables that lead to a server with this HOST.
        labels: What is selected, behind all options.
        has_pytest: Whether pytest can run it.
        pytest_counts: Why pytest counts other tests than unittest; empty where it does not.
    """

    folder: Path
    toolkit: tuple[str, ...] = ("-m", "ctest_containers")
    django: tuple[str, ...] = ("manage.py", "test")
    variables: Mapping[str, str] = field(default_factory=dict)
    toolkit_variables: Mapping[str, str] = field(default_factory=dict)
    leads_to: Callable[[str], Mapping[str, str]]
    labels: tuple[str, ...] = ()
    has_pytest: bool = True
    pytest_counts: str = ""


def shop(place: Place) -> Suite:
    """The example project."""
    folder = copy_of("shop", place.folder)
    (folder / "bench_settings.py").write_text(SHOP_SETTINGS)
    return Suite(
        folder=folder,
        variables={"DJANGO_SETTINGS_MODULE": "bench_settings", "SHOP_DB": place.vendor},
        leads_to=_by_prefix("SHOP_DB"),
        pytest_counts="leaves out what load_tests adds, and counts tests that their class skips "
        "and subtests that are skipped",
    )


def generated(place: Place, shape: Shape, name: str = "generated") -> Suite:
    """A generated project, in a folder of that name."""
    folder = place.folder / name
    write(shape, folder)
    return Suite(
        folder=folder,
        variables={"DJANGO_SETTINGS_MODULE": "settings", "BENCH_DB": place.vendor},
        leads_to=_by_prefix("BENCH_DB"),
    )


def django(place: Place, modules: tuple[str, ...]) -> Suite:
    """Modules of Django's own suite, of the version that is installed."""
    folder = unpack(place.folder)
    settings = "bench_sqlite" if place.on == SQLITE else "suite_settings"
    text = SQLITE_SETTINGS if place.on == SQLITE else SETTINGS
    (folder / f"{settings}.py").write_text(text)
    search = f"{folder.parent}:{folder}:{TESTS}"
    return Suite(
        folder=folder,
        toolkit=("runtests.py", f"--settings={settings}", "--noinput"),
        django=("runtests.py", f"--settings={settings}"),
        variables={
            "PYTHONPATH": search,
            "VENDOR": place.vendor,
            "CHOSEN_RUNNER": "django.test.runner.DiscoverRunner",
        },
        toolkit_variables={"CHOSEN_RUNNER": "ctest_containers.runner.ContainerTestRunner"},
        leads_to=lambda host: {"PLAIN_SERVER": host},
        labels=modules,
        has_pytest=False,
    )


def _by_prefix(prefix: str) -> Callable[[str], Mapping[str, str]]:
    return lambda host: {f"{prefix}_HOST": host, f"{prefix}_PORT": ""}
