"""Who holds access tokens, asked in one statement at every request of the API: nothing of the answer is kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from tenants.actor import Actor
from tenants.databases.prepared import Row, fetch
from tenants.registry.allowances import COLUMN, NONE, Allowances
from tenants.registry.people import label_of
from tenants.registry.tenants import TenantIdentity
from tenants.roles import Role

_ASK: Final = f"""
SELECT k.id, k.person_id, k.build_id, k.used_at IS NOT NULL AND k.used_at > statement_timestamp() - interval '1 minute',
    p.email, p.name, p.login, p.provider, p.uid, m.role,
    t.id, t.slug, t.name, t.schema, t.state, t.state_reason, t.password_version,
    ({COLUMN})::text
FROM access_tokens k JOIN people p ON p.id = k.person_id JOIN tenants t ON t.id = k.tenant_id
LEFT JOIN memberships m ON m.tenant_id = k.tenant_id AND m.person_id = k.person_id
LEFT JOIN tenant_limits l ON l.tenant_id = k.tenant_id
WHERE k.id = ANY(%(tokens)s::uuid[]) AND k.revoked_at IS NULL AND k.expires_at > statement_timestamp()
AND (p.tokens_frozen_at IS NULL OR k.created_at > p.tokens_frozen_at)"""  # noqa: S608 - a part of ours


@dataclass(frozen=True, slots=True)
class Pass:
    """A token that may be used now: its person, from where, the tenant that it is for, and the role there if any."""

    actor: Actor
    role: Role | None
    tenant: TenantIdentity
    limits: Allowances
    fresh: bool  # whether the last use was noted less than a minute ago

    @property
    def person_id(self) -> UUID:
        return self.actor.require_person()


def find(asked: Sequence[tuple[UUID, str]]) -> list[Pass | None]:
    """Return who holds each of these tokens, used from these addresses.

    None for a token that is unknown, expired, revoked, or issued before its person froze all tokens.
    """
    rows = {row[0]: row[1:] for row in fetch("default", _ASK, {"tokens": [token for token, _ in asked]})}
    return [_pass(token, address, rows[token]) if token in rows else None for token, address in asked]


def _pass(token_id: UUID, address: str, row: Row) -> Pass:
    person_id, build_id, fresh, email, name, login, provider, uid, role, *tenant, limits = row
    label = label_of(email=email, name=name, login=login, provider=provider, uid=uid)
    actor = Actor.person(person_id, label, address=address, token_id=token_id, build_id=build_id)
    allowed: Allowances = json.loads(limits) if limits else NONE
    return Pass(actor, Role(role) if role else None, TenantIdentity(*tenant), allowed, fresh)
