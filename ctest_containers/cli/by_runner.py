"""Commands that need the loaded project: they take the place of its test runner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def runner_class(act: Callable[[Any, list[str]], int]) -> Any:
    """The project's own runner, combined with containers, that acts instead of running tests.

    Args:
        act: Called with the runner and the labels of tests; gives what Django takes for the
            number of failed tests.
    """
    from django.conf import settings

    from ctest_containers.runner import combined

    own = combined(settings.TEST_RUNNER)
    # A spawned child cannot find a class that was made here.
    path = own.base_runner or settings.TEST_RUNNER

    def run_tests(self: Any, test_labels: Any, **_: Any) -> int:
        return act(self, list(test_labels or ()))

    return type(own.__name__, (own,), {"run_tests": run_tests, "base_runner": path})
