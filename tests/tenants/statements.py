"""Every statement that the product sends while two tenants use all of it, and what each is about."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import connections
from django.db.models.functions import Now

from tenants import compartment, delivery
from tenants.actions import (
    audit,
    builds,
    members,
    messages,
    overview,
    parameter_bulk,
    parameter_deletion,
    parameter_history,
    parameter_import,
    parameter_plan,
    parameter_reach,
    parameter_search,
    parameter_values,
    parameters,
    repositories,
    ssh_authorities,
    ssh_certificates,
    ssh_keys,
    usage,
)
from tenants.actions import connections as links
from tenants.actor import Actor
from tenants.compartment import Compartment
from tenants.importing import Format
from tenants.pagination import PageRequest
from tenants.provisioning.provision import create_tenant
from tenants.records.models import Build, Repository
from tenants.registry.models import Due, Person
from tests.conftest import Household, acting_as

_NAMED: Final = re.compile(
    r'\b(?:FROM|JOIN|INTO|UPDATE|ONLY|TABLE)\s+"?(\w+)"?(?:\s*\.\s*"?(\w+)"?)?\s*(\(?)', re.IGNORECASE
)
_OWN: Final = re.compile(r"\b(\w+)(?: ?\([^()]*\))? AS (?:MATERIALIZED )?\(\s*(?:SELECT|INSERT|UPDATE|DELETE)\b")
_LINUX: Final = [("os", "linux")]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; `open` are the compartments with a transaction open as it was sent."""

    alias: str
    sql: str
    open: frozenset[str]

    @property
    def verb(self) -> str:
        return self.sql.split(maxsplit=1)[0].upper()

    @property
    def tables(self) -> set[str]:
        """Names after FROM, JOIN, INTO and UPDATE; functions, locking clauses and a statement's own names are none."""
        found = {name for name, _, call in _NAMED.findall(self._bare()) if not self._is_call(name, call)}
        return found - set(_OWN.findall(self.sql))

    @property
    def qualified(self) -> bool:
        return any(part for _, part, _ in _NAMED.findall(self._bare()))

    def _bare(self) -> str:
        return re.sub(r"\bFOR (NO KEY )?UPDATE\b( OF)?|\bDO UPDATE\b", "", self.sql)

    def _is_call(self, name: str, bracket: str) -> bool:
        return name.upper() in {"SELECT", "SET"} or (bool(bracket) and not self.sql.upper().startswith("INSERT"))


@dataclass(frozen=True, slots=True)
class Traffic:
    aliases: set[str]
    tables: set[str] = field(default_factory=set)  # of a compartment
    inside: list[Statement] = field(default_factory=list)
    registry: list[Statement] = field(default_factory=list)

    def note(self, alias: str) -> Callable[..., Any]:
        def wrapper(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
            # The wrappers of both compartments are this thread's; one that is closed has no transaction.
            opened = frozenset(other for other, wrapper in self.wrappers.items() if wrapper.in_atomic_block)
            (self.inside if alias in self.aliases else self.registry).append(Statement(alias, sql, opened))
            return execute(sql, *rest)

        return wrapper

    wrappers: dict[str, Any] = field(default_factory=dict)


@contextmanager
def watched(*households: Household) -> Iterator[Traffic]:
    """Note what reaches PostgreSQL over these tenants' connections, and over the web's and the worker's."""
    traffic = Traffic({each.tenant.schema for each in households})
    with ExitStack() as watching:
        for each in households:
            with each.enter() as inside:
                Repository.objects.exists()  # connected
                traffic.wrappers[inside.alias] = connections[inside.alias]
                traffic.tables.update(connections[inside.alias].introspection.table_names())
        for alias in traffic.aliases:
            watching.enter_context(traffic.wrappers[alias].execute_wrapper(traffic.note(alias)))
        for alias in ("default", "worker"):
            watching.enter_context(connections[alias].execute_wrapper(traffic.note(alias)))
        yield traffic


def new_household() -> Household:
    uid = str(uuid4().int % 10**12)
    owner = Person.objects.create(provider="github", uid=uid, login="owner", email=f"{uid}@example.org")
    tenant = create_tenant(
        tenant_id=uuid4(),
        slug=f"t{uuid4().hex[:16]}",
        name="Tenant",
        owner_id=owner.id,
        actor=Actor.system("provisioning"),
        using="provisioner",
    )
    return Household(tenant, owner)


def use_everything(provider: Household, consumer: Household) -> Traffic:
    """Do with every noun what its actions allow, and send, deliver, read and expire messages."""
    with watched(provider, consumer) as traffic:
        with provider.enter() as inside:
            _keep_records(inside)
            _read_everything(inside)
        _build(provider)
        read, expired = _exchange(provider, consumer)
        with consumer.enter() as inside:
            messages.list_inbox(inside, PageRequest())
            messages.get_envelope(inside, read)
            messages.read_message(inside, read)
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT pg_sleep(1.1)")  # by the database's clock, as it expires
        _sweep()
        with provider.enter() as inside:
            assert {read, expired} <= {each.id for each in messages.list_sent(inside, PageRequest()).items}
    return traffic


def _build(household: Household) -> None:
    """Let a build do what it may, end by itself, by a sweep and with its repository."""
    with household.enter() as inside:
        begun = [builds.start_build(inside, repository="api", revision="", overrides={}, ttl=60) for _ in range(3)]
    own = replace(household.actor(), build_id=begun[0].build.id, token_id=begun[0].token.id)
    with compartment.enter(household.slug, own) as inside:
        builds.open_key(inside, begun[0].enc)
        builds.own_environment(inside, begun[0].build.id)
        builds.own_ssh_keys(inside, begun[0].build.id)
        builds.end_build(inside, begun[0].build.id, outcome="succeeded")
    with household.enter() as inside:
        Build.objects.filter(id=begun[1].build.id).update(ends_by=Now())
        Due.objects.using("worker").filter(message_id=begun[1].build.id).update(due_at=Now())
        repositories.delete_repository(inside, Repository.objects.get(name="api").id)


def _exchange(provider: Household, consumer: Household) -> tuple[UUID, UUID]:
    """Send two messages, of which the second expires in the outbox or in the inbox."""
    with provider.enter() as inside:
        connection = links.propose(inside, other_slug=consumer.slug, direction="send")
    with consumer.enter() as inside:
        links.accept(inside, connection.id)
    with provider.enter() as inside:
        read = messages.send_message(inside, to=consumer.slug, payload="{}", ttl=600)
    Due.objects.using("worker").filter(tenant=provider.tenant, kind=Due.Kind.COUNT).update(due_at=Now())
    _sweep()
    with provider.enter() as inside:
        return read.id, messages.send_message(inside, to=consumer.slug, payload="{}", ttl=1).id


def _sweep() -> None:
    with acting_as("worker"):
        delivery.sweep()


def _keep_records(inside: Compartment) -> None:
    made = repositories.create_repository(inside, name="api", url="https://example.org/api", labels=_LINUX)
    repositories.change_repository(inside, made.id, name="api", url="", labels=_LINUX)
    repositories.get_repository(inside, made.id)
    doomed = repositories.create_repository(inside, name="old", url="", labels=[])
    repositories.delete_repository(inside, doomed.id)
    kept = parameters.create_set(inside, name="build", description="", filters=[_LINUX])
    value = parameters.set_parameter(inside, kept.id, name="NAME", value="one")
    parameters.set_parameter(inside, kept.id, name="NAME", value="two")
    parameters.change_set(inside, kept.id, name="build", description="more", filters=[_LINUX])
    parameters.get_set(inside, kept.id)
    list(parameters.list_parameters(inside, kept.id))
    parameters.matching_repositories(inside, [_LINUX])
    parameters.reveal_environment(inside, "api")
    _keep_parameters(inside, kept.id, value.id)
    key = ssh_keys.generate_key(inside, name="deploy", filters=[_LINUX])
    started = builds.start_build(inside, repository="api", revision="", overrides={"A": "b"}, ttl=60)
    builds.acts_of_build(inside, builds.get_build(inside, started.build.id))
    _keep_keys(inside, key.id)


def _keep_keys(inside: Compartment, key_id: UUID) -> None:
    ssh_keys.get_key(inside, key_id)
    ssh_keys.change_key(inside, key_id, filters=[_LINUX], description="more", known_hosts="")
    newer = ssh_keys.rotate_key(inside, key_id)
    ssh_keys.list_generations(inside, ssh_keys.get_named(inside, "deploy").name)
    ssh_keys.reveal_key(inside, "api", "deploy")
    ssh_keys.reveal_keys(inside, "api")
    ssh_keys.retire_key(inside, key_id)
    ssh_keys.delete_key(inside, key_id)
    authority = ssh_authorities.create_authority(inside)
    ssh_certificates.issue_certificate(inside, public_key=newer.public)
    ssh_authorities.retire_authority(inside, ssh_authorities.get_authority(inside, authority.id).id)
    ssh_authorities.list_authorities(inside)
    ssh_authorities.signer_of(inside)
    ssh_authorities.list_certificates(inside, PageRequest())


def _keep_parameters(inside: Compartment, set_id: UUID, parameter_id: UUID) -> None:
    many = [parameter_values.NewValue("NAME", "three"), parameter_values.NewValue("MORE", "four", kind="file")]
    more = parameters.apply_changes(inside, set_id, values=many, reason="Many")[1]
    parameters.describe_parameter(inside, set_id, parameter_id, description="more", expires_on=None)
    parameters.list_expiring(inside)
    parameters.reveal_set(inside, set_id)
    parameter_history.list_versions(inside, set_id, parameter_id, PageRequest())
    parameter_history.compare_versions(inside, set_id, parameter_id, left=1, right=2)
    parameter_history.roll_back(inside, set_id, parameter_id, version=1)
    parameter_search.search(inside, "name")
    parameter_search.find_value(inside, "four")
    parameter_reach.preview_reach(inside, [_LINUX], set_id=set_id)
    for act in (parameter_import.preview_import, parameter_import.import_parameters):
        act(inside, set_id, text="NAME=five\nNEW=six", form=Format.DOTENV)
    wanted = parameter_plan.Wanted("NAME=seven\nMANY=eight", Format.DOTENV, (more.id,))
    parameter_bulk.preview_bulk(inside, set_id, wanted)
    parameter_bulk.apply_bulk(inside, set_id, wanted)
    parameters.delete_parameter(inside, set_id, parameter_id)
    parameter_deletion.list_deleted_parameters(inside, set_id, PageRequest())
    parameter_deletion.restore_parameter(inside, set_id, parameter_id)
    parameters.delete_set(inside, set_id)
    parameter_deletion.list_deleted_sets(inside, PageRequest())
    parameter_deletion.restore_set(inside, set_id)
    parameters.delete_set(inside, set_id)


def _read_everything(inside: Compartment) -> None:
    page = PageRequest()
    repositories.list_repositories(inside, page)
    parameters.list_sets(inside, page, name="build")
    ssh_keys.list_keys(inside, page)
    links.list_connections(inside, page)
    members.list_members(inside, page)
    members.list_join_requests(inside, page)
    messages.list_sent(inside, page)
    audit.list_audit(inside, page)
    audit.list_audit(inside, page, ["someone", str(inside.tenant.id)])
    overview.count(inside)
    builds.list_builds(inside, page)
    usage.usage_by_day(inside, 7)
    usage.usage_by_person(inside, 7)
    usage.usage_by_day_and_person(inside, 7)
