"""What a running build may have, asked for by the build: no name of a repository comes into it.

Each query begins at the build's row and goes on only while it runs, so that nothing that a caller says can widen it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.db import connections
from joserfc import jwe
from joserfc.jwk import OctKey

from tenants.compartment import Compartment
from tenants.errors import Invalid

MAX_IN_REACH: Final = 2_000
ALGORITHMS: Final = ("dir", "A256GCM")

# Precedence of a name: the trigger's own value; then the set with the more specific filter; then the newer set.
_VALUES: Final = """
SELECT p.id, p.name, v.version, v.sealed, s.name FROM builds b
JOIN repositories r ON r.id = b.repository_id
JOIN parameter_sets s ON s.deleted_at IS NULL AND (s.filters = '[]'::jsonb OR EXISTS (
    SELECT FROM jsonb_array_elements(s.filters) AS alternative
    WHERE alternative <> '[]'::jsonb AND r.labels @> alternative))
JOIN parameters p ON p.set_id = s.id AND p.deleted_at IS NULL
JOIN parameter_versions v ON v.parameter_id = p.id AND v.version = p.version
WHERE b.id = %s AND b.outcome = 'running' AND b.ends_by > statement_timestamp()
ORDER BY (SELECT coalesce(max(jsonb_array_length(alternative)), 0) FROM jsonb_array_elements(s.filters) AS alternative
    WHERE r.labels @> alternative) DESC, s.created_at DESC, s.id DESC LIMIT %s"""

_KEYS: Final = """
UPDATE ssh_keys k SET used_at = statement_timestamp() FROM builds b
JOIN repositories r ON r.id = b.repository_id
WHERE b.id = %s AND b.outcome = 'running' AND b.ends_by > statement_timestamp()
AND k.retired_at IS NULL AND k.sealed IS NOT NULL AND (k.filters = '[]'::jsonb OR EXISTS (
    SELECT FROM jsonb_array_elements(k.filters) AS alternative
    WHERE alternative <> '[]'::jsonb AND r.labels @> alternative))
RETURNING k.id, k.name, k.generation, k.public, k.known_hosts, k.sealed"""


@dataclass(frozen=True, slots=True)
class Environment:
    """Value by name; each name that several sets define, the one that won first; the names that the trigger set."""

    values: dict[str, str] = field(repr=False)
    conflicts: dict[str, list[str]]
    overridden: list[str]


def environment_of(compartment: Compartment, build_id: UUID, overrides: Mapping[str, str]) -> Environment:
    """Open the values that the build's repository reaches, under the trigger's own. The caller writes the log."""
    rows = _rows(compartment, _VALUES, build_id, MAX_IN_REACH + 1)
    if len(rows) > MAX_IN_REACH:
        raise Invalid(
            {"repository": f"Its labels reach more than {MAX_IN_REACH} values: narrow the filters of its sets."}
        )
    chosen: dict[str, tuple[UUID, int, bytes]] = {}
    sources: dict[str, list[str]] = {}
    for parameter_id, name, version, sealed, source in rows:
        chosen.setdefault(name, (parameter_id, version, bytes(sealed)))
        sources.setdefault(name, []).append(source)
    stored = {name: _value(compartment, *row) for name, row in chosen.items() if name not in overrides}
    conflicts = {name: sets for name, sets in sources.items() if len(sets) > 1 and name not in overrides}
    return Environment({**stored, **overrides}, conflicts, sorted(overrides))


def ssh_keys_of(compartment: Compartment, build_id: UUID) -> Iterator[dict[str, Any]]:
    """Yield the SSH keys that the build's repository reaches, private half and all. The caller writes the log."""
    rows = _rows(compartment, _KEYS, build_id)
    for key_id, name, generation, public, known_hosts, sealed in sorted(rows, key=lambda row: (row[1], -row[2])):
        private = compartment.open(compartment.place("ssh_keys.sealed", key_id, 1), bytes(sealed)).decode()
        yield {
            "name": name,
            "generation": generation,
            "public": public,
            "known_hosts": known_hosts,
            "private_key": private,
        }


def encrypt(key: bytes, build_id: UUID, kind: str, content: Mapping[str, Any]) -> str:
    """Return a compact JWE (RFC 7516: dir, A256GCM) of `content` as JSON under a build's key; `kind` is its `typ`."""
    header = {"alg": "dir", "enc": "A256GCM", "typ": kind, "cty": "application/json", "kid": str(build_id)}
    return jwe.encrypt_compact(header, json.dumps(content).encode(), OctKey.import_key(key), algorithms=ALGORITHMS)


def _value(compartment: Compartment, parameter_id: UUID, version: int, sealed: bytes) -> str:
    return compartment.open(compartment.place("parameter_versions.sealed", parameter_id, version), sealed).decode()


def _rows(compartment: Compartment, query: str, *parameters: UUID | int) -> list[tuple[Any, ...]]:
    with connections[compartment.alias].cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())
