"""How property tests run: no time limit on an example, and nothing kept in the checkout."""

from __future__ import annotations

from pathlib import Path

from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

set_hypothesis_home_dir(Path(__file__).parents[2] / ".pytest_cache" / "hypothesis")
settings.register_profile("ctest_containers", deadline=None, database=None)
settings.load_profile("ctest_containers")
