"""The only way into a tenant's data.

    with compartment.enter("acme", actor) as inside:
        repositories.create_repository(inside, name="api", …)

Whoever holds a `Compartment` was admitted: it is the first argument of every action. While it is entered, records are
read and written over a connection opened *as that tenant's database role*; on leaving, the compartment entered before
(or none) is back. It follows the context: a thread, an asyncio task and a Celery task each have their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar
from uuid import UUID

from django.db import connections, transaction

from secrets_vault import KeyServiceUnavailable, Place, UnknownKeyVersion, open_sealed, seal
from tenants.actor import Actor, ActorKind
from tenants.databases import Entered, OutsideCompartmentError, entered
from tenants.errors import LimitReached, NotFound, Refused, Suspended
from tenants.keyrings import forget_keyring, keyring_of
from tenants.records.counting import roll_up
from tenants.records.keys import count_uses
from tenants.registry.allowances import Allowances, allowances
from tenants.registry.models import Membership, Tenant, TenantState
from tenants.registry.passes import Pass
from tenants.registry.tenants import TenantIdentity
from tenants.roles import BUILD_GRANTS, GRANTS, Permission, Role

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Compartment:
    """Proof of admission: which tenant, who acts, and in which role (None: a worker or an operator)."""

    identity: TenantIdentity
    actor: Actor
    role: Role | None
    limits: Allowances = field(default_factory=dict, repr=False)  # the operator's; workers and operators have none
    # What was sealed in here under each version of the tenant's key, and is not counted in the database yet.
    uses: Counter[int] = field(default_factory=Counter, repr=False, compare=False)

    @property
    def tenant(self) -> Tenant:
        """The registry's row. Whoever wants no more than its id or its slug takes them from `identity`."""
        return self.identity.row()

    @property
    def alias(self) -> str:
        """The connection that queries in here take; also the tenant's schema and database role."""
        return self.identity.schema

    def seal(self, place: Place, plaintext: bytes) -> bytes:
        """Seal under the tenant's current key. Raises KeyServiceUnavailable and KeyServiceDenied.

        Before or within the `transaction()` that stores it: there the use is counted, and refused once the version is
        closed, so that a rotation never misses what was sealed by a process that had not heard of it.
        """
        keyring = keyring_of(self.identity.id)
        sealed = seal(keyring, place, plaintext)
        self.uses[keyring.current.version] += 1
        return sealed

    def open(self, place: Place, sealed: bytes) -> bytes:
        """Open what was sealed at `place`. Raises BadCiphertext, KeyServiceUnavailable and KeyServiceDenied."""
        [opened] = self.open_all([(place, sealed)])
        return opened

    def require_keys(self) -> None:
        """Unwrap the tenant's keys if they are not here: before the log says what could not be done without them.

        Raises KeyServiceUnavailable and KeyServiceDenied.
        """
        keyring_of(self.identity.id)

    def open_all(self, sealed: Sequence[tuple[Place, bytes]]) -> list[bytes]:
        """Open many values, each with the place that it was sealed at. Raises as `open` does."""
        keyring = keyring_of(self.identity.id)
        try:
            return [open_sealed(keyring, *each) for each in sealed]
        except UnknownKeyVersion:
            # Another process has rotated the key since this one read it: look again, once.
            forget_keyring(self.identity.id)
            keyring = keyring_of(self.identity.id)
            return [open_sealed(keyring, *each) for each in sealed]

    def place(self, purpose: str, item: UUID | str, version: int) -> Place:
        """Return where a secret of this tenant lives: `purpose` is its table and column."""
        return Place(self.identity.id, purpose, item, version)

    def may(self, permission: Permission) -> bool:
        if self.role is None:
            return False
        if self.actor.build_id is None:
            return permission in GRANTS[self.role]
        # A build is no more than whoever started it: without the right to start one, its token opens nothing either.
        return permission in BUILD_GRANTS and Permission.BUILDS_START in GRANTS[self.role]

    def require(self, permission: Permission) -> None:
        """Raise Refused without `permission`, and OutsideCompartmentError unless this is where the context is.

        Queries go where the context is: a compartment left, or not the innermost, must not be acted on.
        """
        if entered.alias() != self.alias:
            raise OutsideCompartmentError(self.alias)
        if not self.may(permission):
            raise Refused(permission)

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[None]:
        """Open a transaction; a durable one refuses to be part of another: when it ends, it is committed.

        Raises KeyServiceUnavailable, and stores nothing, if what was sealed is under a version that has been closed.
        """
        outermost = not connections[self.alias].in_atomic_block
        with transaction.atomic(using=self.alias, durable=durable):
            yield
            if outermost:
                self.note_uses()

    def note_uses(self) -> None:
        """Count what was sealed; last in a transaction, because writers of one tenant wait for each other here."""
        for version, uses in sorted(self.uses.items()):
            if not count_uses(self.alias, version, uses):
                forget_keyring(self.identity.id)
                self.uses.clear()
                raise KeyServiceUnavailable("the tenant's key was rotated meanwhile")
        self.uses.clear()


@contextmanager
def enter(slug: str, actor: Actor, *, suspended: bool = False) -> Iterator[Compartment]:
    """Admit a person who is a member.

    Raises NotFound (no such tenant, or not theirs), and Suspended unless the door is open to `suspended` tenants too.
    """
    try:
        membership = Membership.objects.select_related("tenant__limits").get(
            tenant__slug=slug, person_id=actor.require_person()
        )
    except Membership.DoesNotExist:
        raise NotFound from None
    tenant, role = membership.tenant, Role(membership.role)
    with _inside(Compartment(tenant.identity(), actor, role, allowances(tenant)), suspended=suspended) as inside:
        yield inside


@contextmanager
def enter_by(held: Pass) -> Iterator[Compartment]:
    """Admit whoever holds a token into its tenant, by the role that was asked for together with the token.

    Raises NotFound for one who is no member any more, and Suspended.
    """
    if held.role is None:
        raise NotFound
    with _inside(Compartment(held.tenant, held.actor, held.role, held.limits)) as inside:
        yield inside


@contextmanager
def enter_as_system(tenant_id: UUID, actor: Actor, *, suspended: bool = False) -> Iterator[Compartment]:
    """Admit a worker, with no permission at all: it may only call what asks for none.

    Raises NotFound, and Suspended unless the worker says that it has to do with `suspended` tenants too.
    """
    if actor.kind is ActorKind.PERSON:
        raise NotFound
    try:
        tenant = Tenant.objects.get(id=tenant_id)
    except Tenant.DoesNotExist:
        raise NotFound from None
    with _inside(Compartment(tenant.identity(), actor, None), suspended=suspended) as inside:
        yield inside


@contextmanager
def _inside(compartment: Compartment, *, suspended: bool = False) -> Iterator[Compartment]:
    tenant = compartment.identity
    if tenant.state == TenantState.SUSPENDED and not suspended:
        raise Suspended(tenant.state_reason)
    token = entered.set(Entered(tenant.schema, tenant.password_version, suspended))
    try:
        yield compartment
        if compartment.uses:  # sealed, and stored by a statement alone or not at all
            compartment.note_uses()
    except LimitReached as reached:
        if reached.seconds is not None:
            # What the refusal counted was rolled back with it. Counted for good, the next refusal costs no more.
            roll_up(tenant.schema)
        raise
    finally:
        entered.reset(token)


def requires(
    permission: Permission,
) -> Callable[[Callable[Concatenate[Compartment, P], T]], Callable[Concatenate[Compartment, P], T]]:
    """Guard an action: whoever is in the compartment without `permission` is refused before the action begins."""

    def guard(action: Callable[Concatenate[Compartment, P], T]) -> Callable[Concatenate[Compartment, P], T]:
        @wraps(action)
        def guarded(compartment: Compartment, /, *args: P.args, **kwargs: P.kwargs) -> T:
            compartment.require(permission)
            return action(compartment, *args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]  # read by the test that walks the actions
        return guarded

    return guard
