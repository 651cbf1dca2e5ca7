"""What a running build may have, asked for by the build: no name of a repository comes into it.

Each query begins at the build's row and goes on only while it runs, so that nothing that a caller says can widen it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from uuid import UUID

from django.db import connections
from joserfc import jwe
from joserfc.jwk import OctKey

from tenants.actions import in_reach
from tenants.actions.in_reach import MAX_IN_REACH
from tenants.actions.precedence import WINS_FIRST
from tenants.compartment import Compartment
from tenants.errors import Invalid
from tenants.records.labels import matching
from tenants.records.models import Parameter

MAX_KEYS: Final = 100
ALGORITHMS: Final = ("dir", "A256GCM")

# Precedence of a name: the trigger's own value; then the set with the more specific filter; then the newer set.
_VALUES: Final = f"""
SELECT p.name, s.name, p.kind, p.expires_on, p.id, v.version,
    CASE WHEN sum(octet_length(v.sealed)) OVER () <= %s THEN v.sealed END FROM builds b
JOIN repositories r ON r.id = b.repository_id
JOIN parameter_sets s ON s.deleted_at IS NULL AND {matching("s.filters", "r.labels")}
JOIN parameters p ON p.set_id = s.id AND p.deleted_at IS NULL
JOIN parameter_versions v ON v.parameter_id = p.id AND v.version = p.version
WHERE b.id = %s AND b.outcome = 'running' AND b.ends_by > statement_timestamp()
ORDER BY {WINS_FIRST} LIMIT %s"""  # noqa: S608 - parts of ours

# Builds that start together stamp the same keys: none waits for another, so no two can wait crosswise. What another one
# holds at this moment has been used at this moment.
_KEYS: Final = f"""
WITH reached AS (
    SELECT k.id, k.name, k.generation, k.public, k.known_hosts, k.sealed FROM builds b
    JOIN repositories r ON r.id = b.repository_id
    JOIN ssh_keys k ON k.retired_at IS NULL AND k.sealed IS NOT NULL AND {matching("k.filters", "r.labels")}
    WHERE b.id = %s AND b.outcome = 'running' AND b.ends_by > statement_timestamp()),
free AS (SELECT id FROM ssh_keys WHERE id IN (SELECT id FROM reached) FOR NO KEY UPDATE SKIP LOCKED),
stamped AS (UPDATE ssh_keys SET used_at = statement_timestamp() WHERE id IN (SELECT id FROM free))
SELECT id, name, generation, public, known_hosts, sealed FROM reached ORDER BY name, generation DESC LIMIT %s"""  # noqa: S608 - parts of ours


@dataclass(frozen=True, slots=True)
class BuildEnvironment:
    """Value by name; each name that several sets define, the one that won first; the names that the trigger set.

    `files` are the names whose values are files' contents, also where the trigger set them: the command expects a
    path there. `expires_on` has the dates of the values that are stored.
    """

    values: dict[str, str] = field(repr=False)
    conflicts: dict[str, list[str]]
    overridden: list[str]
    files: list[str]
    expires_on: dict[str, date]


@dataclass(frozen=True, slots=True)
class _Stored:
    kind: str
    expires_on: date | None
    parameter_id: UUID
    version: int
    sealed: bytes = field(repr=False)


def environment_of(compartment: Compartment, build_id: UUID, overrides: Mapping[str, str]) -> BuildEnvironment:
    """Open the values that the build's repository reaches, under the trigger's own. The caller writes the log.

    Raises Invalid for more values, or more bytes of them, than a build is given.
    """
    rows = _rows(compartment, _VALUES, in_reach.MAX_BYTES, build_id, MAX_IN_REACH + 1)
    if len(rows) > MAX_IN_REACH:
        raise in_reach.too_many(MAX_IN_REACH)
    if any(row[-1] is None for row in rows):
        raise in_reach.too_large()
    chosen: dict[str, _Stored] = {}
    sources: dict[str, list[str]] = {}
    for name, source, *rest in rows:
        chosen.setdefault(name, _Stored(*rest))
        sources.setdefault(name, []).append(source)
    stored = {name: each for name, each in chosen.items() if name not in overrides}
    return BuildEnvironment(
        values={**{name: _value(compartment, each) for name, each in stored.items()}, **overrides},
        conflicts={name: sets for name, sets in sources.items() if len(sets) > 1 and name not in overrides},
        overridden=sorted(overrides),
        files=sorted(name for name, each in chosen.items() if each.kind == Parameter.Kind.FILE),
        expires_on={name: each.expires_on for name, each in stored.items() if each.expires_on},
    )


def ssh_keys_of(compartment: Compartment, build_id: UUID) -> Iterator[dict[str, Any]]:
    """Yield the SSH keys that the build's repository reaches, private half and all. The caller writes the log.

    Raises Invalid for more than MAX_KEYS, before the first of them.
    """
    rows = _rows(compartment, _KEYS, build_id, MAX_KEYS + 1)
    if len(rows) > MAX_KEYS:
        raise Invalid({"repository": f"More than {MAX_KEYS} SSH keys match this repository: narrow their filters."})
    for key_id, name, generation, public, known_hosts, sealed in rows:
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


def _value(compartment: Compartment, stored: _Stored) -> str:
    place = compartment.place("parameter_versions.sealed", stored.parameter_id, stored.version)
    return compartment.open(place, bytes(stored.sealed)).decode()


def _rows(compartment: Compartment, query: str, *parameters: UUID | int) -> list[tuple[Any, ...]]:
    with connections[compartment.alias].cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())
