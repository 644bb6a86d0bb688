"""The user data for virtual machines are what cloud-init, systemd and Dask take."""

from __future__ import annotations

import string
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness.cloud_init import CloudInit, verify_unit
from harness.dask_options import understood
from harness.tiers import further

pytestmark = further(
    "It is about an example file of the docs, which no change of the package touches."
)

FILE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "cluster" / "cloud-init.yaml"
TEXT = FILE.read_text()
DATA = yaml.safe_load(TEXT)
FILES = {one["path"]: one["content"] for one in DATA["write_files"]}
UNIT = "ctest-node.service"
UNIT_TEXT = FILES[f"/etc/systemd/system/{UNIT}"]
SETTINGS = dict(line.split("=", 1) for line in FILES["/etc/default/ctest-node"].splitlines())
COMMAND = next(line for line in UNIT_TEXT.splitlines() if line.startswith("ExecStart="))[
    10:
].split()


@pytest.fixture(scope="module")
def cloud_init(tmp_path_factory: pytest.TempPathFactory) -> CloudInit:
    """Debian's own."""
    return CloudInit(tmp_path_factory.mktemp("cloud-init"))


def test_cloud_init_takes_the_user_data_and_knows_all_of_its_keys(cloud_init: CloudInit) -> None:
    done = cloud_init.check(FILE)

    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("Valid")
    assert set(DATA) - cloud_init.known_keys() == set()


@pytest.mark.parametrize(
    ("right", "wrong", "problem"),
    [
        ("    permissions:", "    permission:", "write_files.1: Additional properties are not"),
        ("package_update: true", "package_update: maybe", "package_update: 'maybe' is not of type"),
        ("#cloud-config\n", "", "cloud-config"),
    ],
    ids=["unknown", "type", "header"],
)
def test_a_slip_in_the_user_data_would_be_found(
    right: str, wrong: str, problem: str, cloud_init: CloudInit, tmp_path: Path
) -> None:
    file = tmp_path / "user-data"
    assert right in TEXT
    file.write_text(TEXT.replace(right, wrong, 1))

    done = cloud_init.check(file)

    assert done.returncode != 0
    assert problem in done.stdout
    assert "package_updates" not in cloud_init.known_keys()


def test_systemd_takes_the_unit_and_would_find_a_slip_in_it(tmp_path: Path) -> None:
    wrong = UNIT_TEXT.replace("Restart=", "Restarts=")

    assert verify_unit(UNIT, UNIT_TEXT, tmp_path / "right", COMMAND[0]) == ""
    assert "Restarts" in verify_unit(UNIT, wrong, tmp_path / "wrong", COMMAND[0])
    assert COMMAND[0] in verify_unit(UNIT, UNIT_TEXT, tmp_path / "without")


def test_dask_understands_the_command_of_the_unit() -> None:
    command = [string.Template(word).substitute(SETTINGS) for word in COMMAND]

    found = understood(command)

    assert found["scheduler"] == SETTINGS["SCHEDULER"]
    assert found["resources"] == f"ctest={SETTINGS['CARRIES']}"
    # systemd puts the machine's name there.
    assert found["name"] == "%H"
    assert found["nanny"] is False


def test_the_project_is_where_the_unit_has_it_and_belongs_to_its_user() -> None:
    script = FILES["/usr/local/sbin/get-project"]
    user: dict[str, Any] = DATA["users"][1]
    folder = Path(COMMAND[0]).parents[2]

    done = subprocess.run(["sh", "-n"], input=script, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert f" {folder}\n" in script
    assert folder.parent == Path(user["homedir"])
    assert f"User={user['name']}\n" in UNIT_TEXT
    assert ["systemctl", "enable", "--now", UNIT] in DATA["runcmd"]
    assert DATA["runcmd"][0] == ["runuser", "--user", user["name"], "--", *list(FILES)[1:2]]
