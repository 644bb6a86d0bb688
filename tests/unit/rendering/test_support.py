"""Models are rendered on demand only where Django is as the toolkit knows it."""

from __future__ import annotations

import functools
from typing import Any

import django
import pytest

from ctest_containers.rendering.support import obstacle


@pytest.mark.usefixtures("configured_django")
def test_nothing_is_in_the_way_of_a_plain_project() -> None:
    assert not obstacle()


@pytest.mark.usefixtures("configured_django")
def test_an_unknown_release_of_django_is_an_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(django, "VERSION", (9, 3, 0, "final", 0))

    assert obstacle() == "Django 9.3 is not supported"


@pytest.mark.usefixtures("configured_django")
def test_a_migrate_command_of_the_project_s_own_is_an_obstacle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from django.core import management

    monkeypatch.setattr(management, "get_commands", lambda: {"migrate": "tenants"})

    assert obstacle() == "tenants has its own migrate command"


@pytest.mark.usefixtures("configured_django")
def test_a_part_of_django_that_somebody_replaced_is_an_obstacle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from django.db.migrations.state import ProjectState

    def clone(state: Any) -> Any:
        return state

    monkeypatch.setattr(ProjectState, "clone", clone)

    assert obstacle() == f"{__name__} replaces ProjectState.clone"


@pytest.mark.usefixtures("configured_django")
def test_another_executor_is_an_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.core.management.commands import migrate
    from django.db.migrations.executor import MigrationExecutor

    class Executor(MigrationExecutor):
        pass

    monkeypatch.setattr(migrate, "MigrationExecutor", Executor)

    assert obstacle() == f"{__name__} replaces MigrationExecutor"


@pytest.mark.usefixtures("configured_django")
def test_a_patch_that_keeps_the_name_of_what_it_wraps_is_an_obstacle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from django.db.migrations.operations import AddField

    original = AddField.database_forwards

    @functools.wraps(original)
    def wrapped(*arguments: Any) -> None:
        original(*arguments)

    monkeypatch.setattr(AddField, "database_forwards", wrapped)

    assert obstacle() == f"{__name__} replaces AddField.database_forwards"


@pytest.mark.usefixtures("configured_django")
def test_what_type_annotations_need_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db.models.options import Options

    def get_item(cls: Any, *_: Any) -> Any:
        return cls

    monkeypatch.setattr(Options, "__class_getitem__", classmethod(get_item), raising=False)

    assert not obstacle()


@pytest.mark.usefixtures("configured_django")
def test_another_base_manager_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db.models.options import Options

    of_django = vars(Options)["base_manager"].func

    def base_manager(options: Any) -> Any:
        return of_django(options)

    # As django-polymorphic does it.
    monkeypatch.setattr(vars(Options)["base_manager"], "func", base_manager)

    assert not obstacle()
