"""Every vendor is complete, and one that is registered needs no other place in the package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from unit.doctor.made_contexts import group

from ctest_containers.backends import BACKENDS, VENDORS
from ctest_containers.config import Config
from ctest_containers.config.sections.templates import image_field
from ctest_containers.doctor.drivers import version_of
from ctest_containers.model import SQLITE

CHECKOUT = Path(__file__).resolve().parents[3]
TOY = """
import json
import harness.toy_vendor
from django.conf import settings
settings.configure(DATABASES={"default": {"ENGINE": "harness.toy_vendor", "NAME": "shop"}})
import django
django.setup()
from ctest_containers.backends.leases import server_leases
from ctest_containers.cli.commands.service.up import make_parser
from ctest_containers.config import resolve
from ctest_containers.config.model import image_of
from ctest_containers.config.server_settings import parse_server_settings
from harness.configuration_table import table
from ctest_containers.doctor.drivers import version_of
from ctest_containers.model import Address
from ctest_containers.project.databases import plan_databases
from ctest_containers.service.variables import environment
from ctest_containers.template.base import base_image
options = {"toy_image": "registry.example.org/toy:3.1"}
config = resolve(settings={}, environment={}, options=options)
(group,) = plan_databases(lambda vendor, alias: image_of(config, vendor, alias)).groups
address = Address(host="/run/dir", port=5432, user="root", socket="/run/dir/.s.PGSQL.5432")
leases = {lease.alias: lease for lease in server_leases(group, address)}
print(json.dumps({
    "label": group.label,
    "image": group.image,
    "own image": base_image(group.vendor, "").name.partition(":")[0],
    "version": version_of(group),
    "variables": environment({"TOY_HOST": "elsewhere", "PGHOST": "/else"}, leases),
    "setting": parse_server_settings("toy.level=high")[0][0],
    "documented": "--toy-image IMAGE" in table(),
}))
try:
    make_parser().parse_args(["--help"])
except SystemExit:
    pass
"""


def test_each_vendor_is_registered_under_its_name_and_only_sqlite_has_no_server() -> None:
    assert all(name == support.vendor for name, support in VENDORS.items())
    assert {name for name in VENDORS if name not in BACKENDS} == {SQLITE}
    assert all(backend.vendor == name for name, backend in BACKENDS.items())


def test_no_vendor_may_import_another() -> None:
    contracts = (CHECKOUT / "pyproject.toml").read_text()

    assert [
        name for name in VENDORS if f'"ctest_containers.backends.{name}",' not in contracts
    ] == []


def test_each_folder_of_images_is_of_one_vendor() -> None:
    own = [folder for backend in BACKENDS.values() for folder in backend.own_images]

    assert sorted(own) == sorted(path.parent.name for path in CHECKOUT.glob("images/*/Dockerfile"))


@pytest.mark.parametrize("vendor", BACKENDS)
def test_each_vendor_with_a_server_has_an_option_that_is_documented(vendor: str) -> None:
    row = next(row for row in fields(Config) if row.name == image_field(vendor))
    documented = (CHECKOUT / "docs" / "configuration.md").read_text()

    assert f"| `--{vendor}-image IMAGE` |" in documented
    assert row.metadata["meaning"] == BACKENDS[vendor].image_option
    assert f"--{vendor}-image" in (CHECKOUT / "README.md").read_text()


@pytest.mark.parametrize("vendor", BACKENDS)
def test_the_doctor_knows_the_version_in_each_own_image(vendor: str) -> None:
    backend = BACKENDS[vendor]

    for folder, version in backend.own_images.items():
        assert version_of(group(vendor, folder)) == version
        assert backend.product(version) in VENDORS[vendor].title


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.usefixtures("configured_django")
def test_each_engine_is_a_backend_of_its_vendor(vendor: str) -> None:
    from django.core.exceptions import ImproperlyConfigured
    from django.db.utils import load_backend

    support = VENDORS[vendor]
    for engine in support.engines:
        try:
            backend = load_backend(engine)
        except ImproperlyConfigured:
            # GeoDjango's need libraries of the system.
            assert engine.startswith("django.contrib.gis.")
            continue
        assert backend.DatabaseWrapper.vendor == vendor
    assert support.engines or vendor == SQLITE


def test_urls_and_variables_differ_from_vendor_to_vendor() -> None:
    clients = [support.clients for support in VENDORS.values()]
    variables = [name for one in clients for name in one.variables.values()]
    documented = (CHECKOUT / "docs" / "service.md").read_text()

    assert len({one.scheme for one in clients}) == len(VENDORS)
    assert len({*variables}) == len(variables)
    assert [name for name in variables if f"`{name}`" not in documented] == []
    assert all(VENDORS[vendor].clients.socket_url for vendor in BACKENDS)


def test_a_vendor_that_is_registered_is_used_everywhere() -> None:
    search = os.pathsep.join([str(CHECKOUT), str(CHECKOUT / "tests")])

    done = subprocess.run(
        [sys.executable, "-c", TOY],
        env={**os.environ, "PYTHONPATH": search, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=True,
    )

    said, _, help_text = done.stdout.partition("\n")
    assert json.loads(said) == {
        "label": "toy",
        "image": "registry.example.org/toy:3.1",
        "own image": "localhost/ctest/base/postgresql",
        "version": "3.1-Toy",
        "variables": {
            "PGHOST": "/else",
            "DATABASE_URL": "toy://postgres@/test_shop?socket=%2Frun%2Fdir%2F.s.PGSQL.5432",
            "TOY_HOST": "/run/dir",
            "TOY_USER": "postgres",
            "TOY_NAME": "test_shop",
        },
        "setting": "toy",
        "documented": True,
    }
    assert "--toy-image IMAGE" in help_text
    assert "TOY_HOST TOY_USER TOY_NAME" in help_text
