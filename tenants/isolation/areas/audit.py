"""The tenant's own log: whoever is inside may add to it and read it, and that is all."""

from __future__ import annotations

from typing import Final

from tenants.isolation.attempt import refused

ATTEMPTS: Final = tuple(
    refused(
        "audit",
        (
            ("update", "Rewrite an entry", "UPDATE {own}.audit SET entry = '{{}}' WHERE false"),
            ("delete", "Delete an entry", "DELETE FROM {own}.audit WHERE false"),
            ("truncate", "Delete all entries", "TRUNCATE {own}.audit"),
            (
                "merge",
                "Rewrite an entry by merging",
                "MERGE INTO {own}.audit USING (SELECT 1) one ON false WHEN MATCHED THEN DELETE",
            ),
            (
                "position",
                "Choose an entry's place in the log",
                "INSERT INTO {own}.audit (position, entry) SELECT 1, '' WHERE false",
            ),
            ("time", "Choose an entry's time", "INSERT INTO {own}.audit (at, entry) SELECT now(), '' WHERE false"),
            ("hash", "Choose an entry's hash", "INSERT INTO {own}.audit (hash, entry) SELECT '', '' WHERE false"),
            ("head", "Read the end of the chain", "SELECT FROM {own}.audit_head"),
            ("rewind", "Move the end of the chain", "UPDATE {own}.audit_head SET position = 0 WHERE false"),
            ("head_delete", "Remove the end of the chain", "DELETE FROM {own}.audit_head WHERE false"),
            ("disable", "Switch the chain off", "ALTER TABLE {own}.audit DISABLE TRIGGER audit_chain"),
            ("drop_trigger", "Remove the chain", "DROP TRIGGER audit_chain ON {own}.audit"),
            ("replace", "Replace the function that chains", "ALTER FUNCTION {own}.audit_chain() RESET ALL"),
            ("drop", "Drop the log", "DROP TABLE {own}.audit"),
            ("rename", "Put another table in the log's place", "ALTER TABLE {own}.audit RENAME TO isolation_proof"),
            ("lock", "Lock everybody out of the log", "LOCK TABLE {own}.audit IN ACCESS EXCLUSIVE MODE NOWAIT"),
        ),
    )
)
