"""How much of everything a compartment holds, in one round trip."""

from __future__ import annotations

from typing import Final

from django.db import connections

_COUNTS: Final = """
SELECT (SELECT count(*) FROM repositories), (SELECT count(*) FROM parameter_sets WHERE deleted_at IS NULL),
    (SELECT count(DISTINCT name) FROM ssh_keys),
    (SELECT count(*) FROM received_messages
     WHERE read_at IS NULL AND removed_at IS NULL AND expires_at > statement_timestamp())"""


def counts(alias: str) -> tuple[int, int, int, int]:
    """Return the numbers of repositories, parameter sets, SSH keys, and unread messages that can still be read."""
    with connections[alias].cursor() as cursor:
        cursor.execute(_COUNTS)
        repositories, parameter_sets, ssh_keys, unread = cursor.fetchone() or (0, 0, 0, 0)
    return repositories, parameter_sets, ssh_keys, unread
