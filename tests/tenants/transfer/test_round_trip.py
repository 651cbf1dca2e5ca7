"""A tenant that moved is the tenant that it was, in a deployment that shares nothing with the one it came from."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import psycopg
import pytest

from portal.demo.embedded import Stack
from secrets_vault import Keyring, KeyServiceDenied, hashchain, open_key_service
from tenants import compartment, ssh_formats
from tenants.actions import messages, parameters, repositories, ssh_certificates, ssh_keys
from tenants.actions.parameter_search import find_value
from tenants.actor import Actor
from tenants.compartment import Compartment
from tenants.errors import Gone
from tenants.keyrings import wrapped_keys
from tenants.pagination import PageRequest
from tenants.records.models import (
    AuditRow,
    Build,
    Parameter,
    ParameterVersion,
    ReceivedContent,
    SentMessage,
    Usage,
)
from tenants.registry.models import Due, Membership, Person, Tenant, TenantKey
from tests.conftest import Household
from tests.tenants.transfer.conftest import Elsewhere, manage


@pytest.fixture(scope="session")
def moved(stack: Stack, elsewhere: Elsewhere) -> Household:
    """The rich tenant, here, by the command that an operator runs; its address was taken."""
    slug = f"moved-{uuid.uuid4().hex[:8]}"
    done = manage(
        stack,
        "import_tenant",
        str(elsewhere.archive("rich")),
        "--key",
        str(elsewhere.key),
        "--slug",
        slug,
        "--digest",
        elsewhere.facts["export"]["digest"],
        "--owner",
        "github:70009",
        "--json",
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["slug"], told["members"], told["waiting"]) == (slug, 3, 3)
    assert "Owners: github:70001, github:70009\nMembers: 1 auditor, 2 owner\n" in done.stderr
    owner = Person.objects.get(provider="github", uid="70001")
    return Household(Tenant.objects.get(slug=slug), owner)


def test_members_come_in_with_their_roles(moved: Household) -> None:
    rows = Membership.objects.filter(tenant=moved.tenant).select_related("person")
    assert {(row.person.provider, row.person.uid, row.role) for row in rows} == {
        ("github", "70001", "owner"),
        ("bitbucket", "{7}", "auditor"),
        ("github", "70009", "owner"),
    }
    with moved.enter() as inside:
        assert inside.role == "owner"


def test_it_is_the_same_tenant_in_a_schema_of_its_own(moved: Household, elsewhere: Elsewhere) -> None:
    assert str(moved.tenant.id) == elsewhere.facts["rich"]["id"]
    assert moved.tenant.schema != elsewhere.facts["rich"]["schema"]
    assert moved.tenant.name == "The rich tenant"


def test_values_keys_and_versions_open(moved: Household, elsewhere: Elsewhere) -> None:
    secrets = elsewhere.facts["rich"]["secrets"]
    with moved.enter() as inside:
        assert parameters.reveal_environment(inside, "api").values["TOKEN"] == secrets["new"]
        key = ssh_keys.list_keys(inside, PageRequest()).items[0]
        assert key.fingerprint == elsewhere.facts["rich"]["fingerprint"]
        assert "OPENSSH PRIVATE KEY" in ssh_keys.reveal_key(inside, "api", "deploy")
        old = ParameterVersion.objects.get(version=1, parameter__name="TOKEN")
        assert (
            inside.open(inside.place("parameter_versions.sealed", old.parameter_id, 1), bytes(old.sealed)).decode()
            == secrets["old"]
        )


def test_life_goes_on(moved: Household) -> None:
    """Sequences go on after what came along, new values take the tenant's current key, and the log its next row."""
    with moved.enter() as inside:
        before = AuditRow.objects.count()
        one = parameters.list_sets(inside, PageRequest()).items[0]
        parameters.set_parameter(inside, one.id, name="MORE", value="1")
        repositories.create_repository(inside, name=f"new-{uuid.uuid4().hex[:6]}", url="", labels=[])
        assert AuditRow.objects.count() == before + 2


def test_the_log_is_verbatim_and_its_chain_unbroken(moved: Household) -> None:
    with moved.enter() as inside:
        rows = list(AuditRow.objects.order_by("position"))
        assert hashchain.verify(_chained(row) for row in rows) == bytes(rows[-1].hash)
        acts = [json.loads(row.entry) for row in rows]
    assert acts[0]["action"] == "tenant.created"
    (imported,) = [act for act in acts if act["action"] == "tenant.imported"]
    assert imported["actor_kind"] == "operator"
    assert imported["detail"]["slug"] == "rich"
    assert imported["detail"]["from"].startswith("http://127.0.0.1")
    assert inside.actor


def _chained(row: AuditRow) -> hashchain.Row:
    at_us = round(row.at.timestamp() * 1_000_000)
    return row.position, at_us, row.entry.encode(), bytes(row.previous), bytes(row.hash)


def test_keys_are_wrapped_by_the_key_service_here(moved: Household, stack: Stack, elsewhere: Elsewhere) -> None:
    there = open_key_service(f"local:{elsewhere.directory}/stack/platform.key")
    rows = wrapped_keys(moved.tenant.id)
    assert [(row.version, row.retired, bool(row.wrapped)) for row in rows] == [
        (1, False, True),
        (2, True, False),
        (3, False, True),
    ]
    assert {row.key_service_id for row in rows}.isdisjoint({there.key_id})
    with pytest.raises(KeyServiceDenied):
        Keyring.open(there, moved.tenant.id, rows)
    assert all(
        bytes(key.wrapped) not in elsewhere.archive("rich").read_bytes()
        for key in TenantKey.objects.filter(tenant=moved.tenant, retired_at=None)
    )


def test_a_message_opens_and_still_expires(
    moved: Household, elsewhere: Elsewhere, sweep: Callable[[], int], administrator: psycopg.Connection, no_worker: None
) -> None:
    facts = elsewhere.facts["rich"]
    message = uuid.UUID(facts["received"][1])
    with moved.enter() as inside:
        opened = messages.read_message(inside, message)
        assert json.loads(opened.text) == facts["secrets"]["message"]
        assert opened.envelope.expires_at == datetime.fromisoformat(facts["expires_at"])
    due = Due.objects.get(tenant=moved.tenant, kind=Due.Kind.EXPIRE_RECEIVED, message_id=message)
    assert due.due_at == opened.envelope.expires_at
    statement = f"UPDATE {moved.tenant.schema}.received_messages SET expires_at = now()"  # noqa: S608 - our own name
    administrator.execute(statement)
    with moved.enter() as inside, pytest.raises(Gone):
        messages.read_message(inside, message)
    administrator.execute("UPDATE registry.due SET due_at = now() WHERE tenant_id = %s", [moved.tenant.id])
    sweep()
    with moved.enter():
        assert not ReceivedContent.objects.exists()


def test_an_undelivered_message_is_refused_since_nobody_is_connected(
    moved: Household, elsewhere: Elsewhere, sweep: Callable[[], int], administrator: psycopg.Connection, no_worker: None
) -> None:
    waiting = elsewhere.facts["rich"]["waiting"]
    # It was due when it came; tests that sweep have put off what is a minute old.
    due = "UPDATE registry.due SET due_at = now() WHERE tenant_id = %s AND message_id = %s AND kind = 'deliver'"
    administrator.execute(due, [moved.tenant.id, waiting])
    sweep()
    with moved.enter():
        message = SentMessage.objects.get(id=waiting)
    assert (message.delivered_at, message.refused) == (None, "The connection has ended.")
    assert not Due.objects.filter(tenant=moved.tenant, message_id=message.id).exists()


def test_what_was_deleted_is_still_to_be_shredded_and_digests_still_find(
    moved: Household, elsewhere: Elsewhere
) -> None:
    with moved.enter() as inside:
        gone = Parameter.objects.get(id=elsewhere.facts["rich"]["deleted"])
        assert "GONE" in [use.name for use in find_value(inside, "deleted").items]
    due = Due.objects.get(tenant=moved.tenant, kind=Due.Kind.SHRED)
    assert due.message_id == gone.id


def test_a_build_that_ran_is_still_to_be_ended(moved: Household, elsewhere: Elsewhere) -> None:
    due = Due.objects.get(tenant=moved.tenant, kind=Due.Kind.END_BUILD)
    assert str(due.message_id) == elsewhere.facts["rich"]["running"]


def test_hosts_authorities_builds_dates_and_counts_come_along(moved: Household, elsewhere: Elsewhere) -> None:
    with moved.enter() as inside:
        assert ssh_keys.list_keys(inside, PageRequest()).items[0].known_hosts.startswith("git.example.org ssh-ed25519 ")
        mine = ssh_formats.generate("mine").public
        issued = ssh_certificates.issue_certificate(inside, public_key=mine)
        builds = Build.objects.order_by("started_at").values_list("outcome", "revision", "override_names", "sealed_key")
        assert [(*row, bool(key)) for *row, key in builds] == [
            ("running", "", [], True),
            ("succeeded", "main", ["EXTRA"], False),
        ]
        assert list(Usage.objects.filter(day=date(2026, 1, 31)).values_list("count", "bytes")) == [(3, 4)]
        file = Parameter.objects.get(name="FILE")
    assert issued.serial > elsewhere.facts["rich"]["serial"]
    assert (file.kind, file.expires_on) == ("file", date(2199, 1, 1))
    assert Due.objects.filter(tenant=moved.tenant, kind=Due.Kind.REMIND, message_id=file.id).exists()


def test_a_suspended_tenant_arrives_active(elsewhere: Elsewhere, stack: Stack) -> None:
    file, key = str(elsewhere.archive("stopped")), str(elsewhere.key)
    done = manage(stack, "import_tenant", file, "--key", key, "--without-digest")
    assert done.returncode == 0, done.stderr
    owner = Person.objects.get(provider="github", uid="70004")
    with compartment.enter("stopped", Actor.person(owner.id, "x")) as inside:
        assert _actions(inside)[-1] == "tenant.imported"


def test_the_source_is_as_it_was_and_its_log_names_the_recipient(elsewhere: Elsewhere) -> None:
    facts = elsewhere.facts["stopped"]
    assert facts["after"]["values"] == {"MODE": "quiet"}
    act = facts["after"]["log"][-1]
    assert (act["action"], act["actor_kind"], act["subject"]) == ("tenant.exported", "operator", "stopped")
    assert act["detail"]["recipient"] == elsewhere.facts["export"]["recipient"]
    assert len(act["detail"]["digest"]) == 64


def _actions(inside: Compartment) -> list[str]:
    return [json.loads(row.entry)["action"] for row in AuditRow.objects.order_by("position")]


def test_no_secret_is_in_the_archive(elsewhere: Elsewhere) -> None:
    from tests.canary.search import Search  # noqa: PLC0415 - the canary test's own

    search = Search({name: secret.encode() for name, secret in elsewhere.facts["rich"]["secrets"].items()})
    search.look("archive", elsewhere.archive("rich").read_bytes())
    assert search.found == set()


def test_the_archive_is_its_owners_alone(elsewhere: Elsewhere) -> None:
    assert elsewhere.archive("rich").stat().st_mode & 0o777 == 0o600
    assert not list(Path(elsewhere.directory).glob(".*"))
