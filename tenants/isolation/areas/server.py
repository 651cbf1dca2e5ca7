"""The machine below: files, programs, extensions, other databases, settings of the whole server."""

from __future__ import annotations

from typing import Final

from tenants.isolation.areas.neighbours import sweep
from tenants.isolation.attempt import Attempt, nothing, refused

# Whoever may install an extension is told what else is amiss with this one.
_PAST_EXTENSION: Final = frozenset({"0A000", "42710", "58P01"})


def _extension(name: str, words: str) -> Attempt:
    sql = f"CREATE EXTENSION {name} SCHEMA {{own}}"
    return Attempt(f"server.extension.{name}", "server", words, sql, beyond=_PAST_EXTENSION)


ATTEMPTS: Final = (
    *refused(
        "server",
        (
            ("read_file", "Read a file of the server", "SELECT pg_read_file('PG_VERSION')"),
            ("read_binary", "Read a file of the server as bytes", "SELECT pg_read_binary_file('PG_VERSION')"),
            ("stat_file", "Look for a file on the server", "SELECT pg_stat_file('PG_VERSION')"),
            ("list", "List a directory of the server", "SELECT pg_ls_dir('.')"),
            ("copy_to", "Copy rows into a file", "COPY (SELECT WHERE false) TO '/dev/null'"),
            ("copy_from", "Copy a file into a table", "COPY {own}.repositories FROM '/dev/null'"),
            ("program", "Hand rows to a program", "COPY (SELECT WHERE false) TO PROGRAM 'true'"),
            ("program_from", "Run a program and read what it says", "COPY {own}.repositories FROM PROGRAM 'true'"),
            ("load", "Load a library into the server", "LOAD '$libdir/plpgsql'"),
            (
                "c_function",
                "Call a library's code as a function",
                "CREATE FUNCTION {own}.plpgsql_validator() RETURNS void LANGUAGE c AS '$libdir/plpgsql'",
            ),
            ("language", "Install a language", "CREATE LANGUAGE isolation_proof HANDLER plpgsql_call_handler"),
            ("wrapper", "Install a way to other servers", "CREATE FOREIGN DATA WRAPPER isolation_proof"),
            ("publication", "Publish tables to other servers", "CREATE PUBLICATION isolation_proof FOR ALL TABLES"),
            ("configuration", "Read a setting that is an administrator's", "SELECT current_setting('data_directory')"),
            ("setting", "Change a setting that is an administrator's", "SET LOCAL log_statement = 'all'"),
            ("triggers", "Switch triggers and foreign keys off", "SET LOCAL session_replication_role = 'replica'"),
            (
                "database",
                "Change a setting of the whole database",
                "ALTER DATABASE {database} SET statement_timeout = 1",
            ),
            ("checkpoint", "Make the server write everything to disk", "CHECKPOINT"),
        ),
    ),
    # A server that keeps no logs of its own says so only to whoever may look.
    Attempt(
        "server.list_log", "server", "List the server's logs", "SELECT FROM pg_ls_logdir()", beyond=frozenset({"58P01"})
    ),
    _extension("dblink", "Install dblink, which connects to other servers"),
    _extension("postgres_fdw", "Install postgres_fdw, which reads other servers' tables"),
    _extension("file_fdw", "Install file_fdw, which reads files and runs programs"),
    *nothing(
        "server",
        (
            (
                "databases",
                "Connect to any other database, or create anything in one",
                sweep(
                    "datname",
                    "pg_database WHERE datallowconn AND ((datname <> current_database() "
                    "AND has_database_privilege(oid, 'CONNECT')) OR has_database_privilege(oid, 'CREATE, TEMPORARY'))",
                ),
            ),
            (
                "parameters",
                "Change any setting that is an administrator's",
                sweep(
                    "name",
                    "pg_settings WHERE has_parameter_privilege(name, 'ALTER SYSTEM') OR (context NOT IN ('user', "
                    "'internal') AND has_parameter_privilege(name, 'SET'))",
                ),
            ),
            (
                "wrappers",
                "Use a way to other servers that somebody else installed",
                sweep("fdwname", "pg_foreign_data_wrapper WHERE has_foreign_data_wrapper_privilege(oid, 'USAGE')"),
            ),
            (
                "servers",
                "Use a connection to another server that somebody else made",
                sweep("srvname", "pg_foreign_server WHERE has_server_privilege(oid, 'USAGE')"),
            ),
            (
                "tablespaces",
                "Put tables on disks of the server's",
                sweep("spcname", "pg_tablespace WHERE has_tablespace_privilege(oid, 'CREATE')"),
            ),
        ),
    ),
)
