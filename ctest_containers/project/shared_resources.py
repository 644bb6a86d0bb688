"""Everything that workers would share besides databases, and what to do about it."""

from __future__ import annotations

from ctest_containers.project import shared_addresses, shared_files, shared_servers
from ctest_containers.project.shared_resource import SharedResource


def shared_resources() -> list[SharedResource]:
    """List what workers would share besides databases, as the settings say.

    It writes nothing and connects to no server.
    """
    return [
        *shared_servers.caches(),
        *shared_files.folders(),
        *shared_files.storages(),
        *shared_servers.channel_layers(),
        *shared_servers.mail(),
        *shared_servers.brokers(),
        *shared_servers.search_engines(),
        *shared_files.log_files(),
        *shared_addresses.addresses(),
    ]
