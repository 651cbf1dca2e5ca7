"""Whatever dies while a tenant is made, and when: the tenant is complete, or there is nothing of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
import pytest
from django.db import OperationalError, connections

from portal.demo.embedded import Stack
from tenants.actions import tenancies
from tenants.actor import Actor
from tenants.provisioning import shape
from tenants.provisioning.provision import create_tenant
from tenants.provisioning.render import SCRIPT
from tenants.registry.models import Membership, Person, Tenant, TenantRequest
from tenants.tasks import provision
from tests.conftest import Household, NewPerson, acting_as

DIE: Final = "SELECT pg_terminate_backend(pg_backend_pid())"
EXISTING: Final = """
SELECT 'schema', nspname::text FROM pg_namespace UNION ALL SELECT 'role', rolname::text FROM pg_roles
UNION ALL SELECT 'tenant', id::text FROM registry.tenants
UNION ALL SELECT 'key', tenant_id::text FROM registry.tenant_keys
UNION ALL SELECT 'sealing key', tenant_id::text FROM registry.sealing_keys
UNION ALL SELECT 'membership', tenant_id::text FROM registry.memberships"""


def existing(administrator: psycopg.Connection) -> set[tuple[str, str]]:
    return set(administrator.execute(EXISTING).fetchall())


def statements(script: str) -> list[str]:
    """Take a script apart; what stands between two $$ is one."""
    found, inside = [""], False
    for line in script.splitlines(keepends=True):
        found[-1] += line
        inside ^= line.count("$$") % 2 == 1
        if not inside and line.rstrip().endswith(";"):
            found.append("")
    return [each for each in found if each.strip()]


class Killer:
    """Ends the server's process of this connection before the statement with number `at`; counts them all."""

    def __init__(self, at: int = -1) -> None:
        self.at, self.seen = at, 0

    def __call__(self, execute: Callable[..., Any], script: str, parameters: Any, many: bool, context: Any) -> Any:
        parts = [script] if parameters else statements(script)
        first, self.seen = self.seen, self.seen + len(parts)
        if not first <= self.at < self.seen:
            return execute(script, parameters, many, context)
        before = "".join(parts[: self.at - first])
        return execute(f"{before}{DIE};", None, many, context)


def make(owner: Person, killer: Killer) -> str:
    """Make a tenant as the provisioner and return its address. Raises OperationalError when it was killed."""
    slug = f"t{uuid.uuid4().hex[:16]}"
    connection = connections["provisioner"]
    try:
        with connection.execute_wrapper(killer):
            create_tenant(
                tenant_id=uuid.uuid4(),
                slug=slug,
                name="Killed",
                owner_id=owner.id,
                actor=Actor.system("provisioning"),
                using="provisioner",
            )
    except OperationalError:
        connection.close()
        raise
    return slug


def is_complete(slug: str, owner: Person, like: Household) -> bool:
    tenant = Tenant.objects.get(slug=slug)
    found = shape.digests([tenant.schema, like.tenant.schema], using="provisioner")
    with Household(tenant, owner).enter() as inside:
        inside.seal(inside.place("test", uuid.uuid4(), 1), b"works")
    members = Membership.objects.filter(tenant=tenant, person=owner).count()
    return members == 1 and found[tenant.schema] == found[like.tenant.schema]


def test_the_servers_process_dies_at_each_statement(
    new_person: NewPerson, household: Household, administrator: psycopg.Connection
) -> None:
    owner, before, killer = new_person("owner"), existing(administrator), Killer()
    whole = make(owner, killer)
    of_whole = existing(administrator) - before
    for at in range(killer.seen):
        with pytest.raises(OperationalError):
            make(owner, Killer(at))
    assert killer.seen > len(statements(SCRIPT.read_text()))
    assert existing(administrator) - before == of_whole
    assert is_complete(whole, owner, household)


@contextmanager
def dying_at_commit(administrator: psycopg.Connection, owner: Person) -> Iterator[None]:
    """Let the server's process end while it commits what makes `owner` a member: deferred triggers run then."""
    administrator.execute(f"""
        CREATE FUNCTION registry.die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM 1 FROM ({DIE}) AS dead;
        RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER die AFTER INSERT ON registry.memberships DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW WHEN (NEW.person_id = '{owner.id}') EXECUTE FUNCTION registry.die()""")
    try:
        yield
    finally:
        administrator.execute("DROP TRIGGER die ON registry.memberships; DROP FUNCTION registry.die()")


def test_the_servers_process_dies_at_commit(new_person: NewPerson, administrator: psycopg.Connection) -> None:
    owner, before = new_person("owner"), existing(administrator)
    with dying_at_commit(administrator, owner), pytest.raises(OperationalError):
        make(owner, Killer())
    assert existing(administrator) == before


def test_a_request_waits_while_the_servers_process_dies(
    new_person: NewPerson, household: Household, administrator: psycopg.Connection
) -> None:
    with acting_as("provisioner"):
        provision()  # what other tests left waiting
    person, slug = new_person(), f"t{uuid.uuid4().hex[:16]}"
    actor, before = Actor.person(person.id, "x"), existing(administrator)
    tenancies.request_tenant(actor, name="Killed", slug=slug)
    with acting_as("provisioner"), dying_at_commit(administrator, person), pytest.raises(OperationalError):
        provision()
    connections["provisioner"].close()
    assert tenancies.request_status(actor, slug).state == TenantRequest.State.WAITING
    assert existing(administrator) == before
    with acting_as("provisioner"):
        provision()
    assert is_complete(slug, person, household)


def test_the_provisioner_dies_at_each_statement(new_person: NewPerson, household: Household, stack: Stack) -> None:
    with acting_as("provisioner"):
        provision()  # what other tests left waiting
    person, slug = new_person(), f"t{uuid.uuid4().hex[:16]}"
    request = tenancies.request_tenant(Actor.person(person.id, "x"), name="Killed", slug=slug)
    done = subprocess.run(
        [sys.executable, "-m", "tests.tenants.killed", str(request.id)],
        env={**os.environ, **stack.environment("provisioner"), "CELERY_BROKER_URL": os.environ["CELERY_BROKER_URL"]},
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    attempts = [json.loads(line) for line in done.stdout.splitlines()]
    killed, got_through = attempts[:-1], attempts[-1]
    schemas, roles = killed[0][-2:]
    absent = ["waiting", 0, 0, 0, 0, schemas, roles]
    complete = ["done", 1, 1, 1, 1, schemas + 1, roles + 1]
    assert len(killed) > 8
    assert all(was_killed for was_killed, *_ in killed)
    assert killed[0][1:] == absent
    assert [left for _, *left in killed if left not in (absent, complete)] == []
    assert got_through == [False, *complete]
    assert is_complete(slug, person, household)
