"""The promise on MySQL and MariaDB: the same outcomes as a serial run of Django's own."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from harness.projects import PROJECTS, assert_agree, run, toolkit, write_tests
from harness.servers import Plain
from harness.tiers import further
from harness.truths import truth

OUTCOMES = PROJECTS / "outcomes"

AS_WELL = further("Each server runs with one of the drivers; what a server does, no driver alters.")


@pytest.mark.parametrize(
    ("mysql_flavour", "driver"),
    [
        ("mariadb", "pymysql"),
        pytest.param("mariadb", "mysqlclient", marks=AS_WELL),
        ("mysql", "mysqlclient"),
        pytest.param("mysql", "pymysql", marks=AS_WELL),
    ],
)
@pytest.mark.usefixtures("no_container_is_left")
def test_a_project_on_mysql_ends_as_under_django(
    driver: str,
    mysql_env: dict[str, str],
    mysql_flavour: str,
    plain: Plain,
    tmp_path: Path,
) -> None:
    env = {**mysql_env, "SHOP_DB_DRIVER": driver, "OUTCOMES_DB_DRIVER": driver}
    expected = truth(OUTCOMES, env={**env, **plain(mysql_flavour)}, record=tmp_path / "truth")

    actual = toolkit(OUTCOMES, "--parallel", "2", env=env, record=tmp_path / "ours")

    assert_agree(expected, actual)


@pytest.mark.parametrize("options", [["--transport", "port"], ["--start-method", "spawn"]])
@pytest.mark.usefixtures("no_container_is_left")
def test_published_ports_and_spawned_workers_change_no_outcome_on_mysql(
    options: list[str],
    mysql_env: dict[str, str],
    mysql_flavour: str,
    plain: Plain,
    tmp_path: Path,
) -> None:
    env = {**mysql_env, **plain(mysql_flavour)}
    expected = truth(OUTCOMES, env=env, record=tmp_path / "truth")

    actual = toolkit(OUTCOMES, *options, env=mysql_env, record=tmp_path / "ours")

    assert_agree(expected, actual)


@pytest.mark.parametrize("mysql_flavour", ["mariadb", "mysql"])
@pytest.mark.usefixtures("no_container_is_left")
def test_the_backend_of_connector_python_works_on_mysql_and_is_warned_of_on_mariadb(
    project: Path,
    mysql_env: dict[str, str],
    mysql_flavour: str,
    plain: Plain,
    tmp_path: Path,
) -> None:
    settings = project / "outcomes" / "settings.py"
    engine = '\nDATABASES["default"]["ENGINE"] = "mysql.connector.django"\n'
    settings.write_text(settings.read_text() + engine)
    env = {**mysql_env, **plain(mysql_flavour)}
    expected = truth(project, env=env, record=tmp_path / "truth")

    actual = toolkit(project, env=mysql_env, record=tmp_path / "ours")

    assert_agree(expected, actual)
    warned = "mysql.connector.django mistakes MariaDB" in actual.output
    assert warned == (mysql_flavour == "mariadb")
    assert actual.output.count("with mysqlclient or PyMySQL") == int(warned)


VIEW = """
    from django.db import migrations

    class Migration(migrations.Migration):
        dependencies = [("library", "0003_book")]
        operations = [
            migrations.RunSQL("CREATE VIEW shelf AS SELECT name FROM library_author"),
        ]
"""

VIEW_TESTS = """
    class Shelf(TestCase):
        def test_rows(self):
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM shelf")
                self.assertEqual(cursor.fetchone(), (1,))
"""


@pytest.mark.usefixtures("no_container_is_left")
def test_a_template_built_through_a_port_serves_a_run_through_a_socket(
    project: Path, mysql_env: dict[str, str], project_name: str
) -> None:
    """Its view belongs to the account of the network."""
    (project / "library" / "migrations" / "0004_view.py").write_text(dedent(VIEW))
    write_tests(project, VIEW_TESTS)
    chosen = ["library.test_it", "--project", project_name]

    by_port = run(project, *chosen, "--transport", "port", env=mysql_env)
    by_socket = run(project, *chosen, env=mysql_env)

    assert (by_port.code, by_socket.code) == (0, 0), by_port.output + by_socket.output
    assert "Using the template mysql" in by_socket.output
