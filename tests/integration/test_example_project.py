"""The example project ends as under Django, for each vendor and entry point.

Its 157 migrations take longest, so all runs of it share the templates of one process.
"""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from harness.projects import PROJECTS, Finished, assert_agree, copy_of, run, toolkit
from harness.servers import Plain
from harness.tiers import further
from harness.truths import truth

SHOP = PROJECTS / "shop"
Env = dict[str, str]

NUMBERS = further("test_agreement has a project that ends in every way with 1, 2 and 4 workers.")
WORKERS = pytest.mark.parametrize(
    "workers", ["2", *(pytest.param(number, marks=NUMBERS) for number in ("1", "4"))]
)


@WORKERS
@further("test_agreement has SQLite with each start method, PostgreSQL has the same tests.")
def test_it_ends_on_sqlite_as_under_django(workers: str, sqlite_env: Env, tmp_path: Path) -> None:
    expected = truth(SHOP, env=sqlite_env, record=tmp_path / "truth")

    actual = toolkit(SHOP, "--parallel", workers, env=sqlite_env, record=tmp_path / "ours")

    assert_agree(expected, actual)


@WORKERS
@pytest.mark.usefixtures("no_container_is_left")
def test_it_ends_on_postgresql_as_under_django(
    workers: str, postgresql_env: Env, plain: Plain, tmp_path: Path
) -> None:
    reachable = {**postgresql_env, **plain("postgresql")}
    expected = truth(SHOP, env=reachable, record=tmp_path / "truth")

    actual = toolkit(SHOP, "--parallel", workers, env=postgresql_env, record=tmp_path / "ours")

    assert_agree(expected, actual)


@pytest.mark.parametrize(
    ("mysql_flavour", "driver"), [("mariadb", "pymysql"), ("mysql", "mysqlclient")]
)
@further("test_agreement_mysql has a project that ends in every way on MySQL and MariaDB.")
@pytest.mark.usefixtures("no_container_is_left")
def test_it_ends_on_mysql_as_under_django(
    driver: str, mysql_env: Env, mysql_flavour: str, plain: Plain, tmp_path: Path
) -> None:
    env = {**mysql_env, "SHOP_DB_DRIVER": driver}
    expected = truth(SHOP, env={**env, **plain(mysql_flavour)}, record=tmp_path / "truth")

    actual = toolkit(SHOP, "--parallel", "2", env=env, record=tmp_path / "ours")

    assert_agree(expected, actual)


@pytest.mark.parametrize("vendor", ["postgresql", "sqlite"])
@further("test_reset compares generated models on each kind of server.")
@pytest.mark.usefixtures("engine")
def test_every_flush_of_it_ends_as_with_django(vendor: str, request: pytest.FixtureRequest) -> None:
    labels = ["content", "orders", "catalog.tests.test_views"]
    env = request.getfixturevalue(f"{vendor}_env")

    done = run(SHOP, "--reset", "compare", "--parallel", "1", "-v", "2", *labels, env=env)

    assert done.code == 0, done.output
    assert "reset by Django's flush" not in done.output


PYTEST_INI = """
[pytest]
DJANGO_SETTINGS_MODULE = shop.settings
python_files = test_*.py tests.py
addopts = -p no:randomly -p no:cacheprovider -p no:hypothesispytest
junit_family = xunit1
"""


@pytest.mark.parametrize(
    "processes",
    [
        pytest.param("0", marks=further("Two processes run each of its tests as well.")),
        "2",
        pytest.param("4", marks=further("Two processes run each of its tests as well.")),
    ],
)
def test_it_ends_under_pytest_as_under_django(
    processes: str, postgresql_env: Env, plain: Plain, tmp_path: Path
) -> None:
    shop = copy_of("shop", tmp_path)
    (shop / "pytest.ini").write_text(PYTEST_INI)
    reachable = {**postgresql_env, **plain("postgresql")}
    serial = truth(SHOP, env=reachable, record=tmp_path / "truth")
    options = ("-q", "--ctest", "-n", processes, "--junitxml", "pytest.xml")

    done = run(shop, *options, env=postgresql_env, module="pytest")

    assert done.code == 0, done.output
    actual, expected = _statuses(shop / "pytest.xml"), _expected(serial)
    # For pytest, a test is skipped when a subtest of it is.
    expected["content.tests.test_content.EmailTests.test_other_texts_are_not_addresses"] = "skipped"
    # Django tells of a class that skips itself, and pytest of its two tests.
    skipped = [name for name in actual if name not in expected]
    assert [(name.rpartition(".")[0], actual.pop(name)) for name in skipped] == [
        ("shipping.tests.test_shipping.CarrierServiceTests", "skipped")
    ] * 2
    assert actual == expected
    assert len(expected) == 656
    assert set(expected.values()) == {"expected failure", "passed", "skipped"}


def _expected(serial: Finished) -> dict[str, str]:
    """How each test of a serial run has to end for pytest, by its class and name."""
    statuses = {"success": "passed", "skip": "skipped"}
    found = {}
    for test, kind in serial.kinds:
        named = re.fullmatch(r"(\w+) \(([\w.]+)\)", test)
        if named is None or named[1] == "setUpClass":
            continue
        name = f"{named[2].removesuffix(f'.{named[1]}')}.{named[1]}"
        # pytest knows no doctests that `load_tests` adds.
        if not name.startswith("shop.money"):
            found[name] = statuses.get(kind, kind)
    return found


def _statuses(junit: Path) -> dict[str, str]:
    """How each test ended, by its class and name."""
    found = {}
    for case in ET.parse(junit).iter("testcase"):
        kinds = [one.tag for one in case if one.tag in {"failure", "error", "skipped"}]
        reasons = [one.get("type", "") for one in case if one.tag == "skipped"]
        kind = kinds[0] if kinds else "passed"
        if kind == "skipped" and "xfail" in reasons[0]:
            kind = "expected failure"
        found[f"{case.get('classname')}.{case.get('name')}"] = kind
    return found
