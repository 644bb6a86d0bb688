"""The Django setting `CTEST_CONTAINERS`."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from django.test import override_settings
from django.utils.translation import gettext_lazy

from ctest_containers.config import Config
from ctest_containers.errors import UsageError
from ctest_containers.options.option import setting
from ctest_containers.project.settings import OWN_SETTINGS, options

pytestmark = pytest.mark.usefixtures("configured_django")


def test_a_project_without_the_setting_has_chosen_nothing() -> None:
    assert options() == {}


def test_the_setting_is_given_as_it_is() -> None:
    with override_settings(CTEST_CONTAINERS={"MAX_WORKERS": 3}):
        assert options() == {"MAX_WORKERS": 3}


@pytest.mark.parametrize("value", [None, [], "MAX_WORKERS", 3])
def test_a_setting_that_is_no_dictionary_is_refused(value: object) -> None:
    with override_settings(CTEST_CONTAINERS=value), pytest.raises(UsageError) as caught:
        options()

    assert type(value).__name__ in caught.value.message


def test_the_projects_name_and_the_file_of_timings_have_settings_of_their_own_as_well() -> None:
    with override_settings(PROJECT_NAME="shop", TEST_TIMINGS_FILE=Path("/ci/timings.json")):
        assert options() == {"PROJECT": "shop", "TIMINGS_FILE": "/ci/timings.json"}
        with override_settings(CTEST_CONTAINERS={"PROJECT": "another"}):
            assert options()["PROJECT"] == "another"
    with override_settings(PROJECT_NAME="", TEST_TIMINGS_FILE=None):
        assert options() == {}


def test_a_setting_of_its_own_that_is_no_text_is_meant_for_something_else() -> None:
    with override_settings(PROJECT_NAME=gettext_lazy("Shop"), TEST_TIMINGS_FILE=5):
        assert options() == {}


def test_the_table_has_each_key_of_a_setting_of_its_own_and_says_so() -> None:
    rows = {setting(row): row for row in fields(Config)}
    for key, name in OWN_SETTINGS.items():
        assert f"use the Django setting {name}." in rows[key].metadata["meaning"]
