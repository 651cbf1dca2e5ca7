"""A tenant is complete or absent; the script is what the migrations make; nobody else can make one."""

from __future__ import annotations

import uuid
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import IntegrityError, ProgrammingError, connections

from tenants.actions import tenancies
from tenants.actor import Actor
from tenants.databases.current import role_password
from tenants.errors import Invalid, NotFound
from tenants.provisioning import provision
from tenants.provisioning.scram import verifier
from tenants.registry.models import Membership, SealingKey, Tenant, TenantKey, TenantRequest
from tenants.roles import Role
from tenants.tasks import provision as provision_task
from tests.conftest import Household, NewPerson, acting_as, at_once


def test_the_script_is_rendered_from_the_migrations() -> None:
    with acting_as("provisioner"):
        call_command("render_schema", check=True)


def test_a_request_becomes_a_tenant(new_person: NewPerson) -> None:
    person = new_person()
    actor = Actor.person(person.id, "somebody")
    request = tenancies.request_tenant(actor, name="Acme Ltd", slug=f"acme-{uuid.uuid4().hex[:8]}")
    assert tenancies.request_status(actor, request.slug).state == TenantRequest.State.WAITING
    with acting_as("provisioner"):
        provision_task()
    assert tenancies.request_status(actor, request.slug).state == TenantRequest.State.DONE
    (tenancy,) = tenancies.tenants_of(person.id)
    assert (tenancy.tenant.id, tenancy.tenant.name, tenancy.role) == (request.id, "Acme Ltd", Role.OWNER)
    assert tenancies.requests_of(person.id) == []


def test_the_schema_says_nothing_about_the_customer(household: Household) -> None:
    assert household.slug not in household.tenant.schema
    assert household.tenant.name.lower() not in household.tenant.schema


@pytest.mark.parametrize("slug", ["", "ab", "a" * 41, "Acme", "a--b", "-acme", "acme-", "1acme", "a b", "новый", "new"])
def test_a_bad_address_is_refused(new_person: NewPerson, slug: str) -> None:
    with pytest.raises(Invalid, match="slug"):
        tenancies.request_tenant(Actor.person(new_person().id, "x"), name="Acme", slug=slug)


@pytest.mark.parametrize("name", ["", " ", "a" * 101, "a\nb", "a\u202eb", "a\x00b"])
def test_a_bad_name_is_refused(new_person: NewPerson, name: str) -> None:
    with pytest.raises(Invalid, match="name"):
        tenancies.request_tenant(Actor.person(new_person().id, "x"), name=name, slug="acme-works")


def test_an_address_is_given_once(household: Household, new_person: NewPerson) -> None:
    actor = Actor.person(new_person().id, "x")
    with pytest.raises(Invalid, match="slug"):
        tenancies.request_tenant(actor, name="Acme", slug=household.slug)
    slug = f"t{uuid.uuid4().hex[:8]}"
    tenancies.request_tenant(actor, name="Acme", slug=slug)
    with pytest.raises(Invalid, match="slug"):
        tenancies.request_tenant(Actor.person(new_person().id, "y"), name="Acme", slug=slug)


def test_nobody_asks_for_tenants_without_end(new_person: NewPerson) -> None:
    actor = Actor.person(new_person().id, "x")
    for _ in range(tenancies.MAX_WAITING):
        tenancies.request_tenant(actor, name="Acme", slug=f"t{uuid.uuid4().hex[:8]}")
    with pytest.raises(Invalid, match="name"):
        tenancies.request_tenant(actor, name="Acme", slug=f"t{uuid.uuid4().hex[:8]}")
    TenantRequest.objects.using("provisioner").filter(person_id=actor.require_person()).update(state="failed")


def test_a_request_is_its_persons_alone(new_person: NewPerson) -> None:
    actor = Actor.person(new_person().id, "x")
    request = tenancies.request_tenant(actor, name="Acme", slug=f"t{uuid.uuid4().hex[:8]}")
    with pytest.raises(NotFound):
        tenancies.request_status(Actor.person(new_person().id, "y"), request.slug)
    TenantRequest.objects.using("provisioner").filter(id=request.id).update(state="failed")


def test_a_failure_half_way_leaves_nothing(new_person: NewPerson, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, slug = new_person(), f"t{uuid.uuid4().hex[:8]}"
    script, version = provision.schema_script()
    # A script that breaks at its end stands for every statement that could fail: all are one transaction.
    monkeypatch.setattr(provision, "schema_script", lambda: (f"{script}\nSELECT 1 / 0;", version))
    before = _roles_and_schemas()
    with pytest.raises(Exception, match="division by zero"):
        provision.create_tenant(
            tenant_id=uuid.uuid4(),
            slug=slug,
            name="Half",
            owner_id=owner.id,
            actor=Actor.system("test"),
            using="provisioner",
        )
    assert _roles_and_schemas() == before
    assert not Tenant.objects.filter(slug=slug).exists()
    assert not Membership.objects.filter(person=owner).exists()


def _roles_and_schemas() -> set[str]:
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT rolname FROM pg_roles UNION SELECT nspname FROM pg_namespace")
        return {name for (name,) in cursor.fetchall()}


def test_keys_are_wrapped_and_the_sealing_key_is_public(household: Household) -> None:
    key = TenantKey.objects.get(tenant=household.tenant)
    assert key.version == 1
    assert len(bytes(key.wrapped)) > 32
    assert SealingKey.objects.get(tenant=household.tenant).version == 1


@pytest.mark.parametrize(
    ("process", "statement"),
    [
        ("default", "UPDATE tenants SET state = 'active'"),
        ("default", "INSERT INTO tenants (id, slug, name, schema) VALUES (gen_random_uuid(), 'x', 'x', 'x')"),
        ("default", "UPDATE tenant_requests SET state = 'done'"),
        ("default", "DELETE FROM tenant_keys"),
        ("default", "UPDATE sealing_keys SET public = ''"),
        ("default", "DELETE FROM people"),
        ("default", "CREATE SCHEMA mine"),
        ("default", "CREATE ROLE mine"),
        ("default", "CREATE TABLE mine (id int)"),
        ("default", "UPDATE due SET due_at = now()"),
        ("default", "INSERT INTO django_migrations (app, name, applied) VALUES ('a', 'b', now())"),
        ("worker", "SELECT * FROM tenant_keys"),
        ("worker", "SELECT * FROM people"),
        ("worker", "SELECT * FROM memberships"),
        ("worker", "UPDATE tenants SET state = 'active'"),
        ("provisioner", "SELECT * FROM sessions"),
        ("provisioner", "SELECT * FROM access_tokens"),
        ("provisioner", "DELETE FROM tenants"),
    ],
)
def test_each_process_has_the_rights_it_needs_and_no_more(process: str, statement: str) -> None:
    with connections[process].cursor() as cursor, pytest.raises(ProgrammingError, match="permission denied"):
        cursor.execute(statement)


def test_a_schema_name_of_another_form_can_not_be_stored() -> None:
    for schema in ("registry", "t_XYZ", 't_"; DROP', "public"):
        tenant = Tenant(slug=f"t{uuid.uuid4().hex[:8]}", name="x", schema=schema, schema_version="x")
        with pytest.raises(IntegrityError, match="tenants_schema_form"):
            tenant.save(using="provisioner", force_insert=True)


def test_the_database_stores_a_verifier_of_the_derived_password(
    household: Household, administrator: psycopg.Connection
) -> None:
    role = household.tenant.schema
    stored = administrator.execute("SELECT rolpassword FROM pg_authid WHERE rolname = %s", [role]).fetchone()
    assert stored is not None
    assert stored[0].startswith("SCRAM-SHA-256$1:")
    assert role_password(role, 1) not in stored[0]
    assert role_password(role, 1) != role_password(role, 2)


def test_a_scram_verifier_is_that_of_the_rfc(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 7677, section 3: user `user`, password `pencil`; its server signature proves ServerKey."""
    import base64  # noqa: PLC0415
    import hmac  # noqa: PLC0415

    monkeypatch.setattr("tenants.provisioning.scram.ITERATIONS", 4096)
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    server_key = base64.b64decode(verifier("pencil", salt).rpartition(":")[2])
    nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    message = f"n=user,r=rOprNGfwEbeRWgbNEkqO,r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r={nonce}"
    signature = hmac.digest(server_key, message.encode(), "sha256")
    assert base64.b64encode(signature).decode() == "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def test_limits_hold_against_a_crowd(new_person: NewPerson) -> None:
    actor = Actor.person(new_person().id, "x")

    def ask() -> bool:
        try:
            tenancies.request_tenant(actor, name="Acme", slug=f"t{uuid.uuid4().hex[:8]}")
        except Invalid:
            return False
        return True

    assert sum(at_once(ask, times=8)) == tenancies.MAX_WAITING
    TenantRequest.objects.using("provisioner").filter(person_id=actor.require_person()).update(state="failed")


def test_a_failed_request_gives_its_address_back(new_person: NewPerson) -> None:
    actor, slug = Actor.person(new_person().id, "x"), f"t{uuid.uuid4().hex[:8]}"
    first = tenancies.request_tenant(actor, name="Acme", slug=slug)
    TenantRequest.objects.using("provisioner").filter(id=first.id).update(state="failed")
    again = tenancies.request_tenant(actor, name="Acme", slug=slug)
    assert tenancies.request_status(actor, slug) == again
    TenantRequest.objects.using("provisioner").filter(id=again.id).update(state="failed")


def test_a_session_that_made_its_share_of_tenants_is_renewed(
    new_person: NewPerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provision, "TENANTS_A_SESSION", 2)
    owner = new_person()
    for _ in range(5):
        TenantRequest.objects.create(slug=f"t{uuid.uuid4().hex[:16]}", name="Tenant", person=owner)
    sessions: set[int] = set()

    def look(execute: Any, *statement: Any) -> Any:
        sessions.add(statement[-1]["connection"].connection.info.backend_pid)
        return execute(*statement)

    with acting_as("provisioner"), connections["default"].execute_wrapper(look):
        provision_task()
    assert len(sessions) >= 3
