"""Options for the machines of a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ctest_containers.options.option import option
from ctest_containers.options.values import (
    parse_flag,
    parse_seconds,
    parse_text,
)

SECTION: Final = "other machines"


@dataclass(frozen=True, kw_only=True)
class ClusterOptions:
    """Options for the machines of a cluster."""

    cluster: str = option(
        "",
        parse_text,
        "ADDRESS",
        "Run the tests on a Dask cluster, each of whose workers has its own engine. ADDRESS is "
        "the scheduler's address, such as tcp://scheduler:8786 or tls://…, its scheduler file, or "
        "local, which starts a cluster on this machine. --parallel then sets the number of "
        "workers on each node. Needs ctest-containers[cluster].",
        section=SECTION,
    )
    cluster_wait: float = option(
        60.0,
        parse_seconds,
        "SECONDS",
        "How long to wait for a node if the cluster has none.",
        section=SECTION,
    )
    cluster_tls_ca: str = option(
        "",
        parse_text,
        "FILE",
        "The CA certificate for the cluster's TLS. By default, Dask's configuration applies.",
        section=SECTION,
    )
    cluster_tls_cert: str = option(
        "",
        parse_text,
        "FILE",
        "This machine's TLS certificate for the cluster.",
        section=SECTION,
    )
    cluster_tls_key: str = option(
        "",
        parse_text,
        "FILE",
        "The private key of that certificate.",
        section=SECTION,
    )
    ship_code: bool = option(
        False,  # noqa: FBT003
        parse_flag,
        "",
        "Send the project's code to the nodes of the cluster. By default, each node needs the "
        "same checkout in the same folder, which is verified.",
        section=SECTION,
    )
