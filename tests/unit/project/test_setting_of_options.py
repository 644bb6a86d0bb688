"""The Django setting `CTEST_CONTAINERS`."""

from __future__ import annotations

import pytest
from django.test import override_settings

from ctest_containers.errors import UsageError
from ctest_containers.project.settings import options

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
