"""Functions are watched beside other tools, or not at all."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from ctest_containers.usage.functions import PREFERRED_TOOLS, function_watch
from ctest_containers.usage.hooks import Hook, Policy, UnavailableError

NOTHING = Policy(
    is_wanted=lambda _: False, module=Hook(), late=lambda _: None, failed=lambda _: None
)


@pytest.fixture
def other_tools() -> Iterator[None]:
    """Other tools have all numbers but one that the watch may use."""
    monitoring: Any = vars(sys)["monitoring"]
    free = [number for number in PREFERRED_TOOLS if monitoring.get_tool(number) is None]
    for number in free[1:]:
        monitoring.use_tool_id(number, "another tool")
    yield
    for number in free[1:]:
        monitoring.free_tool_id(number)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Before, there are no such tools.")
@pytest.mark.usefixtures("other_tools")
def test_nothing_is_recorded_if_other_tools_leave_no_room() -> None:
    with pytest.raises(UnavailableError, match="Other tools use"):
        function_watch(NOTHING).start()


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="There, it is not the way.")
def test_nothing_is_recorded_beside_a_trace_function() -> None:
    before = sys.gettrace()
    sys.settrace(lambda *_: None)
    try:
        with pytest.raises(UnavailableError, match="traces this process"):
            function_watch(NOTHING).start()
    finally:
        sys.settrace(before)
