"""Describes a PostgreSQL database for its summary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from ctest_containers.backends.postgresql.catalog import NAMESPACES, NOT_OF_EXTENSION, OWN_RELATION
from ctest_containers.backends.postgresql.rows import READ_ONLY, PostgresqlRows, exact_cursor
from ctest_containers.backends.rows import DatabaseLocation, Table, quoted
from ctest_containers.backends.schema import (
    LIMIT_BY_COLUMN,
    LIMIT_ROWS,
    WHOLE,
    Kind,
    Period,
    SchemaObject,
    TableRows,
    from_sums,
)

RELATION: Final = "format('%I.%I', n.nspname, c.relname)"
FROM_RELATION: Final = "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
OTHER_RELATION: Final = (
    "(SELECT format('%I.%I', m.nspname, r.relname) FROM pg_class r"
    " JOIN pg_namespace m ON m.oid = r.relnamespace WHERE r.oid = {oid})"
)
STORES_ROWS: Final = f"c.relkind IN ('r', 'p', 'f') AND {OWN_RELATION}"

# Each query returns a name, a definition, a table, columns, what it refers to, and whether it
# cascades.
QUERIES: Final = {
    Kind.TABLE: (
        f"SELECT {RELATION}, concat_ws(' ', c.relkind, c.relpersistence, c.reloptions::text,"
        " pg_get_expr(c.relpartbound, c.oid), pg_get_partkeydef(c.oid), c.relrowsecurity,"
        " c.relforcerowsecurity, c.relacl, c.relowner::regrole),"
        f" {RELATION}, NULL, NULL, false {FROM_RELATION} WHERE {STORES_ROWS}"
    ),
    Kind.COLUMN: (
        "SELECT a.attname, concat_ws(' ', format_type(a.atttypid, a.atttypmod),"
        " CASE WHEN a.attnotnull THEN 'not null' END, 'default ' || pg_get_expr(f.adbin,"
        " f.adrelid), 'identity ' || nullif(a.attidentity::text, ''),"
        " 'generated ' || nullif(a.attgenerated::text, ''), 'collate ' || l.collname, a.attacl),"
        f" {RELATION}, NULL, NULL, false {FROM_RELATION}"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
        " LEFT JOIN pg_attrdef f ON f.adrelid = c.oid AND f.adnum = a.attnum"
        " LEFT JOIN pg_collation l ON l.oid = a.attcollation AND l.collname <> 'default'"
        f" WHERE {STORES_ROWS} ORDER BY 3, a.attnum"
    ),
    Kind.CONSTRAINT: (
        f"SELECT k.conname, pg_get_constraintdef(k.oid), {RELATION}, NULL, NULL, false"
        f" {FROM_RELATION} JOIN pg_constraint k ON k.conrelid = c.oid"
        f" WHERE k.contype NOT IN ('n', 'f') AND {OWN_RELATION}"
    ),
    Kind.REFERENCE: (
        f"SELECT k.conname, pg_get_constraintdef(k.oid), {RELATION},"
        " ARRAY(SELECT a.attname::text FROM pg_attribute a"
        f" WHERE a.attrelid = c.oid AND a.attnum = ANY(k.conkey)), {OTHER_RELATION},"
        f" k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd') {FROM_RELATION}"
        f" JOIN pg_constraint k ON k.conrelid = c.oid WHERE k.contype = 'f' AND {OWN_RELATION}"
    ).format(oid="k.confrelid"),
    Kind.INDEX: (
        "SELECT i.indexrelid::regclass::text,"
        f" concat_ws(' ', pg_get_indexdef(i.indexrelid), i.indisvalid), {RELATION},"
        " CASE WHEN i.indexprs IS NULL AND i.indpred IS NULL THEN ARRAY(SELECT a.attname::text"
        " FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY(i.indkey)) END,"
        f" NULL, false {FROM_RELATION} JOIN pg_index i ON i.indrelid = c.oid"
        f" WHERE {OWN_RELATION}"
    ),
    Kind.TRIGGER: (
        f"SELECT t.tgname, concat_ws(' ', pg_get_triggerdef(t.oid), t.tgenabled), {RELATION},"
        f" NULL, NULL, false {FROM_RELATION} JOIN pg_trigger t ON t.tgrelid = c.oid"
        f" WHERE NOT t.tgisinternal AND {OWN_RELATION}"
    ),
    Kind.POLICY: (
        "SELECT p.polname, concat_ws(' ', p.polcmd, p.polpermissive, p.polroles::regrole[],"
        " 'using', pg_get_expr(p.polqual, p.polrelid),"
        f" 'check', pg_get_expr(p.polwithcheck, p.polrelid)), {RELATION}, NULL, NULL, false"
        f" {FROM_RELATION} JOIN pg_policy p ON p.polrelid = c.oid WHERE {OWN_RELATION}"
        f" UNION ALL SELECT r.rulename, pg_get_ruledef(r.oid), {RELATION}, NULL, NULL, false"
        f" {FROM_RELATION} JOIN pg_rewrite r ON r.ev_class = c.oid"
        f" WHERE r.rulename <> '_RETURN' AND {OWN_RELATION}"
    ),
    Kind.PARTITION: (
        f"SELECT i.inhrelid::regclass::text, '', {RELATION}, NULL, {OTHER_RELATION}, false"
        f" {FROM_RELATION} JOIN pg_inherits i ON i.inhparent = c.oid"
        f" WHERE c.relkind IN ('r', 'p') AND {OWN_RELATION}"
    ).format(oid="i.inhrelid"),
    Kind.SEQUENCE: (
        f"SELECT {RELATION}, concat_ws(' ', format_type(s.seqtypid, NULL), s.seqstart,"
        " s.seqincrement, s.seqmin, s.seqmax, s.seqcycle),"
        f" {OTHER_RELATION}, NULL, NULL, false {FROM_RELATION}"
        " JOIN pg_sequence s ON s.seqrelid = c.oid LEFT JOIN pg_depend d ON d.objid = c.oid"
        " AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass"
        f" AND d.deptype IN ('a', 'i') WHERE {OWN_RELATION}"
    ).format(oid="d.refobjid"),
    Kind.VIEW: (
        f"SELECT {RELATION}, concat_ws(' ', c.relkind, c.reloptions::text, c.relacl,"
        " c.relowner::regrole, c.relispopulated, pg_get_viewdef(c.oid)),"
        f" {RELATION}, NULL, NULL, false {FROM_RELATION}"
        f" WHERE c.relkind IN ('v', 'm') AND {OWN_RELATION}"
    ),
    Kind.FUNCTION: (
        "SELECT p.proname, concat_ws(' ', pg_get_function_identity_arguments(p.oid), p.proacl,"
        " p.proowner::regrole, CASE p.prokind WHEN 'a' THEN 'aggregate' || (SELECT concat_ws(' ',"
        " g.aggtransfn, g.aggfinalfn, g.agginitval) FROM pg_aggregate g WHERE g.aggfnoid = p.oid)"
        " ELSE pg_get_functiondef(p.oid) END), NULL, NULL, NULL, false"
        f" FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {NAMESPACES} AND "
        + NOT_OF_EXTENSION.format(oid="p.oid", catalog="pg_proc")
    ),
}

OTHERS: Final = {
    "server": "SELECT NULL, current_setting('server_version')",
    "database": (
        "SELECT NULL, concat_ws(' ', encoding, datcollate, datctype, datacl, datdba::regrole)"
        " FROM pg_database WHERE datname = current_database()"
    ),
    "extension": "SELECT extname, extversion FROM pg_extension",
    "schema": "SELECT n.nspname, concat_ws(' ', n.nspacl, n.nspowner::regrole)"
    f" FROM pg_namespace n WHERE {NAMESPACES} AND "
    + NOT_OF_EXTENSION.format(oid="n.oid", catalog="pg_namespace"),
    "type": (
        "SELECT format('%I.%I', n.nspname, t.typname), concat_ws(' ', t.typtype, (SELECT"
        " string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder) FROM pg_enum e"
        " WHERE e.enumtypid = t.oid), format_type(nullif(t.typbasetype, 0), t.typtypmod),"
        " t.typnotnull, t.typdefault, (SELECT string_agg(pg_get_constraintdef(k.oid), ', '"
        " ORDER BY k.conname) FROM pg_constraint k WHERE k.contypid = t.oid), (SELECT string_agg("
        "a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum)"
        " FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'c'"
        " WHERE c.oid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped), (SELECT"
        " rngsubtype::regtype::text FROM pg_range WHERE rngtypid = t.oid))"
        " FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace"
        " WHERE (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'c' AND (SELECT c.relkind FROM"
        f" pg_class c WHERE c.oid = t.typrelid) = 'c') AND {NAMESPACES} AND "
    )
    + NOT_OF_EXTENSION.format(oid="t.oid", catalog="pg_type"),
    "operator": "SELECT o.oid::regoperator::text, o.oprcode::text FROM pg_operator o"
    " WHERE o.oid >= 16384 AND " + NOT_OF_EXTENSION.format(oid="o.oid", catalog="pg_operator"),
    "cast": "SELECT format('%s %s', castsource::regtype, casttarget::regtype), concat_ws(' ',"
    " castfunc::regproc, castcontext, castmethod) FROM pg_cast o WHERE o.oid >= 16384 AND "
    + NOT_OF_EXTENSION.format(oid="o.oid", catalog="pg_cast"),
    "collation": "SELECT format('%I.%I', n.nspname, o.collname), concat_ws(' ', o.collprovider,"
    " o.collisdeterministic, o.collcollate, o.collctype) FROM pg_collation o"
    f" JOIN pg_namespace n ON n.oid = o.collnamespace WHERE {NAMESPACES} AND "
    + NOT_OF_EXTENSION.format(oid="o.oid", catalog="pg_collation"),
    "text search configuration": (
        "SELECT o.oid::regconfig::text, (SELECT string_agg(concat_ws(' ', m.maptokentype,"
        " m.mapdict::regdictionary), ', ' ORDER BY m.maptokentype, m.mapseqno)"
        " FROM pg_ts_config_map m WHERE m.mapcfg = o.oid) FROM pg_ts_config o"
        " WHERE o.oid >= 16384"
    ),
    "text search dictionary": (
        "SELECT o.oid::regdictionary::text, o.dictinitoption FROM pg_ts_dict o WHERE o.oid >= 16384"
    ),
    "event trigger": (
        "SELECT evtname, concat_ws(' ', evtevent, evtfoid::regproc, evtenabled)"
        " FROM pg_event_trigger"
    ),
    "default privileges": (
        "SELECT concat_ws(' ', defaclrole::regrole, defaclobjtype), defaclacl::text"
        " FROM pg_default_acl"
    ),
    "settings of": (
        "SELECT nullif(setrole, 0)::regrole::text, setconfig::text FROM pg_db_role_setting WHERE"
        " setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))"
    ),
    "role": (
        "SELECT rolname, concat_ws(' ', rolsuper, rolinherit, rolcreaterole, rolcreatedb,"
        " rolcanlogin, rolbypassrls) FROM pg_roles WHERE rolname !~ '^pg_'"
    ),
    "membership": (
        "SELECT concat_ws(' ', roleid::regrole, member::regrole), admin_option::text"
        " FROM pg_auth_members WHERE roleid >= 16384"
    ),
}
"""For each kind of other object, names and definitions.

Objects of extensions are left out, and those that every server comes with.
"""

CLOCK_KINDS: Final = ("timestamp with time zone", "timestamp without time zone", "timestamp")


class PostgresqlSchema(PostgresqlRows):
    """See `SchemaSession`."""

    def __init__(self, cursor: Any) -> None:
        super().__init__(cursor)
        self._sources: dict[str, Table] = {}

    def objects(self) -> Iterable[SchemaObject]:
        positions = {plain(name): position for name, position in self.counters().items()}
        for kind, query in QUERIES.items():
            self._cursor.execute(query)
            for name, definition, table, columns, refers, cascades in self._cursor.fetchall():
                position = positions.get(plain(name), "") if kind is Kind.SEQUENCE else ""
                yield SchemaObject(
                    kind=kind,
                    name=plain(name),
                    definition=f"{definition} {position}",
                    table=plain(table or ""),
                    columns=tuple(columns or ()),
                    refers=plain(refers or ""),
                    cascades=cascades,
                )
        for title, query in OTHERS.items():
            self._cursor.execute(query)
            for name, definition in self._cursor.fetchall():
                yield SchemaObject(
                    kind=Kind.OTHER,
                    name=f"{title} {name or ''}".rstrip(),
                    definition=str(definition),
                )

    def tables(self) -> Sequence[Table]:
        self._sources = {plain(table.name): table for table in super().tables()}
        return [replace(table, name=name) for name, table in self._sources.items()]

    def digests_of(self, table: Table, period: Period | None) -> TableRows | None:
        source = self._sources[table.name]
        if source.name in self._empty:
            # To find no rows, the server would also open the files of the table's indexes.
            return TableRows(count=0)
        place = self._source(source)
        self._cursor.execute(f"SELECT count(*) FROM {place}")
        (count,) = self._cursor.fetchone()
        if not count or count > LIMIT_ROWS:
            return None if count else TableRows(count=0)
        key = table.key if count <= LIMIT_BY_COLUMN else ()
        names = table.names if key else (WHOLE,)
        sums = [_sum(map(quoted, (*key, name) if key else table.names)) for name in names]
        dated = [
            column.name
            for column in table.columns
            if key and period is not None and column.kind.partition("(")[0] in CLOCK_KINDS
        ]
        if period is not None:
            sums += [_sum([*map(quoted, key), _undated(quoted(name), period)]) for name in dated]
        self._cursor.execute(f"SELECT {', '.join(sums)} FROM {place}")
        return from_sums(count, key, names, dated, self._cursor.fetchone())


@contextmanager
def open_schema(location: DatabaseLocation) -> Iterator[PostgresqlSchema]:
    """See `OpenSchema`."""
    with exact_cursor(location) as cursor:
        cursor.execute(READ_ONLY)
        yield PostgresqlSchema(cursor)


def plain(name: str) -> str:
    """Return a name without quotation marks and the schema `public`."""
    return name.replace('"', "").removeprefix("public.")


def _sum(values: Iterable[str]) -> str:
    return f'sum(hashtextextended(ROW({", ".join(values)})::text COLLATE "C", 0))'


def _undated(name: str, period: Period) -> str:
    """Return an expression that is the same for all times of a period with a fraction of a second.

    Nobody writes such a time into a migration.
    """
    return (
        f"CASE WHEN {name} BETWEEN '{period.begin}' AND '{period.end}'"
        f" AND date_trunc('second', {name}) <> {name} THEN 'clock' ELSE {name}::text END"
    )
