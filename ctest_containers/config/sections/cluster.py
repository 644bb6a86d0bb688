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
        "Run the tests on the workers of a Dask cluster, each with an engine of its own: the "
        "address of its scheduler, such as tcp://scheduler:8786 or tls://…, the file that the "
        "scheduler has written, or local. --parallel is then the number of workers on each "
        "node. Needs ctest-containers[cluster].",
        section=SECTION,
    )
    cluster_wait: float = option(
        60.0,
        parse_seconds,
        "SECONDS",
        "How long a run waits for a node while the cluster has none.",
        section=SECTION,
    )
    cluster_tls_ca: str = option(
        "",
        parse_text,
        "FILE",
        "The authority that signed the cluster's certificates. By default as Dask is configured.",
        section=SECTION,
    )
    cluster_tls_cert: str = option(
        "",
        parse_text,
        "FILE",
        "This machine's certificate for the cluster.",
        section=SECTION,
    )
    cluster_tls_key: str = option(
        "",
        parse_text,
        "FILE",
        "The key of that certificate.",
        section=SECTION,
    )
    ship_code: bool = option(
        False,  # noqa: FBT003
        parse_flag,
        "",
        "Send the project's code to the nodes of the cluster. By default each has to have the same "
        "checkout in the same folder, which is verified.",
        section=SECTION,
    )
