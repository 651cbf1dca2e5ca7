"""The other deployment: fills tenants through its own actions, and prints what they hold (run as its web process)."""

from __future__ import annotations

import json
import secrets
import uuid
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from secrets_vault import Keyring
from tenants import delivery, ssh_formats
from tenants.actions import (
    builds,
    connections,
    messages,
    parameters,
    repositories,
    ssh_authorities,
    ssh_certificates,
    ssh_keys,
)
from tenants.actions.ssh_certificates import Issued
from tenants.actor import Actor
from tenants.compartment import Compartment, enter
from tenants.keyrings import key_service, wrapped_keys
from tenants.provisioning.provision import create_tenant
from tenants.records.models import AuditRow, SentMessage, Usage
from tenants.registry.models import Person, Tenant, TenantKey
from tenants.roles import Role
from tenants.transfer import export_tenant, read_public
from tests.conftest import Household, acting_as

TTL = 86_400  # seconds: what came along is looked at until the end of a run
KNOWN_HOSTS = f"git.example.org {ssh_formats.generate('').public}\n"


def main(directory: Path) -> None:
    facts = {"rich": _rich(), "plain": _plain("plain", "70003"), "stopped": _plain("stopped", "70004")}
    _suspend("stopped")
    _export("plain", directory)
    _export("stopped", directory)
    facts["stopped"]["after"] = _after("stopped")
    print(json.dumps(facts))  # noqa: T201 - read by the fixture


def _export(slug: str, directory: Path) -> None:
    output = directory / f"{slug}.tar"
    export_tenant(slug, to=read_public(directory / "recipient.pub"), output=output, using="owner")


def _tenant(slug: str, uid: str) -> Household:
    owner = Person.objects.create(provider="github", uid=uid, login=f"{slug}-owner", email=f"{slug}@example.org")
    tenant = create_tenant(
        tenant_id=uuid.uuid4(),
        slug=slug,
        name=f"The {slug} tenant",
        owner_id=owner.id,
        actor=Actor.system("provisioning"),
        using="provisioner",
    )
    return Household(tenant, owner)


def _rich() -> dict[str, Any]:
    rich, peer = _tenant("rich", "70001"), _tenant("peer", "70002")
    _new_key_versions(rich.tenant)
    rich.join(Person.objects.create(provider="bitbucket", uid="{7}", login="b"), Role.AUDITOR)
    secret = {name: f"canary-{name}+{secrets.token_urlsafe(18)}" for name in ("old", "new", "message", "waiting")}
    with rich.enter() as inside:
        repositories.create_repository(
            inside, name="api", url="https://example.org/a\tb\\N"[:21], labels=[("os", "linux")]
        )
        one = parameters.create_set(inside, name="Deploy", description="Tab\\t, \\N and\nlines", filters=[])
        parameters.set_parameter(inside, one.id, name="TOKEN", value=secret["old"])
        parameters.set_parameter(inside, one.id, name="TOKEN", value=secret["new"])
        gone = parameters.set_parameter(inside, one.id, name="GONE", value="deleted")
        parameters.delete_parameter(inside, one.id, gone.id)
        running = builds.start_build(inside, repository="api", revision="", overrides={}, ttl=TTL).build
        key = ssh_keys.generate_key(inside, name="deploy", filters=[], known_hosts=KNOWN_HOSTS)
        parameters.set_parameter(inside, one.id, name="FILE", value="content", kind="file", expires_on=date(2199, 1, 1))
        issued = _vault(inside)
        outgoing = connections.propose(inside, other_slug="peer", direction="send")
        incoming = connections.propose(inside, other_slug="peer", direction="receive")
    with peer.enter() as inside:
        connections.accept(inside, outgoing.id)
        connections.accept(inside, incoming.id)
        received = [_send(inside, "rich", secret["message"]) for _ in range(2)]
    _sweep()
    with rich.enter() as inside:
        messages.read_message(inside, received[0].id)
        waiting = _send(inside, "peer", secret["waiting"])
    return {
        "id": str(rich.tenant.id),
        "schema": rich.tenant.schema,
        "secrets": secret,
        "deleted": str(gone.id),
        "running": str(running.id),
        "fingerprint": key.fingerprint,
        "serial": issued.serial,
        "received": [str(message.id) for message in received],
        "waiting": str(waiting.id),
        "expires_at": received[1].expires_at.isoformat(),
    }


def _vault(inside: Compartment) -> Issued:
    """An authority that has signed, a build that has ended, and acts that were counted."""
    ssh_authorities.create_authority(inside)
    overrides = {"EXTRA": "1"}
    ended = builds.start_build(inside, repository="api", revision="main", overrides=overrides, ttl=TTL).build
    builds.end_build(inside, ended.id, outcome="succeeded")
    Usage.objects.create(day=date(2026, 1, 31), person_id=uuid.uuid4(), kind="build.started", count=3, bytes=4)
    public = ssh_formats.generate("mine").public
    return ssh_certificates.issue_certificate(inside, public_key=public)


def _send(inside: Compartment, to: str, text: str) -> SentMessage:
    return messages.send_message(inside, to=to, payload=json.dumps(text), ttl=TTL)


def _sweep() -> None:
    with acting_as("worker"):
        delivery.sweep()


def _new_key_versions(tenant: Tenant) -> None:
    """Give the tenant a key that was retired, and a current one after it."""

    keyring = Keyring.open(key_service(), tenant.id, wrapped_keys(tenant.id))
    for retired in (datetime.now(UTC), None):
        keyring, row = keyring.add(key_service())
        TenantKey.objects.using("owner").create(
            tenant=tenant,
            version=row.version,
            key_service=row.key_service_id,
            wrapped=row.wrapped,
            retired_at=retired,
        )


def _plain(slug: str, uid: str) -> dict[str, Any]:
    plain = _tenant(slug, uid)
    with plain.enter() as inside:
        for name in ("web", "api"):
            repositories.create_repository(inside, name=name, url="", labels=[("os", "linux")])
        one = parameters.create_set(inside, name="Settings", description="", filters=[[("os", "linux")]])
        parameters.set_parameter(inside, one.id, name="MODE", value="quiet", expires_on=date(2199, 1, 1))
        ssh_keys.generate_key(inside, name="deploy", filters=[], known_hosts=KNOWN_HOSTS)
        _vault(inside)
    return {"id": str(plain.tenant.id), "schema": plain.tenant.schema}


def _after(slug: str) -> dict[str, Any]:
    Tenant.objects.using("owner").filter(slug=slug).update(state="active")
    owner = Person.objects.get(login=f"{slug}-owner")
    with enter(slug, Actor.person(owner.id, "owner")) as inside:
        values = parameters.reveal_environment(inside, "web").values
        rows = AuditRow.objects.exclude(entry__contains="revealed").order_by("position")
        return {"values": values, "log": [json.loads(row.entry) for row in rows]}


def _suspend(slug: str) -> None:
    Tenant.objects.using("owner").filter(slug=slug).update(state="suspended", state_reason="It moves.")
