"""Reads the objects of a PostgreSQL database from its catalogs."""

from __future__ import annotations

from typing import Any, Final

from ctest_containers.backends.catalog import MIGRATION

# Excludes the system's objects, and those of extensions, which each have an entry of their own.
NAMESPACES: Final = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_'"
NOT_OF_EXTENSION: Final = (
    "NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = {oid} AND d.deptype = 'e'"
    " AND d.classid = '{catalog}'::regclass)"
)
OWN_RELATION: Final = f"{NAMESPACES} AND {NOT_OF_EXTENSION.format(oid='c.oid', catalog='pg_class')}"

QUERIES: Final = {
    "extension": "SELECT extname, extversion FROM pg_extension",
    "schema": f"SELECT n.nspname, '' FROM pg_namespace n WHERE {NAMESPACES} AND "
    + NOT_OF_EXTENSION.format(oid="n.oid", catalog="pg_namespace"),
    "table": (
        "SELECT n.nspname || '.' || c.relname, concat_ws(' ', c.relkind, c.relpersistence,"
        " c.reloptions::text, pg_get_expr(c.relpartbound, c.oid), pg_get_partkeydef(c.oid),"
        " 'row security ' || c.relrowsecurity, obj_description(c.oid, 'pg_class'))"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        f" WHERE c.relkind IN ('r', 'p', 'f') AND {OWN_RELATION}"
    ),
    "column": (
        "SELECT n.nspname || '.' || c.relname || '.' || a.attname, concat_ws(' ',"
        " row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum),"
        " format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'not null' END,"
        " 'default ' || pg_get_expr(f.adbin, f.adrelid),"
        " 'identity ' || nullif(a.attidentity::text, ''),"
        " 'generated ' || nullif(a.attgenerated::text, ''), 'collate ' || l.collname,"
        " col_description(c.oid, a.attnum))"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
        " LEFT JOIN pg_attrdef f ON f.adrelid = c.oid AND f.adnum = a.attnum"
        " LEFT JOIN pg_collation l ON l.oid = a.attcollation AND l.collname <> 'default'"
        f" WHERE c.relkind IN ('r', 'p', 'f') AND {OWN_RELATION}"
    ),
    "constraint": (
        "SELECT n.nspname || '.' || c.relname || '.' || k.conname, pg_get_constraintdef(k.oid)"
        " FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid"
        f" JOIN pg_namespace n ON n.oid = c.relnamespace WHERE k.contype <> 'n' AND {OWN_RELATION}"
    ),
    "index": (
        "SELECT n.nspname || '.' || c.relname, pg_get_indexdef(c.oid)"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        f" WHERE c.relkind IN ('i', 'I') AND {OWN_RELATION}"
    ),
    "sequence": (
        "SELECT n.nspname || '.' || c.relname, concat_ws(' ', format_type(s.seqtypid, NULL),"
        " s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcycle)"
        " FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid"
        f" JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {OWN_RELATION}"
    ),
    "view": (
        "SELECT n.nspname || '.' || c.relname, c.relkind::text || ' ' || pg_get_viewdef(c.oid)"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        f" WHERE c.relkind IN ('v', 'm') AND {OWN_RELATION}"
    ),
    "trigger": (
        "SELECT n.nspname || '.' || c.relname || '.' || t.tgname, pg_get_triggerdef(t.oid)"
        " FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
        " JOIN pg_namespace n ON n.oid = c.relnamespace"
        f" WHERE NOT t.tgisinternal AND {OWN_RELATION}"
    ),
    "function": (
        "SELECT n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid)"
        " || ')', CASE WHEN p.prokind = 'a' THEN 'aggregate' ELSE pg_get_functiondef(p.oid) END"
        f" FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {NAMESPACES} AND "
        + NOT_OF_EXTENSION.format(oid="p.oid", catalog="pg_proc")
    ),
    "type": (
        "SELECT n.nspname || '.' || t.typname, concat_ws(' ', t.typtype, (SELECT"
        " string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder) FROM pg_enum e"
        " WHERE e.enumtypid = t.oid), CASE WHEN t.typtype = 'd' THEN"
        " format_type(t.typbasetype, t.typtypmod) END)"
        " FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace"
        f" WHERE t.typtype IN ('e', 'd') AND {NAMESPACES} AND "
        + NOT_OF_EXTENSION.format(oid="t.oid", catalog="pg_type")
    ),
}
"""For each kind of object, the names and definitions, from the server's own functions."""


def read_catalog(cursor: Any) -> dict[str, str]:
    """Return the objects of a cursor's database, such as `column public.shop_product.name`."""
    objects: dict[str, str] = {}
    for kind, query in QUERIES.items():
        cursor.execute(query)
        objects |= {f"{kind} {name}": str(definition) for name, definition in cursor.fetchall()}
    cursor.execute(
        "SELECT format('SELECT app, name FROM %I.%I', n.nspname, c.relname) FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname = 'django_migrations'"
        f" AND c.relkind IN ('r', 'p') AND {NAMESPACES}"
    )
    for (query,) in cursor.fetchall():
        cursor.execute(query)
        objects |= {f"{MIGRATION}{app}.{name}": "applied" for app, name in cursor.fetchall()}
    return objects


TABLES: Final = (
    "SELECT 'rows of ' || n.nspname || '.' || c.relname, CASE WHEN pg_relation_size(c.oid) > 0"
    " THEN format('SELECT count(*) FROM ONLY %I.%I', n.nspname, c.relname) END"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    f" WHERE (c.relkind = 'r' OR c.relkind = 'm' AND c.relispopulated) AND {OWN_RELATION}"
)
"""Each table, with a query that counts its rows unless it has no page and therefore no rows.

To count them, the server would also open the files of its indexes: on a newly started server, this
takes longer than everything else.
"""

SEQUENCES: Final = (
    "SELECT 'last value of ' || n.nspname || '.' || c.relname,"
    " coalesce(pg_sequence_last_value(c.oid), 0)"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    f" WHERE c.relkind = 'S' AND {OWN_RELATION}"
)


def count_rows(cursor: Any) -> dict[str, int]:
    """Return each table's row count and each sequence's last value in the cursor's database."""
    # Overrides any limit that the project has set.
    cursor.execute("SET statement_timeout = 0")
    cursor.execute(TABLES)
    counts: dict[str, int] = {}
    for name, query in cursor.fetchall():
        counts[name] = 0
        if query is not None:
            cursor.execute(query)
            (counts[name],) = cursor.fetchone()
    cursor.execute(SEQUENCES)
    counts.update(cursor.fetchall())
    return counts
