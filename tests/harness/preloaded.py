"""The modules that a fork server imports before it starts programs."""

from __future__ import annotations

from typing import Final

from _pytest.config import default_plugins

LOADED: Final = (
    *("asyncio", "concurrent.futures.thread", "decimal", "difflib", "email.mime.text"),
    *("html.parser", "http.server", "multiprocessing.pool", "pdb", "sqlite3", "unittest.mock"),
    *("xml.dom.minidom", "zoneinfo", "logging.config"),
    *("django.contrib.contenttypes.apps", "django.contrib.contenttypes.checks"),
    *("django.contrib.contenttypes.management", "django.core.cache.backends.db"),
    *("django.core.cache.backends.locmem", "django.core.files.storage", "django.core.mail"),
    *("django.core.management.commands.check", "django.core.management.commands.makemigrations"),
    *("django.core.management.commands.migrate", "django.core.management.commands.test"),
    *("django.core.serializers.json", "django.db.migrations.executor", "django.db.models"),
    *("django.db.backends.postgresql.base", "django.db.backends.sqlite3.base"),
    *("django.db.migrations.writer", "django.db.models.sql.compiler"),
    *("django.forms", "django.template.loader", "django.utils.translation.reloader"),
    *("django.test", "django.test.runner", "django.urls", "django.utils.autoreload"),
    *("django.views.csrf", "django.views.debug", "django.views.generic"),
    *("django.middleware.common", "django.utils.cache"),
    *(
        "ctest_containers.cli.commands.run",
        "ctest_containers.runner",
        "ctest_containers.session.run",
    ),
    *("ctest_containers.supply.supply", "ctest_containers.workers.child"),
    *("ctest_containers.template.image_builder", "ctest_containers.report.record"),
    *("ctest_containers.cli.commands.doctor", "ctest_containers.cli.commands.exec"),
    *("ctest_containers.cli.commands.service.up", "ctest_containers.doctor.checks"),
    *("ctest_containers.cli.commands.template.explain",),
    *("ctest_containers.engine.reach", "ctest_containers.history.schema"),
    *("ctest_containers.isolated", "ctest_containers.report.summary"),
    *("docker", "docker.context", "dotenv", "wrapt"),
    *("mysql.connector", "psycopg2.extras", "pymysql"),
    *("ctest_containers.backends", "ctest_containers.engine.own_container", "filelock", "psutil"),
    *(f"_pytest.{name}" for name in default_plugins),
)
"""What a run of a project's tests or its server host imports, whichever project it is.

testcontainers is not among it: it reads the environment when it is imported. Nor are third-party
plugins: pytest imports these itself to rewrite their assertions.
"""

DASK: Final = ("dask.cli", "distributed.cli.dask_scheduler", "distributed.cli.dask_worker")
"""What a run on a cluster and the nodes of the cluster import as well."""
