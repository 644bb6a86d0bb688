"""Plans the databases of a project from its settings and the toolkit's options."""

from __future__ import annotations

import functools

from ctest_containers.backends.settings import check_settings
from ctest_containers.config import Config
from ctest_containers.config.model import image_of
from ctest_containers.config.server_settings import check_vendors, settings_of
from ctest_containers.project.databases import DatabasePlans, plan_databases


def plan_for(config: Config) -> DatabasePlans:
    """Return the databases of the project; call this before any alias is redirected.

    Raises:
        UsageError: The options name an image for an unknown alias, or a server setting that is
            not allowed.
    """
    settings = config.server_settings
    plans = plan_databases(
        functools.partial(image_of, config),
        functools.partial(settings_of, settings),
        config.database_role,
    )
    plans.check_images(alias for alias, _ in config.images)
    servers = [group for group in plans.groups if group.has_server]
    check_vendors(settings, {str(group.vendor) for group in servers})
    for group in servers:
        check_settings(group)
    return plans
