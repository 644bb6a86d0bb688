"""Any values from any sources either make a configuration or are refused in words."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import fields

from hypothesis import given
from hypothesis import strategies as st

from ctest_containers.config import Config, resolve
from ctest_containers.errors import UsageError
from ctest_containers.options.option import setting, variable

ROWS = fields(Config)
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.text(max_size=3))
)


@given(
    settings=st.dictionaries(st.sampled_from([setting(row) for row in ROWS]), VALUES),
    environment=st.dictionaries(st.sampled_from([variable(row) for row in ROWS]), st.text()),
    options=st.dictionaries(st.sampled_from([row.name for row in ROWS]), st.text()),
)
def test_a_value_is_accepted_or_refused_with_a_usage_error(
    settings: dict[str, object], environment: dict[str, str], options: dict[str, str]
) -> None:
    with suppress(UsageError):
        config = resolve(settings=settings, environment=environment, options=options)
        assert config.max_workers >= 1
        assert config.server_timeout > 0
        assert config.build_timeout > 0
        assert all(isinstance(path, str) for path in config.fingerprint_files)


@given(st.text(min_size=1))
def test_an_unknown_key_is_never_taken(key: str) -> None:
    known = {setting(row) for row in ROWS}

    with suppress(UsageError):
        resolve(settings={key: None}, environment={}, options={})
        assert key in known
