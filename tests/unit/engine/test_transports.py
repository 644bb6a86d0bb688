"""How servers are reached, for each location of a process and its engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ctest_containers.engine.location import EngineLocation
from ctest_containers.engine.own_container import OwnContainer
from ctest_containers.engine.transports import choose_transport
from ctest_containers.errors import EngineError
from ctest_containers.model import FOR_ANY_PROGRAM, Transport

FOLDER = Path("/var/own/ctest-1")
SHARED = Path("/var/lib/volumes/x/ctest-1")

LINUX = EngineLocation(platform="linux", shares_kernel=True, near=True, hidden=False, folder=FOLDER)
DESKTOP_ON_LINUX = replace(LINUX, shares_kernel=False)
MAC = replace(LINUX, platform="darwin", shares_kernel=False, near=False)
WINDOWS = replace(MAC, platform="win32")
LOOPBACK_TCP = replace(LINUX, near=False)
REMOTE = replace(LINUX, near=False, shares_kernel=False, remote="docker")
REMOTE_FROM_MAC = replace(MAC, remote="docker")
WSL = replace(LINUX, near=False)
HIDDEN = replace(LINUX, near=False, hidden=True)

BRIDGED = OwnContainer(
    id="i", name="n", started="s", network_mode="bridge", networks=("shop_default", "bridge")
)
IN_CONTAINER = replace(LINUX, near=False, hidden=True, container=BRIDGED)
SHARING = replace(IN_CONTAINER, shared=SHARED)
ON_THE_HOSTS_NETWORK = replace(
    IN_CONTAINER, container=replace(BRIDGED, network_mode="host", networks=())
)
WITHOUT_NETWORK = replace(
    IN_CONTAINER, container=replace(BRIDGED, network_mode="none", networks=())
)
BY_PROXY = replace(IN_CONTAINER, hidden=False, remote="socket-proxy")


@pytest.mark.parametrize(
    ("location", "transport"),
    [
        (LINUX, Transport.SOCKET),
        (DESKTOP_ON_LINUX, Transport.PORT),
        (MAC, Transport.PORT),
        (WINDOWS, Transport.PORT),
        (LOOPBACK_TCP, Transport.PORT),
        (WSL, Transport.PORT),
        (REMOTE, Transport.PORT),
        (REMOTE_FROM_MAC, Transport.PORT),
        (SHARING, Transport.SOCKET),
        (IN_CONTAINER, Transport.NETWORK),
        (BY_PROXY, Transport.NETWORK),
        (ON_THE_HOSTS_NETWORK, Transport.PORT),
    ],
)
def test_each_location_has_its_transport(location: EngineLocation, transport: Transport) -> None:
    assert choose_transport(location, "auto").transport is transport


def test_a_socket_on_one_machine_is_in_the_runs_own_folder() -> None:
    assert choose_transport(LINUX, "auto").folder == FOLDER


def test_a_socket_in_a_container_is_in_what_the_engine_calls_the_runs_folder() -> None:
    assert choose_transport(SHARING, "auto").folder == SHARED


@pytest.mark.parametrize(
    "location", [DESKTOP_ON_LINUX, MAC, WINDOWS, LOOPBACK_TCP, ON_THE_HOSTS_NETWORK]
)
def test_an_engine_of_this_machine_publishes_on_the_loopback_address_alone(
    location: EngineLocation,
) -> None:
    chosen = choose_transport(location, "auto")

    assert (chosen.publish, chosen.host) == ("127.0.0.1", "127.0.0.1")


@pytest.mark.parametrize("location", [REMOTE, REMOTE_FROM_MAC])
def test_an_engine_elsewhere_publishes_where_it_is_reached_by_its_name(
    location: EngineLocation,
) -> None:
    chosen = choose_transport(location, "auto")

    assert (chosen.publish, chosen.host) == ("0.0.0.0", "docker")  # noqa: S104


def test_an_engine_at_an_address_of_ipv6_publishes_there() -> None:
    chosen = choose_transport(replace(REMOTE, remote="fd00::2"), "auto")

    assert (chosen.publish, chosen.host) == ("::", "fd00::2")


def test_servers_join_a_network_that_a_user_made_before_the_engines_own() -> None:
    chosen = choose_transport(IN_CONTAINER, "auto")

    assert (chosen.network, chosen.folder) == ("shop_default", None)


@pytest.mark.parametrize(
    ("location", "hint"), [(WITHOUT_NETWORK, "--volume"), (HIDDEN, "DOCKER_HOST")]
)
def test_where_no_transport_is_known_to_work_the_error_names_the_fix(
    location: EngineLocation, hint: str
) -> None:
    with pytest.raises(EngineError) as raised:
        choose_transport(location, "auto")

    assert "by socket: " in raised.value.message
    assert "by network: " in raised.value.message
    assert "by port: " in raised.value.message
    assert hint in raised.value.hint


@pytest.mark.parametrize(
    ("location", "wanted", "reason"),
    [
        (MAC, "socket", "run in a separate Linux virtual machine"),
        (DESKTOP_ON_LINUX, "socket", "on a different machine"),
        (REMOTE, "socket", "on a different machine"),
        (IN_CONTAINER, "socket", "the folder /var/own exists only in this container"),
        (LINUX, "network", "not run in a container of the engine"),
        (WITHOUT_NETWORK, "network", "has no network"),
        (IN_CONTAINER, "port", "cannot reach the loopback address"),
        (SHARING, "port", "cannot reach the loopback address"),
        (BY_PROXY, "port", "cannot reach the loopback address"),
    ],
)
def test_a_forced_transport_that_cannot_work_says_why(
    location: EngineLocation, wanted: str, reason: str
) -> None:
    with pytest.raises(EngineError, match=f"--transport {wanted}: .*{reason}"):
        choose_transport(location, wanted)


@pytest.mark.parametrize(
    ("location", "wanted"),
    [(HIDDEN, "socket"), (HIDDEN, "port"), (LOOPBACK_TCP, "socket"), (LINUX, "port")],
)
def test_a_forced_transport_that_may_work_is_taken(location: EngineLocation, wanted: str) -> None:
    assert choose_transport(location, wanted).transport.value == wanted


def test_a_container_that_has_its_machines_network_needs_no_other() -> None:
    assert choose_transport(ON_THE_HOSTS_NETWORK, "network").transport is Transport.PORT


def test_what_any_program_is_to_use_is_a_port_if_the_engine_can_publish_one() -> None:
    assert choose_transport(LINUX, FOR_ANY_PROGRAM).transport is Transport.PORT
    without = replace(LINUX, has_networks=False)
    assert choose_transport(without, FOR_ANY_PROGRAM).transport is Transport.SOCKET
    with pytest.raises(EngineError, match="no network on which to publish ports"):
        choose_transport(without, "port")
