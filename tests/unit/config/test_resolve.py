"""Which source of configuration wins, and what is refused."""

from __future__ import annotations

from dataclasses import Field, fields
from pathlib import Path
from typing import Any

import pytest

from ctest_containers.config import Config, project_meant, resolve
from ctest_containers.config.model import image_of
from ctest_containers.config.server_settings import parse_server_settings
from ctest_containers.errors import UsageError
from ctest_containers.options.option import flag, setting, variable
from ctest_containers.options.values import (
    parse_age,
    parse_count,
    parse_flag,
    parse_floor,
    parse_images,
    parse_limit,
    parse_natural,
    parse_paths,
    parse_repository,
    parse_revision,
    parse_seconds,
    parse_shard,
    parse_size,
    parse_stress,
    parse_text,
    parse_url,
)

ROWS = {row.name: row for row in fields(Config)}
EVERY_ROW = pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))

TEXTS: dict[Any, tuple[str, str, str]] = {
    parse_text: ("one", "two", "three"),
    parse_count: ("1", "2", "3"),
    parse_seconds: ("1.5", "2.5", "3.5"),
    parse_shard: ("1/2", "2/2", "3/5"),
    parse_size: ("512m", "2g", "3g"),
    parse_stress: ("100", "30s", "10m"),
    parse_floor: ("0", "512m", "2g"),
    parse_flag: ("yes", "no", "true"),
    parse_natural: ("0", "2", "3"),
    parse_url: ("http://a.example", "https://b.example:9091", "http://c.example/x"),
    parse_age: ("90", "12h", "1.5d"),
    parse_limit: ("0", "2.5", "3.5"),
    parse_images: ("a=postgres:16", "a=mariadb,b=mysql:8.4", "b=mysql"),
    parse_paths: ("a.json", "b.json", "c.json"),
    parse_server_settings: ("a=1", "b=2,c=3", "mysql.d=4"),
    parse_revision: ("yes", "main", "HEAD~1"),
    parse_repository: ("ghcr.io/a/b", "127.0.0.1:5000/c", "example.org/d"),
}
"""Three values for each kind of row; a choice tells its words itself."""


def _texts(row: Field[Any]) -> tuple[str, str, str]:
    parse = row.metadata["parse"]
    if parse in TEXTS:
        return TEXTS[parse]
    with pytest.raises(ValueError, match="must be one of") as caught:
        parse("?")
    words = str(caught.value).removeprefix("must be one of ").split(", ")
    return words[0], words[1], words[-1]


def _resolve(row: Field[Any], *, given: str) -> Any:
    """What a row is when the sources named by their initials give it."""
    from_setting, from_variable, from_option = _texts(row)
    config = resolve(
        settings={setting(row): from_setting} if "s" in given else {},
        environment={variable(row): from_variable} if "e" in given else {},
        options={row.name: from_option if "o" in given else None},
    )
    return getattr(config, row.name)


def test_nothing_given_means_the_defaults() -> None:
    assert Config() == resolve(settings={}, environment={}, options={})


@EVERY_ROW
def test_a_setting_wins_over_the_default(row: Field[Any]) -> None:
    expected = row.metadata["parse"](_texts(row)[0])

    assert expected == _resolve(row, given="s")


@EVERY_ROW
def test_the_environment_wins_over_a_setting(row: Field[Any]) -> None:
    expected = row.metadata["parse"](_texts(row)[1])

    assert expected == _resolve(row, given="se")


@EVERY_ROW
@pytest.mark.parametrize("given", ["o", "so", "eo", "seo"])
def test_an_option_wins_over_everything(row: Field[Any], given: str) -> None:
    expected = row.metadata["parse"](_texts(row)[2])

    assert expected == _resolve(row, given=given)


@EVERY_ROW
def test_one_row_does_not_change_another(row: Field[Any]) -> None:
    config = resolve(settings={}, environment={}, options={row.name: _texts(row)[2]})

    changed = [name for name in ROWS if getattr(config, name) != ROWS[name].default]
    assert set(changed) <= {row.name}


def test_a_setting_of_none_is_not_given() -> None:
    config = resolve(settings={"MAX_WORKERS": None}, environment={}, options={})

    assert config == Config()


def test_other_environment_variables_do_not_matter() -> None:
    config = resolve(settings={}, environment={"PATH": "/bin", "CTEST": "x"}, options={})

    assert config == Config()


@pytest.mark.parametrize(
    ("settings", "environment", "origin", "near"),
    [
        ({"MAX_WORKER": 2}, {}, "the setting CTEST_CONTAINERS", "MAX_WORKERS"),
        ({"max_workers": 2}, {}, "the setting CTEST_CONTAINERS", ""),
        (
            {},
            {"CTEST_CONTAINERS_TRANSPROT": "port"},
            "the environment",
            "CTEST_CONTAINERS_TRANSPORT",
        ),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known_one(
    settings: dict[str, Any], environment: dict[str, str], origin: str, near: str
) -> None:
    with pytest.raises(UsageError) as caught:
        resolve(settings=settings, environment=environment, options={})

    key = next(iter({**settings, **environment}))
    assert caught.value.message == f"Unknown option {key!r} in {origin}."
    assert near in caught.value.hint


def test_an_unknown_key_like_no_other_is_refused_with_all_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        resolve(settings={"Q": 1}, environment={}, options={})

    assert all(setting(row) in caught.value.hint for row in ROWS.values())


def test_a_key_that_is_no_text_is_refused() -> None:
    unusual: dict[Any, Any] = {7: 1}

    with pytest.raises(UsageError, match="Unknown option 7 in the setting"):
        resolve(settings=unusual, environment={}, options={})


def test_an_unknown_key_is_refused_even_when_its_value_is_none() -> None:
    with pytest.raises(UsageError):
        resolve(settings={"MAX_WORKER": None}, environment={}, options={})


@pytest.mark.parametrize(
    ("sources", "origin"),
    [
        ({"settings": {"MAX_WORKERS": "many"}}, "setting CTEST_CONTAINERS['MAX_WORKERS']"),
        (
            {"environment": {"DJANGO_TEST_MAX_WORKERS": "many"}},
            "environment variable DJANGO_TEST_MAX_WORKERS",
        ),
        ({"options": {"max_workers": "many"}}, "option --max-workers"),
    ],
)
def test_a_bad_value_is_refused_with_its_origin(
    sources: dict[str, dict[str, str]], origin: str
) -> None:
    given: dict[str, Any] = {"settings": {}, "environment": {}, "options": {}, **sources}

    with pytest.raises(UsageError) as caught:
        resolve(**given)

    assert "'many'" in caught.value.message
    assert origin in caught.value.message


@EVERY_ROW
def test_an_empty_environment_variable_counts_as_one_that_is_not_set(row: Field[Any]) -> None:
    """CI systems set variables to nothing where others leave them out."""
    config = resolve(settings={}, environment={variable(row): ""}, options={})

    assert config == Config()


def test_a_bad_value_that_a_better_source_hides_is_not_looked_at() -> None:
    config = resolve(settings={"MAX_WORKERS": "many"}, environment={}, options={"max_workers": "3"})

    assert config.max_workers == 3


def test_every_option_has_its_own_flag() -> None:
    flags = {flag(row) for row in ROWS.values()}

    assert len(ROWS) == len(flags)


def test_an_image_of_an_alias_goes_before_the_one_of_its_vendor() -> None:
    given = {"mysql_image": "mariadb", "images": "old=mysql:8.4"}
    config = resolve(settings={}, environment={}, options=given)

    assert image_of(config, "mysql", "old") == "mysql:8.4"
    assert image_of(config, "mysql", "default") == "mariadb"
    assert image_of(config, "postgresql", "default") == ""


def test_images_are_given_as_text_or_as_a_dictionary() -> None:
    assert parse_images("b=x:1, a=host:5000/y") == (("a", "host:5000/y"), ("b", "x:1"))
    assert parse_images({"b": "x:1", "a": "host:5000/y"}) == parse_images("a=host:5000/y,b=x:1")


@pytest.mark.parametrize("value", ["", "a", "a=", "=x", {}, {"a": ""}, 3])
def test_images_without_alias_or_name_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="must be ALIAS=IMAGE"):
        parse_images(value)


def test_a_command_without_a_project_goes_by_option_environment_and_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "shop").mkdir()
    monkeypatch.chdir(tmp_path / "shop")
    by_folder = project_meant(None)
    monkeypatch.setenv("CTEST_CONTAINERS_PROJECT", "bookshop")

    assert (by_folder, project_meant(None), project_meant("other")) == ("shop", "bookshop", "other")


def test_a_label_after_an_option_with_an_optional_value_is_explained() -> None:
    options = {"keep_failed": "shop.tests"}

    with pytest.raises(UsageError) as error:
        resolve(settings={}, environment={}, options=options)

    assert error.value.hint == "If 'shop.tests' is a label, write it first, or --keep-failed=3."
