"""MySQL and MariaDB, which share one vendor, as in Django."""

from __future__ import annotations

from typing import Final

from ctest_containers.backends.mysql.migrating import SESSION
from ctest_containers.backends.mysql.observer import observe
from ctest_containers.backends.mysql.reset import MysqlReset
from ctest_containers.backends.mysql.rows import open_rows
from ctest_containers.backends.mysql.schema import open_schema
from ctest_containers.backends.mysql.server import Mysql
from ctest_containers.backends.support import Clients, Support, no_refusal

SUPPORT: Final = Support(
    vendor=Mysql.vendor,
    title="MySQL and MariaDB",
    engines={
        "django.db.backends.mysql": "pip install mysqlclient",
        "django.contrib.gis.db.backends.mysql": "pip install mysqlclient",
        "mysql.connector.django": "pip install mysql-connector-python",
    },
    drivers={
        "MySQLdb": ("mysqlclient",),
        "pymysql": ("PyMySQL",),
        "mysql.connector": ("mysql-connector-python",),
    },
    clients=Clients(
        scheme="mysql",
        socket_url="{who}@localhost/{name}?unix_socket={socket}",
        # https://dev.mysql.com/doc/refman/8.4/en/environment-variables.html
        variables={
            "HOST": "MYSQL_HOST",
            "PORT": "MYSQL_TCP_PORT",
            "SOCKET": "MYSQL_UNIX_PORT",
            "USER": "MYSQL_USER",
            "PASSWORD": "MYSQL_PWD",
            "NAME": "MYSQL_DATABASE",
        },
    ),
    session=SESSION,
    reset=MysqlReset(),
    locks=None,
    open_rows=open_rows,
    open_schema=open_schema,
    observe=observe,
    refusal_in=no_refusal,
    server=Mysql(),
)
