"""Connects to a Dask cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from ctest_containers.errors import ClusterError

CONNECT_SECONDS: Final = 10.0
"""How long a scheduler may take to answer for the first time."""

LOCAL: Final = "local"
"""Stands for a cluster of one node on this machine, to try out a cluster."""


def connect(address: str, tls: tuple[str, str, str]) -> Any:
    """Return a client of a cluster.

    Args:
        address: A scheduler's address, a file that a scheduler has written, or `local`.
        tls: The files of the authority, the certificate and the key; empty for Dask's own
            configuration.

    Raises:
        ClusterError: Dask is not installed, or no scheduler answers there.
    """
    try:
        from distributed import Client, LocalCluster
        from distributed.security import Security
    except ImportError as error:
        raise ClusterError(
            "--cluster needs the package distributed, which is not installed.",
            'Run pip install "ctest-containers[cluster]".',
        ) from error
    security = Security()  # type: ignore[no-untyped-call]
    if any(tls):
        authority, certificate, key = tls
        security = Security(  # type: ignore[no-untyped-call]
            tls_ca_file=authority or None,
            tls_client_cert=certificate or None,
            tls_client_key=key or None,
            require_encryption=True,
        )
    is_tls = address.startswith("tls://")
    ours: Any = security
    if is_tls and not ours.get_connection_args("client").get("ssl_context"):
        raise ClusterError(
            f"The scheduler at {address} requires TLS certificates.",
            "Set them with --cluster-tls-ca, --cluster-tls-cert and --cluster-tls-key.",
        )
    options = {"timeout": CONNECT_SECONDS, "set_as_default": False, "security": security}
    try:
        if address == LOCAL:
            cluster = LocalCluster(  # type: ignore[no-untyped-call]
                n_workers=1, threads_per_worker=1, dashboard_address=None, silence_logs=50
            )
            return Client(cluster, set_as_default=False)  # type: ignore[no-untyped-call]
        if "://" not in address and Path(address).suffix == ".json":
            if not Path(address).is_file():
                raise ClusterError(f"The scheduler file {address} does not exist.")
            return Client(scheduler_file=address, **options)  # type: ignore[no-untyped-call]
        return Client(address, **options)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TypeError, TimeoutError) as error:
        raise ClusterError(
            f"No Dask scheduler answers at {address}: {error}.",
            "Check that it is running and reachable from here, and whether it requires TLS.",
        ) from error
