"""Measures how long migrations take with models rendered on demand, beside Django's own way."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent

import docker

from harness.generated_history import write_history
from harness.histories import APPS, History
from harness.projects import PROJECTS as PROJECTS_OF_TESTS
from harness.servers import plain_server

ROOT = Path(__file__).resolve().parents[2]
SERVERS = ("sqlite", "postgresql", "mariadb")
WAYS = ("django", "toolkit", "recorded")
"""Django's own, models on demand, and models on demand with what the build uses recorded."""

PACKAGES = (
    *("Django~=5.2.0", "psycopg[binary]", "mysqlclient", "wagtail==8.0.1", "django-oscar==4.2.1"),
    *("sorl-thumbnail", "django-cms==5.1.3", "django-machina==1.3.1", "django-allauth==65.22.1"),
    *("django-oauth-toolkit==3.4.1", "django-celery-beat==2.9.0", "django-celery-results==2.6.0"),
    "django-filer==3.6.0",
)
"""What is installed for all projects, in one environment."""

CONTRIB = (
    *("auth", "contenttypes", "sessions", "sites", "messages", "staticfiles", "admin"),
    *("flatpages", "humanize"),
)

OSCAR = [
    "oscar.config.Shop",
    *(
        f"oscar.apps.{path}.apps.{name}Config"
        for path, name in (
            *(("analytics", "Analytics"), ("checkout", "Checkout"), ("address", "Address")),
            *(("shipping", "Shipping"), ("catalogue", "Catalogue")),
            *(("catalogue.reviews", "CatalogueReviews"), ("communication", "Communication")),
            *(("partner", "Partner"), ("basket", "Basket"), ("payment", "Payment")),
            *(("offer", "Offer"), ("order", "Order"), ("customer", "Customer")),
            *(("search", "Search"), ("voucher", "Voucher"), ("wishlists", "Wishlists")),
            *(("dashboard", "Dashboard"), ("dashboard.reports", "ReportsDashboard")),
            *(("dashboard.users", "UsersDashboard"), ("dashboard.orders", "OrdersDashboard")),
            ("dashboard.catalogue", "CatalogueDashboard"),
            *(("dashboard.offers", "OffersDashboard"), ("dashboard.pages", "PagesDashboard")),
            *(("dashboard.partners", "PartnersDashboard"), ("dashboard.ranges", "RangesDashboard")),
            ("dashboard.reviews", "ReviewsDashboard"),
            ("dashboard.vouchers", "VouchersDashboard"),
            ("dashboard.communications", "CommunicationsDashboard"),
            ("dashboard.shipping", "ShippingDashboard"),
        )
    ),
    *("widget_tweaks", "haystack", "treebeard", "django_tables2", "sorl.thumbnail"),
]
WAGTAIL = [
    *("wagtail.contrib.forms", "wagtail.contrib.redirects", "wagtail.contrib.settings"),
    *("wagtail.contrib.search_promotions", "wagtail.embeds", "wagtail.sites", "wagtail.users"),
    *("wagtail.snippets", "wagtail.documents", "wagtail.images", "wagtail.search"),
    *("wagtail.admin", "wagtail", "modelcluster", "taggit", "treebeard"),
]
CMS = ["cms", "menus", "treebeard", "sekizai", "filer", "easy_thumbnails", "mptt"]
OTHERS = [
    *("mptt", "haystack", "widget_tweaks", "machina", "machina.apps.forum"),
    *(
        f"machina.apps.forum_{part}"
        for part in (
            *("conversation", "conversation.forum_attachments", "conversation.forum_polls"),
            *("feeds", "member", "moderation", "permission", "search", "tracking"),
        )
    ),
    *("allauth", "allauth.account", "allauth.socialaccount", "oauth2_provider"),
    *("django_celery_beat", "django_celery_results"),
]
EXAMPLE = "example project"

SMALL = 500
"""The number of small migrations."""

PROJECTS: Mapping[str, list[str]] = {
    "django-oscar": OSCAR,
    "wagtail": WAGTAIL,
    "django-cms": CMS,
    "allauth, machina, celery-beat and others": OTHERS,
    "all of these": [*OSCAR, *WAGTAIL, *CMS, *OTHERS],
    EXAMPLE: [],
    "generated": [],
    "small migrations": [],
}

SETTINGS = """
    import os

    try:
        from oscar.defaults import *
    except ImportError:
        pass
    SECRET_KEY = "of a benchmark"
    USE_TZ = True
    SITE_ID = 1
    ROOT_URLCONF = "urls"
    STATIC_URL = "/static/"
    LANGUAGE_CODE = "en"
    LANGUAGES = [("en", "English")]
    CMS_CONFIRM_VERSION4 = True
    WAGTAIL_SITE_NAME = "benchmark"
    WAGTAILADMIN_BASE_URL = "http://localhost"
    DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
    HAYSTACK_CONNECTIONS = {{
        "default": {{"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}}
    }}
    MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "allauth.account.middleware.AccountMiddleware",
    ]
    TEMPLATES = [
        {{
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {{
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            }},
        }}
    ]
    INSTALLED_APPS = {apps!r}
"""

SERVER = """
    import os
    ENGINE = os.environ.get("BENCH_ENGINE", "sqlite3")
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends." + ENGINE,
            "NAME": ":memory:" if ENGINE == "sqlite3" else "bench",
            "USER": "bench",
            "HOST": os.environ.get("BENCH_HOST", ""),
            "PORT": "5432" if ENGINE == "postgresql" else "",
        }
    }
"""

EXAMPLE_SETTINGS = "from shop.settings import *\n"

TEST = """
    from django.contrib.auth.models import User
    from django.test import TestCase

    class UserTests(TestCase):
        def test_there_are_users_tables(self):
            self.assertFalse(User.objects.filter(username="nobody").exists())
"""

PROGRAM = """
    import json, os, sys, time
    from contextlib import nullcontext

    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from ctest_containers.backends.clocks import clock_in
    from ctest_containers.recording.manifest import make_manifest
    from ctest_containers.recording.portable_paths import PortablePaths
    from ctest_containers.recording.recorder import Recorder
    from ctest_containers.rendering.on_demand import rendering_on_demand
    from ctest_containers.template.build_process import migration_packages

    quoted = connection.ops.quote_name(connection.settings_dict["NAME"])
    is_server = connection.vendor != "sqlite"
    if is_server:
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {quoted}")
            cursor.execute(f"CREATE DATABASE {quoted}")
    connection.ensure_connection()
    started, began = time.perf_counter(), time.time()
    places, recorder = PortablePaths.here(), None
    if sys.argv[1] == "recorded":
        recorder = Recorder(places, migration_packages(), clock_in)
        recorder.start()
    with nullcontext() if sys.argv[1] == "django" else rendering_on_demand():
        call_command("migrate", verbosity=0, interactive=False)
    if recorder is not None:
        make_manifest(recorder.stop(), places, since=began)
    seconds = time.perf_counter() - started
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM django_migrations")
        (migrations,) = cursor.fetchone()
    tables = len(connection.introspection.table_names())
    print(json.dumps([seconds, migrations, tables]))
"""


def main(arguments: list[str]) -> int:
    """Print a table of the projects, as Markdown."""
    options = parser().parse_args(arguments)
    with _folder(options.folder) as folder:
        python = _environment(folder)
        for name in options.projects or PROJECTS:
            project = _write_project(folder, name)
            for server in options.on or SERVERS:
                with _server(server) as env:
                    line = _measured(project, python, env, options.rounds)
                checked = _compared(project, python, server) if options.compare else ""
                _say(f"| {name} | {server} | {line} | {checked} |")
    return 0


def parser() -> argparse.ArgumentParser:
    """What the command understands."""
    made = argparse.ArgumentParser(prog="scripts/bench-builds")
    made.add_argument("projects", nargs="*", choices=[*PROJECTS, []], metavar="PROJECT")
    made.add_argument("--on", action="append", choices=SERVERS)
    made.add_argument("--rounds", type=int, default=3)
    made.add_argument("--compare", action="store_true", help="run --build compare as well")
    made.add_argument("--folder", type=Path, help="keep what is installed")
    return made


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept.resolve()
        return
    with TemporaryDirectory(prefix="builds-") as name:
        yield Path(name)


def _environment(folder: Path) -> Path:
    """The interpreter of an environment with all packages."""
    python = folder / "venv" / "bin" / "python"
    if not python.exists():
        venv.create(folder / "venv", with_pip=True)
        install = [str(python), "-m", "pip", "install", "-q", "-e", str(ROOT), *PACKAGES]
        subprocess.run(install, check=True)
    return python


def _write_project(folder: Path, name: str) -> Path:
    project = folder / name.partition(",")[0].replace(" ", "-")
    project.mkdir(exist_ok=True)
    apps = [*(f"django.contrib.{app}" for app in CONTRIB), *PROJECTS[name]]
    if name == "generated":
        apps = [*(f"django.contrib.{app}" for app in CONTRIB[:2]), *write_history(project)]
    elif name == "small migrations":
        apps = ["django.contrib.contenttypes", *_write_small_migrations(project)]
    text = dedent(SETTINGS).format(apps=list(dict.fromkeys(apps)))
    if name == EXAMPLE:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECTS_OF_TESTS / "shop", project, dirs_exist_ok=True, ignore=ignored)
        text = EXAMPLE_SETTINGS
    (project / "settings.py").write_text(text + dedent(SERVER))
    (project / "urls.py").write_text("urlpatterns = []\n")
    (project / "test_users.py").write_text(dedent(TEST))
    (project / "migrate_once.py").write_text(dedent(PROGRAM))
    return project


def _write_small_migrations(project: Path) -> Sequence[str]:
    """Write migrations that take as little as any; return the names of their apps."""
    if not (project / APPS[0]).exists():
        history = History(project)
        for number in range(SMALL):
            history.add((number, 1 if number % 7 else 0, number, number))
    return APPS


@contextmanager
def _server(flavour: str) -> Iterator[dict[str, str]]:
    if flavour == "sqlite":
        yield {}
        return
    engine = "postgresql" if flavour == "postgresql" else "mysql"
    with plain_server(docker.from_env(), flavour, ["bench"]) as host:
        yield {"BENCH_ENGINE": engine, "BENCH_HOST": host}


def _measured(project: Path, python: Path, env: Mapping[str, str], rounds: int) -> str:
    """How long each way takes, in turn: medians, and the ratio."""
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    size = ""
    for number in range(rounds):
        for way in WAYS if number % 2 else reversed(WAYS):
            done = subprocess.run(
                [python, "migrate_once.py", way],
                cwd=project,
                env={**os.environ, "DJANGO_SETTINGS_MODULE": "settings", **env},
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise RuntimeError(done.stdout[-2000:] + done.stderr[-4000:])
            taken, migrations, tables = json.loads(done.stdout.splitlines()[-1])
            seconds[way].append(taken)
            size = f"{migrations} | {tables}"
    django, toolkit, recorded = (statistics.median(seconds[way]) for way in WAYS)
    return (
        f"{size} | {django:.2f} s | {toolkit:.2f} s, {toolkit / django:.2f} "
        f"| {recorded:.2f} s, {recorded / toolkit:.2f}"
    )


def _compared(project: Path, python: Path, server: str) -> str:
    """What `--build compare` says."""
    engine = {"sqlite": "sqlite3", "mariadb": "mysql"}.get(server, server)
    done = subprocess.run(
        [python, "-m", "ctest_containers", "template", "build", "--rebuild", "--build", "compare"],
        cwd=project,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "settings",
            "BENCH_ENGINE": engine,
            "CTEST_CONTAINERS_MYSQL_IMAGE": "mariadb",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode or "both ways" not in done.stdout + done.stderr:
        return done.stdout[-1500:] + done.stderr[-1500:]
    return "own way" if "own way" in done.stdout + done.stderr else "0"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
