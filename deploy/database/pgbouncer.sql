-- What PgBouncer needs to let Bulkhead's roles through, made once by a database administrator in `bulkhead`, after
-- roles.sql:
--   psql -v pgbouncer_password=… -f pgbouncer.sql
-- With it goes pgbouncer.ini. Without a pooler, leave both out.
\set ON_ERROR_STOP on
BEGIN;

-- It may log in and ask one question. Being asked who somebody is makes it nobody's superior: it is a member of no role.
CREATE ROLE pgbouncer LOGIN NOINHERIT CONNECTION LIMIT 20 PASSWORD :'pgbouncer_password';
ALTER ROLE pgbouncer SET search_path = pg_catalog;
ALTER ROLE pgbouncer SET statement_timeout = '5s';

CREATE SCHEMA pooling;
GRANT USAGE ON SCHEMA pooling TO pgbouncer;

-- A SCRAM verifier proves a password and can't be turned back into one. It is told for tenants' roles and the portal's
-- processes alone: never for an administrator, a replica, or whatever else logs in to this server. The path is fixed and
-- the body bound when it is made, since it runs with an administrator's rights.
CREATE FUNCTION pooling.secret_of(wanted text) RETURNS TABLE (role text, secret text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT a.rolname::text, a.rolpassword
    FROM pg_catalog.pg_authid AS a
    WHERE a.rolname = wanted
      AND (a.rolname ~ '^t_[0-9a-f]{16}$'
           OR a.rolname IN ('bulkhead_owner', 'bulkhead_provisioner', 'bulkhead_web', 'bulkhead_worker'))
      AND a.rolcanlogin AND NOT a.rolsuper AND NOT a.rolreplication AND NOT a.rolbypassrls
      AND (a.rolvaliduntil IS NULL OR a.rolvaliduntil > now());
END;
REVOKE ALL ON FUNCTION pooling.secret_of(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pooling.secret_of(text) TO pgbouncer;

COMMIT;
