"""The query behind tenants/provisioning/shape.py: one row for each property of each object of the schemas asked for."""

from __future__ import annotations

from typing import Final

# Parameter `schemas`: their names. Each part below selects (schema, object, property, value); NULL is "not set".
_PARTS: Final = {
    # Types are those of the first part; a `name` would cut what is longer than 63 bytes.
    "schema": "SELECT nspname, 'schema'::text, 'owner'::text, pg_get_userbyid(nspowner)::text FROM spaces",
    "comments": """
        SELECT nspname, 'schema', 'comment', description FROM spaces
        JOIN pg_description ON (objoid, classoid) = (spaces.oid, 'pg_namespace'::regclass)
        UNION ALL
        SELECT schema, name, 'comment' || coalesce(' on ' || attname, ''), description FROM relations
        JOIN pg_description ON (objoid, classoid) = (relations.oid, 'pg_class'::regclass)
        LEFT JOIN pg_attribute ON objsubid > 0 AND (attrelid, attnum) = (relations.oid, objsubid)
        UNION ALL
        SELECT schema, name, 'comment', description FROM functions
        JOIN pg_description ON (objoid, classoid) = (functions.oid, 'pg_proc'::regclass)""",
    "relations": """
        SELECT schema, name, property, value FROM relations LEFT JOIN pg_am ON pg_am.oid = relam, LATERAL (VALUES
            ('owner', pg_get_userbyid(relowner)::text),
            ('persistence', nullif(relpersistence, 'p')::text),
            ('row security', CASE WHEN relrowsecurity OR relforcerowsecurity
                THEN concat_ws(', ', CASE WHEN relrowsecurity THEN 'on' END,
                    CASE WHEN relforcerowsecurity THEN 'forced' END) END),
            ('options', array_to_string(reloptions, ', ')),
            ('access method', CASE WHEN relkind IN ('r', 'm', 'p') THEN amname::text END),
            ('tablespace', (SELECT spcname::text FROM pg_tablespace WHERE pg_tablespace.oid = reltablespace)),
            ('replica identity', CASE WHEN relkind IN ('r', 'p') THEN nullif(relreplident, 'd')::text END),
            ('definition', CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(relations.oid) END)
        ) AS properties (property, value)""",
    "parents": """
        SELECT schema, name, 'inherits', inhparent::regclass::text FROM relations
        JOIN pg_inherits ON inhrelid = relations.oid""",
    "sequences": """
        SELECT schema, name, 'sequence', concat_ws(' ', seqtypid::regtype, 'start', seqstart, 'by', seqincrement,
            'from', seqmin, 'to', seqmax, 'cache', seqcache, CASE WHEN seqcycle THEN 'cycles' END,
            'for', refobjid::regclass, refobjsubid)
        FROM relations JOIN pg_sequence ON seqrelid = relations.oid
        LEFT JOIN pg_depend ON (classid, objid) = ('pg_class'::regclass, relations.oid)
            AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i')""",
    # One line for what each column has, others for what few have: there are more columns than anything else.
    "columns": """
        SELECT schema, 'column ' || relname || '.' || attname, 'type', concat_ws(' ', position::text || ':',
            format_type(atttypid, atttypmod), CASE WHEN attnotnull THEN 'NOT NULL' END,
            CASE WHEN attcollation NOT IN (0, 100) THEN 'COLLATE ' || attcollation::regcollation END,
            CASE WHEN attstorage <> typstorage THEN 'STORAGE ' || attstorage::text END,
            'COMPRESSION ' || nullif(attcompression, '')::text, 'STATISTICS ' || nullif(attstattarget, -1))
        FROM columns JOIN pg_type ON pg_type.oid = atttypid
        UNION ALL
        SELECT schema, 'column ' || relname || '.' || attname, 'default', pg_get_expr(adbin, adrelid)
        FROM columns JOIN pg_attrdef ON (adrelid, adnum) = (attrelid, attnum) WHERE atthasdef
        UNION ALL
        SELECT schema, 'column ' || relname || '.' || attname, property, value FROM columns, LATERAL (VALUES
            ('identity', nullif(attidentity, '')::text),
            ('generated', nullif(attgenerated, '')::text),
            ('options', array_to_string(attoptions, ', '))
        ) AS properties (property, value)
        WHERE attidentity <> '' OR attgenerated <> '' OR attoptions IS NOT NULL""",
    "constraints": """
        SELECT schema, 'constraint ' || relname || '.' || conname, 'definition',
            pg_get_constraintdef(pg_constraint.oid)
        FROM relations JOIN pg_constraint ON conrelid = relations.oid
        -- A column says NOT NULL by itself, and catalogs before 18 hold no such constraint.
        WHERE contype <> 'n' OR NOT convalidated""",
    "indexes": """
        SELECT schema, 'index ' || indexed.relname, 'definition', concat_ws(', ', pg_get_indexdef(indexrelid),
            CASE WHEN NOT indisvalid OR NOT indisready THEN 'invalid' END,
            CASE WHEN indisclustered THEN 'clustered' END)
        FROM relations JOIN pg_index ON indrelid = relations.oid
        JOIN pg_class AS indexed ON indexed.oid = indexrelid""",
    "triggers": """
        SELECT schema, 'trigger ' || relname || '.' || tgname, 'definition',
            concat_ws(', ', pg_get_triggerdef(pg_trigger.oid), 'fires ' || tgenabled::text)
        FROM relations JOIN pg_trigger ON tgrelid = relations.oid WHERE NOT tgisinternal
        UNION ALL
        SELECT schema, name, 'foreign keys not enforced', count(*)::text
        FROM relations JOIN pg_trigger ON tgrelid = relations.oid WHERE tgisinternal AND tgenabled <> 'O'
        GROUP BY schema, name""",
    "functions": """
        SELECT schema, name, property, value FROM functions, LATERAL (VALUES
            ('owner', pg_get_userbyid(proowner)::text),
            ('definition', CASE WHEN prokind <> 'a' THEN pg_get_functiondef(functions.oid) ELSE 'aggregate' END)
        ) AS properties (property, value)""",
    "policies": """
        SELECT schema, 'policy ' || relname || '.' || polname, 'definition', concat_ws(' ', polcmd, polpermissive,
            polroles::regrole[]::text, 'USING', pg_get_expr(polqual, polrelid),
            'CHECK', pg_get_expr(polwithcheck, polrelid))
        FROM relations JOIN pg_policy ON polrelid = relations.oid""",
    "rules": """
        SELECT schema, 'rule ' || relname || '.' || rulename, 'definition',
            concat_ws(', ', pg_get_ruledef(pg_rewrite.oid), 'fires ' || ev_enabled::text)
        FROM relations JOIN pg_rewrite ON ev_class = relations.oid WHERE rulename <> '_RETURN'""",
    "types": """
        SELECT schema, name, property, value FROM types, LATERAL (VALUES
            ('owner', pg_get_userbyid(typowner)::text),
            ('definition', concat_ws(' ', typtype, format_type(nullif(typbasetype, 0), typtypmod), typnotnull,
                typdefault, (SELECT string_agg(enumlabel, ', ' ORDER BY enumsortorder) FROM pg_enum
                    WHERE enumtypid = types.oid),
                (SELECT string_agg(pg_get_constraintdef(pg_constraint.oid), ', ' ORDER BY conname) FROM pg_constraint
                    WHERE contypid = types.oid)))
        ) AS properties (property, value)""",
    # None of ours has any of these: that there is one says enough.
    "others": """
        SELECT nspname, 'statistics ' || stxname, 'definition', pg_get_statisticsobjdef(pg_statistic_ext.oid)
        FROM spaces JOIN pg_statistic_ext ON stxnamespace = spaces.oid
        UNION ALL SELECT nspname, 'operator ' || oprname, 'owner', pg_get_userbyid(oprowner)::text
        FROM spaces JOIN pg_operator ON oprnamespace = spaces.oid
        UNION ALL SELECT nspname, 'operator class ' || opcname, 'owner', pg_get_userbyid(opcowner)::text
        FROM spaces JOIN pg_opclass ON opcnamespace = spaces.oid
        UNION ALL SELECT nspname, 'collation ' || collname, 'owner', pg_get_userbyid(collowner)::text
        FROM spaces JOIN pg_collation ON collnamespace = spaces.oid
        UNION ALL SELECT nspname, 'conversion ' || conname, 'owner', pg_get_userbyid(conowner)::text
        FROM spaces JOIN pg_conversion ON connamespace = spaces.oid
        UNION ALL SELECT nspname, 'text search ' || cfgname, 'owner', pg_get_userbyid(cfgowner)::text
        FROM spaces JOIN pg_ts_config ON cfgnamespace = spaces.oid""",
    "grants": """
        SELECT schema, name, 'granted to ' || CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee)::text END,
            string_agg(privilege_type || CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
                || CASE WHEN grantor <> owner THEN ' by ' || pg_get_userbyid(grantor)::text ELSE '' END,
                ', ' ORDER BY privilege_type, grantor)
        FROM privileges, LATERAL aclexplode(acl) GROUP BY schema, name, grantee""",
}
_UNION: Final = "\nUNION ALL\n".join(f"({part}\n)" for part in _PARTS.values())

# NULL in a list of privileges stands for what PostgreSQL gives by default: told apart from saying the same, it would
# be a difference that makes none.
LINES: Final = f"""
WITH spaces AS MATERIALIZED (
    SELECT oid, nspname, nspowner, nspacl FROM pg_namespace WHERE nspname = ANY(%(schemas)s)
), relations AS MATERIALIZED (
    SELECT pg_class.*, nspname AS schema, CASE relkind WHEN 'r' THEN 'table ' WHEN 'S' THEN 'sequence '
        WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view ' WHEN 'f' THEN 'foreign table '
        WHEN 'p' THEN 'partitioned table ' WHEN 'c' THEN 'composite type ' ELSE relkind::text || ' ' END
            || relname AS name
    FROM spaces JOIN pg_class ON relnamespace = spaces.oid WHERE relkind NOT IN ('i', 'I')
), columns AS MATERIALIZED (
    SELECT schema, relname, relowner, pg_attribute.*,
        row_number() OVER (PARTITION BY attrelid ORDER BY attnum) AS position
    FROM relations JOIN pg_attribute ON attrelid = relations.oid
    WHERE attnum > 0 AND NOT attisdropped AND relkind <> 'S'
), functions AS MATERIALIZED (
    SELECT pg_proc.*, nspname AS schema,
        'function ' || proname || '(' || pg_get_function_identity_arguments(pg_proc.oid) || ')' AS name
    FROM spaces JOIN pg_proc ON pronamespace = spaces.oid
), types AS MATERIALIZED (
    SELECT pg_type.*, nspname AS schema, 'type ' || typname AS name
    FROM spaces JOIN pg_type ON typnamespace = spaces.oid WHERE typtype IN ('b', 'd', 'e', 'r', 'm') AND typelem = 0
), privileges AS (
    SELECT nspname AS schema, 'schema' AS name, nspowner AS owner, coalesce(nspacl, acldefault('n', nspowner)) AS acl
    FROM spaces
    UNION ALL SELECT schema, name, relowner, coalesce(relacl, acldefault(
        CASE relkind WHEN 'S' THEN 's'::"char" ELSE 'r'::"char" END, relowner)) FROM relations WHERE relkind <> 'c'
    UNION ALL SELECT schema, 'column ' || relname || '.' || attname, relowner, attacl FROM columns
    WHERE attacl IS NOT NULL
    UNION ALL SELECT schema, name, proowner, coalesce(proacl, acldefault('f', proowner)) FROM functions
    UNION ALL SELECT schema, name, typowner, coalesce(typacl, acldefault('T', typowner)) FROM types
), parts (schema, object, property, value) AS ({_UNION}
), lines AS (
    SELECT schema, replace(object, schema, '{{tenant}}') AS object, replace(property, schema, '{{tenant}}') AS property,
        replace(value, schema, '{{tenant}}') AS value
    FROM parts WHERE value IS NOT NULL
)"""  # noqa: S608 - constants of ours
