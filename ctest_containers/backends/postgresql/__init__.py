"""PostgreSQL, and backends derived from Django's for it, such as PostGIS."""

from __future__ import annotations

from typing import Final

from ctest_containers.backends.postgresql.migrating import SESSION, PostgresqlLocks
from ctest_containers.backends.postgresql.observer import observe
from ctest_containers.backends.postgresql.privileges import refusal_in
from ctest_containers.backends.postgresql.reset import PostgresqlReset
from ctest_containers.backends.postgresql.rows import open_rows
from ctest_containers.backends.postgresql.schema import open_schema
from ctest_containers.backends.postgresql.server import Postgresql
from ctest_containers.backends.support import Clients, Support

SUPPORT: Final = Support(
    vendor=Postgresql.vendor,
    title="PostgreSQL",
    engines={
        "django.db.backends.postgresql": 'pip install "psycopg[binary]"',
        "django.contrib.gis.db.backends.postgis": 'pip install "psycopg[binary]"',
    },
    drivers={"psycopg": ("psycopg",), "psycopg2": ("psycopg2", "psycopg2-binary")},
    clients=Clients(
        scheme="postgresql",
        # https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
        socket_url="{who}@/{name}?host={folder}&port={port}",
        # https://www.postgresql.org/docs/current/libpq-envars.html
        variables={
            "HOST": "PGHOST",
            "PORT": "PGPORT",
            "USER": "PGUSER",
            "PASSWORD": "PGPASSWORD",
            "NAME": "PGDATABASE",
        },
    ),
    session=SESSION,
    reset=PostgresqlReset(),
    locks=PostgresqlLocks(),
    open_rows=open_rows,
    open_schema=open_schema,
    observe=observe,
    refusal_in=refusal_in,
    server=Postgresql(),
)
