"""The connection of one compartment, refused to everybody outside and kept warm in its thread (Django backend)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import psycopg
from django.db import Error, OperationalError, connections
from django.db.backends.postgresql import base
from django.db.backends.utils import CursorWrapper
from psycopg.pq import TransactionStatus

from tenants.databases.current import (
    Entered,
    OutsideCompartmentError,
    connected,
    entered,
)
from tenants.databases.settings import startup_options
from tenants.databases.warm import close_compartments, warm
from tenants.errors import Suspended

__all__ = ["CHECK_AFTER_SECONDS", "DatabaseWrapper", "close_compartments", "warm"]

# A connection idle for longer is asked whether it still lives before it is used: a server restarted meanwhile.
CHECK_AFTER_SECONDS: Final = 15.0

# PgBouncer's words when it did not pass a statement on, because its own logins as this role fail: after a rotation it
# knows the new password from the first client that proves it. Such a statement has not run, and may be sent again.
_NOT_PASSED_ON: Final = "server_login_retry"
_PATIENCE_SECONDS: Final = 3.0


class DatabaseWrapper(base.DatabaseWrapper):
    def __init__(self, settings_dict: dict[str, Any], alias: str = "") -> None:
        super().__init__(settings_dict, alias)
        self._used_at = 0.0
        self._password_version = 0  # with which `connection` was opened
        # Every statement passes here, also one over a cursor that somebody kept.
        self.execute_wrappers.append(self._execute_inside)

    def _execute_inside(self, execute: Callable[..., Any], *statement: Any) -> Any:
        self._require_entered()
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            begins = self._transaction_begins()
            try:
                return execute(*statement)
            except OperationalError as error:
                refused = begins and self.connection.closed and _NOT_PASSED_ON in str(error)
                if not refused or time.monotonic() > deadline:
                    raise
            time.sleep(0.05)
            self._reconnect(statement[-1]["cursor"])

    def _transaction_begins(self) -> bool:
        return self.connection is not None and self.connection.info.transaction_status == TransactionStatus.IDLE

    def _reconnect(self, cursor: CursorWrapper) -> None:
        """Put a new connection in the place of one on which nothing has been done yet, also within `atomic`."""
        self.connection.close()
        with self.wrap_database_errors:
            self.connection = self.get_new_connection(self.get_connection_params())
        self.connection.autocommit = self.autocommit
        cursor.cursor = self.create_cursor()

    def _require_entered(self) -> Entered:
        inside = entered.get()
        if inside is None or inside.role != self.alias:
            raise OutsideCompartmentError(self.alias)
        return inside

    def _cursor(self, name: str | None = None) -> Any:
        # And here before anything is connected, also for one that names the alias itself (`using(…)`).
        self._require_entered()
        warm.use(self)
        return super()._cursor(name)  # type: ignore[misc]  # django-stubs leaves out the method

    def ensure_connection(self) -> None:
        # A transaction passes here before it begins; its first statement would be too late to connect anew.
        inside, now = entered.get(), time.monotonic()
        # Neither while a transaction ends, nor while a connection is being made.
        between = self.connection is not None and self.connection.autocommit and not self.in_atomic_block
        if inside is not None and between and self._is_past(inside, now):
            self.close()
        self._used_at = now
        super().ensure_connection()

    def _is_past(self, inside: Entered, now: float) -> bool:
        if inside.password_version > self._password_version:
            return True  # nothing opened with a password that has been rotated stays open
        if self.close_at is not None and now >= self.close_at:
            return True
        if not (self.errors_occurred or now - self._used_at > CHECK_AFTER_SECONDS):
            return False
        self.errors_occurred = not self.is_usable()
        return self.errors_occurred

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect with the password in force, though it be rotated between entering and here.

        Raises Suspended where the tenant was suspended meanwhile. Asked once the session is there: a suspension that
        is committed after the answer ends this session.
        """
        inside = self._require_entered()
        connection = self._connect_in_force(conn_params, max(inside.password_version, self._password_version))
        try:
            if not inside.suspended:
                _require_active(self.alias)
        except BaseException:
            connection.close()
            raise
        return connection

    def _connect_in_force(self, conn_params: dict[str, Any], version: int) -> Any:
        while True:
            try:
                return self._connect(conn_params, version)
            except psycopg.OperationalError:
                newer = _version_in_force(self.alias)
                if newer is None or newer == version:
                    raise
                version = newer

    def _connect(self, conn_params: dict[str, Any], version: int) -> Any:
        options = f"{conn_params.get('options', '')} {startup_options(self.alias)}".strip()
        connect = super().get_new_connection
        said = {**conn_params, "options": options}
        connection = connected(self.alias, version, lambda password: connect({**said, "password": password}))
        self._password_version = version
        return connection


def _require_active(role: str) -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT state_reason FROM tenants WHERE schema = %s AND state = 'suspended'", [role])
        if row := cursor.fetchone():
            raise Suspended(row[0])


def _version_in_force(role: str) -> int | None:
    """Ask the registry which password a tenant's role has; None when the registry can't tell either."""
    try:
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT password_version FROM tenants WHERE schema = %s", [role])
            row = cursor.fetchone()
    except Error:
        return None
    return int(row[0]) if row else None
