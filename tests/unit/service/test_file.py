"""The file of a service: private, whole, found again, and refused when it is not understood."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from unit.service.made_services import PROJECT, up

from ctest_containers.errors import ServiceError, UsageError
from ctest_containers.model import Address, Secret
from ctest_containers.service import Recipe, ServiceFile, find_service, service_file
from ctest_containers.service.state import KeptServer


def test_only_its_user_can_read_it(file: ServiceFile, recipe: Recipe) -> None:
    up(file, recipe)

    assert file.path.stat().st_mode & 0o777 == 0o600


def test_what_was_written_is_read_and_passwords_show_themselves_to_nobody(
    file: ServiceFile, recipe: Recipe
) -> None:
    service = up(file, recipe)
    address = Address(host="127.0.0.1", port=5432, user="é", password=Secret("hunter2"))
    server = KeptServer(group="postgresql", container="ctest-1", address=address)
    written = service.with_slots([replace(service.slots[0], servers=(server,))])

    file.write(written)
    read = file.existing()
    file.write(service)

    assert read == written
    assert "hunter2" not in repr(read)


@pytest.mark.parametrize("name", ["", "Has-Capitals", "../up", "a b", "-a", "a-", "x" * 41, "a\n"])
def test_a_name_that_could_be_a_path_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="Invalid service name"):
        service_file(PROJECT, name)


def test_another_version_is_told_to_be_ended(file: ServiceFile, recipe: Recipe) -> None:
    up(file, recipe)
    fields = json.loads(file.path.read_text())
    file.path.write_text(json.dumps({**fields, "version": 99}))

    with pytest.raises(ServiceError, match="another version") as refused:
        file.read()

    assert "service down" in refused.value.hint


def test_a_missing_service_is_said_with_those_that_there_are(
    file: ServiceFile, recipe: Recipe
) -> None:
    up(file, recipe)

    with pytest.raises(ServiceError, match="has no service 'e2e'") as refused:
        service_file(PROJECT, "e2e").existing()

    assert "Its services are default; choose one with --name." in refused.value.hint
    assert "service up --name e2e" in refused.value.hint


def test_a_service_is_found_by_its_folder_when_settings_name_the_project(
    file: ServiceFile, recipe: Recipe
) -> None:
    up(file, recipe)

    assert find_service("the-folders-name", "default", file.path.parent) == file
    assert find_service("the-folders-name", "default", Path("/elsewhere")) != file
