"""Tokens of command lines: asked for by a device (RFC 8628), approved in the browser, checked at every use."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from tenants import compartment, validation
from tenants.actions.audit import record
from tenants.actions.rows import fetch
from tenants.actor import Actor
from tenants.errors import Invalid, NotFound, Suspended
from tenants.registry import passes
from tenants.registry.due import database_now
from tenants.registry.models import AccessToken, DeviceGrant
from tenants.registry.passes import Pass

MAX_LISTED: Final = 100
GRANT_SECONDS: Final = 600
TOKEN_SECONDS: Final = 12 * 3600
SLOW_DOWN_SECONDS: Final = 5

# RFC 8628, 6.1: consonants only, so that no word appears; 20^8 codes, ten minutes, rate-limited entry.
USER_CODE_ALPHABET: Final = "BCDFGHJKLMNPQRSTVWXZ"
USER_CODE_LENGTH: Final = 8


class Redemption(StrEnum):
    """Why a device gets no token; the values are RFC 8628's error codes."""

    PENDING = "authorization_pending"
    SLOW_DOWN = "slow_down"
    DENIED = "access_denied"
    EXPIRED = "expired_token"
    INVALID = "invalid_grant"


@dataclass(frozen=True, slots=True)
class StartedDevice:
    device_code: str = field(repr=False)
    user_code: str = field(repr=False)
    expires_in: int
    interval: int


def start_device(*, name: str, address: str) -> StartedDevice:
    """Open a grant for a command line that calls itself `name`; both codes leave here and are kept as digests."""
    device_code = secrets.token_urlsafe(32)
    user_code = "".join(secrets.choice(USER_CODE_ALPHABET) for _ in range(USER_CODE_LENGTH))
    grant = DeviceGrant(
        device_digest=_digest(device_code),
        user_digest=_digest(user_code),
        name=validation.title(name or "command line", "device_name"),
        address=address or None,
        expires_at=database_now() + timedelta(seconds=GRANT_SECONDS),
    )
    grant.save(force_insert=True)
    return StartedDevice(device_code, user_code, GRANT_SECONDS, DeviceGrant._meta.get_field("interval").default)


def find_device(user_code: str) -> DeviceGrant:
    """Return the grant that waits under this code, however it was typed. Raises Invalid."""
    grant = _waiting().filter(user_digest=_digest(_typed(user_code))).first()
    if grant is None:
        raise Invalid({"user_code": "No command line waits under this code: check it, or begin to log in anew there."})
    return grant


def approve_device(actor: Actor, user_code: str, slug: str) -> DeviceGrant:
    """Let the command line act as this person in one tenant. Raises NotFound when the tenant isn't theirs."""
    with compartment.enter(slug, actor) as inside, transaction.atomic():
        grant = _decide(user_code)
        grant.state = DeviceGrant.State.APPROVED
        grant.person_id = actor.person_id
        grant.tenant = inside.tenant
        grant.save(update_fields=["state", "person", "tenant"])
        record(inside, "token.approved", grant.name)
    return grant


def deny_device(user_code: str) -> DeviceGrant:
    """Refuse the command line. It never came near a tenant, so no tenant's log names it."""
    with transaction.atomic():
        grant = _decide(user_code)
        grant.state = DeviceGrant.State.DENIED
        grant.save(update_fields=["state"])
    return grant


def redeem_device(device_code: str, *, address: str) -> AccessToken | Redemption:
    """Trade an approved grant for a token's row, once; else say what RFC 8628 says (section 3.5). Raises Suspended."""
    with transaction.atomic():
        now = database_now()
        grant = DeviceGrant.objects.select_for_update().filter(device_digest=_digest(device_code)).first()
        if grant is None or grant.state == DeviceGrant.State.REDEEMED:
            return Redemption.INVALID
        if grant.expires_at <= now:
            return Redemption.EXPIRED
        if grant.state == DeviceGrant.State.DENIED:
            return Redemption.DENIED
        if grant.state == DeviceGrant.State.PENDING:
            too_fast = grant.polled_at is not None and now - grant.polled_at < timedelta(seconds=grant.interval)
            grant.polled_at = now
            grant.interval += SLOW_DOWN_SECONDS if too_fast else 0
            grant.save(update_fields=["polled_at", "interval"])
            return Redemption.SLOW_DOWN if too_fast else Redemption.PENDING
        return _issue(grant, address)


def list_tokens(actor: Actor) -> QuerySet[AccessToken]:
    """Return a person's tokens that still work, newest first; at most MAX_LISTED."""
    rows = AccessToken.objects.filter(person_id=actor.require_person(), revoked_at=None, expires_at__gt=Now())
    rows = rows.filter(build_id=None)  # a build's are ended with it, on its page
    return rows.select_related("tenant").order_by("-created_at", "id")[:MAX_LISTED]


def revoke_token(actor: Actor, token_id: UUID) -> None:
    """End a person's own token at once. Raises NotFound."""
    rows = AccessToken.objects.select_related("tenant", "person").filter(
        person_id=actor.require_person(), revoked_at=None
    )
    token = fetch(rows, id=token_id)
    actor = replace(actor, label=token.person.label)  # a token that ends itself knows no more than an id
    # Somebody who is no member any more, or whose tenant is suspended, still ends a token; the log is not theirs then.
    with suppress(NotFound, Suspended), compartment.enter(token.tenant.slug, actor) as inside:
        record(inside, "token.revoked", token.name, revoked=str(token.id))
    rows.filter(id=token_id).update(revoked_at=Now())


def use_tokens(asked: Sequence[tuple[UUID, str]]) -> list[Pass | None]:
    """Return who holds each of these tokens (id, address of the use) that may be used now, and note the uses.

    None for one that is unknown, expired, revoked, or issued before its person froze all tokens.
    """
    found = passes.find(asked)
    # A use is written once a minute at most: a busy command line must not turn each read into a write.
    both = zip(asked, found, strict=True)
    unnoted = {token: address for (token, address), held in both if held is not None and not held.fresh}
    for token_id, address in unnoted.items():
        noted = {"used_at": Now(), "address": address} if address else {"used_at": Now()}
        AccessToken.objects.filter(id=token_id).update(**noted)
    return found


def own_token(held: Pass) -> AccessToken:
    """Return the row of a token in use, with its `.person`. Raises NotFound."""
    return fetch(AccessToken.objects.select_related("person"), id=held.actor.token_id)


def _issue(grant: DeviceGrant, address: str) -> AccessToken | Redemption:
    person, tenant = grant.person, grant.tenant
    if person is None or tenant is None:
        return Redemption.INVALID
    if person.tokens_frozen_at is not None and grant.created_at <= person.tokens_frozen_at:
        return Redemption.DENIED  # whoever asked before the freeze is whom it was meant for
    token = AccessToken(
        person=person,
        tenant=tenant,
        name=grant.name,
        address=address or None,
        expires_at=database_now() + timedelta(seconds=TOKEN_SECONDS),
    )
    try:
        with compartment.enter(tenant.slug, Actor.person(person.id, person.label, address=address)) as inside:
            record(inside, "token.issued", token.name, issued=str(token.id))
    except NotFound:
        return Redemption.DENIED
    grant.state = DeviceGrant.State.REDEEMED
    grant.save(update_fields=["state"])
    token.save(force_insert=True)
    return token


def _decide(user_code: str) -> DeviceGrant:
    digest = _digest(_typed(user_code))
    grant = _waiting().select_for_update().filter(user_digest=digest).first()
    if grant is None:
        raise Invalid({"user_code": "No command line waits under this code: it has expired or was answered already."})
    return grant


def _waiting() -> QuerySet[DeviceGrant]:
    return DeviceGrant.objects.filter(state=DeviceGrant.State.PENDING, expires_at__gt=Now())


def _typed(user_code: str) -> str:
    return "".join(letter for letter in user_code.upper() if letter in USER_CODE_ALPHABET)[:USER_CODE_LENGTH]


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()
