-- The four roles of a deployment, made once by a database administrator in the empty database `bulkhead`:
--   psql -v owner_password=… -v provisioner_password=… -v web_password=… -v worker_password=… -f roles.sql
--
-- owner        runs `manage.py migrate`: DDL of the registry, and administration as code
-- provisioner  makes tenants: schema, login role, key; owns every tenant's schema
-- web, worker  serve customers; what they may touch is declared in tenants/registry/grants.py
\set ON_ERROR_STOP on
BEGIN;

CREATE ROLE bulkhead_owner       LOGIN NOINHERIT PASSWORD :'owner_password';
CREATE ROLE bulkhead_provisioner LOGIN CREATEROLE PASSWORD :'provisioner_password';
CREATE ROLE bulkhead_web         LOGIN PASSWORD :'web_password';
CREATE ROLE bulkhead_worker      LOGIN PASSWORD :'worker_password';
-- Operations create tenants while migrating: the owner may act as the provisioner, never the other way round.
GRANT bulkhead_provisioner TO bulkhead_owner WITH INHERIT FALSE, SET TRUE;

-- CVE-2018-1058: nobody creates anything in public, and nobody makes temporary tables that could shadow ours.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
REVOKE TEMPORARY ON DATABASE bulkhead FROM PUBLIC;
-- CONNECT stays with PUBLIC: one grant for each of thousands of tenants would swell pg_database's row;
-- a tenant's role still needs its password, and finds nothing but its own schema.
GRANT CREATE ON DATABASE bulkhead TO bulkhead_provisioner;

CREATE SCHEMA registry AUTHORIZATION bulkhead_owner;
GRANT USAGE ON SCHEMA registry TO bulkhead_provisioner, bulkhead_web, bulkhead_worker;
ALTER ROLE bulkhead_owner       SET search_path = registry;
ALTER ROLE bulkhead_provisioner SET search_path = registry;
ALTER ROLE bulkhead_web         SET search_path = registry;
ALTER ROLE bulkhead_worker      SET search_path = registry;

-- How long anybody waits and works, unless the role says otherwise. Owner and provisioner migrate: they take their time.
-- (So does an administrator at work on this database: SET statement_timeout = 0.)
ALTER DATABASE bulkhead SET timezone = 'UTC';
ALTER DATABASE bulkhead SET lock_timeout = '5s';
ALTER DATABASE bulkhead SET statement_timeout = '30s';
ALTER DATABASE bulkhead SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE bulkhead_owner       SET lock_timeout = 0;
ALTER ROLE bulkhead_owner       SET statement_timeout = 0;
ALTER ROLE bulkhead_owner       SET idle_in_transaction_session_timeout = 0;
ALTER ROLE bulkhead_provisioner SET lock_timeout = 0;
ALTER ROLE bulkhead_provisioner SET statement_timeout = 0;
ALTER ROLE bulkhead_provisioner SET idle_in_transaction_session_timeout = 0;

-- Functions made later are nobody's to call unless granted.
ALTER DEFAULT PRIVILEGES FOR ROLE bulkhead_owner       REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE bulkhead_provisioner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
-- Nor are a tenant's types.
ALTER DEFAULT PRIVILEGES FOR ROLE bulkhead_provisioner REVOKE USAGE ON TYPES FROM PUBLIC;

-- Compartments share one server. What any role may call by default, and would meet the neighbours with, nobody may:
-- large objects (a store outside every schema), advisory locks (one table of locks for all), notifications.
DO $$
DECLARE shared regprocedure;
BEGIN
    FOR shared IN
        SELECT oid FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace
        AND proname ~ '^(lo_|loread$|lowrite$|pg_(try_)?advisory_|pg_notify$|pg_logical_emit_message$)'
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', shared);
    END LOOP;
END $$;
-- … nor how many rows the neighbours have, read and wrote, and what they hold locked. The views are closed, and the
-- functions below them, which take any table's number; whoever administers or monitors keeps both.
DO $$
DECLARE counters record;
BEGIN
    FOR counters IN
        SELECT 'SELECT' AS privilege, 'TABLE' AS kind, oid::regclass::text AS name FROM pg_class
        WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'v'
        AND relname ~ '^pg_(stat|statio)_(xact_)?(all|user|sys)_'
        UNION ALL
        SELECT 'EXECUTE', 'FUNCTION', oid::regprocedure::text FROM pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace AND (
            (proname ~ '^pg_stat_get_' AND proname !~ '^pg_stat_get_(db|subscription)_' AND proargtypes = '26')
            OR proname ~ '^pg_((total_)?relation_size|table_size|indexes_size|lock_status|stat_have_stats)$'
            OR proname ~ '^pg_(available_wal_summaries|wal_summary_contents|last_committed_xact)$'
        )
    LOOP
        EXECUTE format('REVOKE %s ON %s %s FROM PUBLIC', counters.privilege, counters.kind, counters.name);
        EXECUTE format('GRANT %s ON %s %s TO pg_monitor, bulkhead_owner, bulkhead_provisioner',
                       counters.privilege, counters.kind, counters.name);
    END LOOP;
END $$;
-- One run of `migrate_tenants` at a time: these two alone hold a lock that says so.
GRANT EXECUTE ON FUNCTION pg_try_advisory_lock(bigint), pg_advisory_unlock(bigint) TO bulkhead_owner, bulkhead_provisioner;
-- The server's other databases are not ours to be in.
REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC;

COMMIT;
