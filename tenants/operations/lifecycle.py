"""Create, suspend and reinstate a tenant."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any
from uuid import uuid4

from django.db.migrations.exceptions import IrreversibleError
from django.db.migrations.operations.base import Operation

from tenants import validation
from tenants.actor import Actor
from tenants.provisioning.journal import log
from tenants.provisioning.provision import create_tenant
from tenants.registry.due import resume
from tenants.registry.models import Person, Provider, Tenant, TenantState


class TenantOperation(Operation, ABC):
    """An act upon one tenant, in the transaction of its migration."""

    reduces_to_sql = False
    atomic = True

    def __init__(self, slug: str) -> None:
        self.slug = validation.slug(slug)

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Operations act on rows; the models stay what they are."""

    @abstractmethod
    def act(self, using: str, actor: Actor) -> None: ...

    @abstractmethod
    def undo(self, using: str, actor: Actor) -> None: ...

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        self.act(schema_editor.connection.alias, Actor.operator(app_label))

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        self.undo(schema_editor.connection.alias, Actor.operator(app_label))

    def tenant(self, using: str) -> Tenant:
        return Tenant.objects.using(using).select_for_update().get(slug=self.slug)


class CreateTenant(TenantOperation):
    """Make a tenant whose owner is (provider, the provider's immutable id), signed in before or not."""

    reversible = False

    def __init__(self, slug: str, *, name: str, owner: tuple[str, str]) -> None:
        super().__init__(slug)
        self.name = validation.title(name)
        self.owner = (Provider(owner[0]), owner[1])

    def act(self, using: str, actor: Actor) -> None:
        provider, uid = self.owner
        person, _ = Person.objects.using(using).get_or_create(provider=provider, uid=uid)
        create_tenant(tenant_id=uuid4(), slug=self.slug, name=self.name, owner_id=person.id, actor=actor, using=using)

    def undo(self, using: str, actor: Actor) -> None:
        raise IrreversibleError(f"{self.slug} holds a customer's data: suspend it, then destroy it (DestroyTenant).")

    def describe(self) -> str:
        return f"Create tenant {self.slug}"


class SuspendTenant(TenantOperation):
    """Refuse everything to a tenant, with a reason it is told; nothing is deleted."""

    def __init__(self, slug: str, *, reason: str) -> None:
        super().__init__(slug)
        self.reason = validation.title(reason, "reason", longest=500)

    def act(self, using: str, actor: Actor) -> None:
        _change_state(self.tenant(using), TenantState.SUSPENDED, self.reason, actor, using)

    def undo(self, using: str, actor: Actor) -> None:
        _change_state(self.tenant(using), TenantState.ACTIVE, "", actor, using)

    def describe(self) -> str:
        return f"Suspend tenant {self.slug}"


class ReinstateTenant(TenantOperation):
    """Let a suspended tenant in again; the work that waited for it is due at once."""

    def __init__(self, slug: str, *, reason: str) -> None:
        super().__init__(slug)
        self.reason = validation.title(reason, "reason", longest=500)

    def act(self, using: str, actor: Actor) -> None:
        _change_state(self.tenant(using), TenantState.ACTIVE, self.reason, actor, using)

    def undo(self, using: str, actor: Actor) -> None:
        _change_state(self.tenant(using), TenantState.SUSPENDED, self.reason, actor, using)

    def describe(self) -> str:
        return f"Reinstate tenant {self.slug}"


def _change_state(tenant: Tenant, state: TenantState, reason: str, actor: Actor, using: str) -> None:
    if tenant.state == state:
        raise ValueError(
            f"{tenant.slug} is {state.value} already: an operation that changes nothing could not be undone."
        )
    tenant.state = state
    tenant.state_reason = reason if state == TenantState.SUSPENDED else ""
    tenant.save(using=using, update_fields=["state", "state_reason"])
    if state == TenantState.ACTIVE:
        resume(tenant.id, using=using)
    log(tenant, actor, f"tenant.{state.value}", tenant.slug, {"reason": reason}, using=using)
