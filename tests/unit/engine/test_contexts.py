"""Contexts are found where the `docker` command finds them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from docker.context import ContextAPI

from ctest_containers.engine.contexts import DockerContext, chosen_context, named_in_properties
from ctest_containers.engine.reach import engine_address, engine_variables

HOST = "unix:///home/me/.colima/default/docker.sock"

META = {"Name": "colima", "Metadata": {}, "Endpoints": {"docker": {"Host": HOST}}}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a context of the name colima, which nobody has chosen."""
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    digest = hashlib.sha256(b"colima").hexdigest()
    folder = tmp_path / ".docker" / "contexts" / "meta" / digest
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(json.dumps(META))
    return tmp_path


def choose(home: Path, name: str) -> Path:
    """Let a context be the current one."""
    file = home / ".docker" / "config.json"
    file.write_text(json.dumps({"currentContext": name}))
    return file


def test_without_a_choice_there_is_no_context(home: Path) -> None:
    assert chosen_context() is None
    choose(home, "default")
    assert chosen_context() is None


def test_the_current_context_counts(home: Path) -> None:
    file = choose(home, "colima")

    assert chosen_context() == DockerContext(name="colima", source=str(file), host=HOST)


def test_the_environment_goes_before_the_current_context(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(home, "another")
    monkeypatch.setenv("DOCKER_CONTEXT", "colima")

    assert chosen_context() == DockerContext(name="colima", source="DOCKER_CONTEXT", host=HOST)


def test_an_address_in_the_environment_goes_before_every_context(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(home, "colima")
    monkeypatch.setenv("DOCKER_HOST", "unix:///elsewhere.sock")

    assert chosen_context() is None


def test_a_context_that_does_not_exist_has_no_engine(home: Path) -> None:
    file = choose(home, "gone")

    assert chosen_context() == DockerContext(name="gone", source=str(file), host="")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"currentContext": null}'])
def test_a_file_that_says_nothing_chooses_nothing(home: Path, text: str) -> None:
    (home / ".docker" / "config.json").write_text(text)

    assert chosen_context() is None


def test_the_toolkits_engine_is_that_of_the_context_as_the_sdk_has_it(home: Path) -> None:
    choose(home, "colima")

    assert engine_address() == ContextAPI.kwargs_from_context()["base_url"] == HOST


def test_a_context_with_certificates_leads_others_to_them(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = hashlib.sha256(b"colima").hexdigest()
    endpoint = {"Host": "tcp://127.0.0.1:2376", "SkipTLSVerify": False}
    meta = {**META, "Endpoints": {"docker": endpoint}}
    contexts = home / ".docker" / "contexts"
    (contexts / "meta" / digest / "meta.json").write_text(json.dumps(meta))
    folder = contexts / "tls" / digest / "docker"
    folder.mkdir(parents=True)
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (folder / name).write_text("")
    choose(home, "colima")

    assert engine_variables() == {
        "DOCKER_HOST": "tcp://127.0.0.1:2376",
        "DOCKER_CERT_PATH": str(folder),
        "DOCKER_TLS_VERIFY": "1",
    }
    monkeypatch.setenv("DOCKER_HOST", HOST)
    assert engine_variables() == {}


def test_a_context_without_certificates_leads_others_to_its_address(home: Path) -> None:
    choose(home, "colima")

    assert engine_variables() == {"DOCKER_HOST": HOST}


def test_an_engine_that_testcontainers_is_to_use_is_read_from_its_file(home: Path) -> None:
    assert named_in_properties() == ""

    (home / ".testcontainers.properties").write_text("# mine\ntc.host = tcp://there:2375\n")

    assert named_in_properties() == "tcp://there:2375"
