"""Put out whoever is in a compartment as its database role, before a lock of theirs stops what is about to be done.

A role may change its own password, whatever is revoked, and holds its locks for as long as its sessions live. What it
can't do is undo NOLOGIN: once that is committed, whoever is ended stays out, whatever password it has stolen or set.

PostgreSQL compares with the password that it read when somebody began to log in, and allows `authentication_timeout`
(60 s) for the rest. So before LOGIN all logins are waited for that began before the password was changed: each is
refused when it comes to its end, and whoever draws one out on purpose draws out the operation, by that time at most.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import Error, InternalError, connections, transaction
from psycopg import sql

from tenants.provisioning.locks import HeldError, waited_in_vain
from tenants.provisioning.provision import run

PATIENCE_SECONDS: Final = 10.0
# A session that was being let in as the role was closed is listed a moment later: nobody is in when two looks say so.
_PAUSE_SECONDS: Final = 0.05
_ALTER: Final = """
SET LOCAL ROLE bulkhead_provisioner;
ALTER ROLE {role} {login};
RESET ROLE;
"""
# Who made a role may administer it; to end its sessions the rights of the role are needed as well.
_RIGHTS: Final = """
SET LOCAL ROLE bulkhead_provisioner;
GRANT {role} TO CURRENT_USER WITH INHERIT TRUE, SET FALSE;
"""
# Who logs in has a transaction already, and shows neither role nor database yet: whose login it is nobody can tell.
_LOGINS: Final = """
SELECT virtualxid FROM pg_locks WHERE locktype = 'virtualxid' AND pid IS NOT NULL AND NOT EXISTS (
    SELECT FROM pg_stat_activity AS known
    WHERE known.pid = pg_locks.pid AND (known.usesysid IS NOT NULL OR known.datid IS NOT NULL))"""
_LONGEST: Final = "SELECT setting::int FROM pg_settings WHERE name = 'authentication_timeout'"
_END: Final = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s"


@contextmanager
def beside(using: str) -> Iterator[str]:
    """Yield the alias of one more connection like `using`, for what is committed whatever becomes of the other's."""
    alias = f"{using}-beside"
    connections[alias] = connections[using].copy(alias)
    try:
        yield alias
    finally:
        connections[alias].close()
        del connections[alias]


@contextmanager
def emptied(role: str, *, using: str, for_good: bool = False) -> Iterator[None]:
    """Begin the block when nobody is in as `role`, and let nobody in before it ends; `for_good`, before it fails.

    Not within a transaction. Raises HeldError if it takes longer than PATIENCE_SECONDS until everybody is out.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    try:
        _close(role, deadline, using)
        _wait_until_empty(role, deadline, using)
        yield
        if not for_good:
            _wait_for_logins(using)
            end_sessions(role, using=using)
    except BaseException:
        _alter(role, "LOGIN", using)
        raise
    if not for_good:
        _alter(role, "LOGIN", using)


def let_in(role: str, *, using: str) -> None:
    """Let the role log in whom a destruction left outside that was not committed in the end."""
    run(using, sql.SQL(_ALTER).format(role=sql.Identifier(role), login=sql.SQL("LOGIN")))


def end_sessions(role: str, *, using: str) -> int:
    """Tell all sessions of a tenant's role to end, and return how many there were."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        run(using, sql.SQL(_RIGHTS).format(role=sql.Identifier(role)))
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # in one transaction, every look would see the same
        cursor.execute(_END, [role])
        found: int = cursor.rowcount
        transaction.set_rollback(True, using=using)  # the rights alone: nobody comes back from the dead
    return found


def _close(role: str, deadline: float, using: str) -> None:
    """Commit NOLOGIN, in spite of sessions that change the role's own row meanwhile."""
    while True:
        end_sessions(role, using=using)
        try:
            _alter(role, "NOLOGIN", using)
        except Error as error:
            # InternalError is "tuple concurrently updated": the row changed while it was waited for.
            if not (waited_in_vain(error) or isinstance(error, InternalError)):
                raise
            if time.monotonic() > deadline:
                raise HeldError(f"The role {role} is being changed all the time, and could not be closed.") from error
        else:
            return


def _wait_for_logins(using: str) -> None:
    """Return when everybody who is logging in now, as whatever role, is in or refused, or was ended by the server."""
    with connections[using].cursor() as cursor:
        cursor.execute(_LONGEST)
        ((seconds,),) = cursor.fetchall()
    deadline = time.monotonic() + seconds
    logins = _logins(using)
    while logins and time.monotonic() < deadline:
        time.sleep(_PAUSE_SECONDS)
        logins &= _logins(using)


def _logins(using: str) -> set[str]:
    with connections[using].cursor() as cursor:
        cursor.execute(_LOGINS)
        return {login for (login,) in cursor.fetchall()}


def _wait_until_empty(role: str, deadline: float, using: str) -> None:
    quiet = 0
    while quiet < 2:  # noqa: PLR2004 - looks, one after the other
        quiet = 0 if end_sessions(role, using=using) else quiet + 1
        if time.monotonic() > deadline:
            raise HeldError(f"Sessions of the role {role} do not end.")
        time.sleep(_PAUSE_SECONDS)


def _alter(role: str, login: str, using: str) -> None:
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '250ms'")
        run(using, sql.SQL(_ALTER).format(role=sql.Identifier(role), login=sql.SQL(login)))
