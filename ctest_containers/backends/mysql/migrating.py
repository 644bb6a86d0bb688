"""Queries for MySQL or MariaDB sessions while migrations run."""

from __future__ import annotations

import re
from typing import Final

from ctest_containers.backends.support import SessionQuestions

SESSION: Final = SessionQuestions(
    read_only="SET SESSION TRANSACTION READ ONLY",
    queries=(
        """
        SHOW SESSION VARIABLES WHERE variable_name NOT REGEXP
        '^(error_count|external_user|gtid|identity|in_transaction|insert_id|last_|proxy_user|pseudo_'
        '|rand_seed|statement_id|timestamp|warning_count)'
        """,
    ),
    keeping=re.compile(
        r"(?<![@\w])@(?!@)\w | \bCREATE\s+(?:OR\s+REPLACE\s+)?TEMP | \bGET_LOCK\b | \bLOCK\s+TABLE",
        re.IGNORECASE | re.VERBOSE,
    ),
    keeping_words=("@", "temp", "lock"),
    defaults="""
    SELECT CONCAT('`', table_name, '`'), CONCAT(table_name, '.', column_name), column_default
    FROM information_schema.columns
    WHERE table_schema = DATABASE() AND column_default IS NOT NULL
        AND (extra LIKE '%DEFAULT_GENERATED%' OR VERSION() LIKE '%MariaDB%')
    """,
)
