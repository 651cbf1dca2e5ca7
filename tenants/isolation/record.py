"""Keep a tenant's last proof, and say it loudly when one found a way out."""

from __future__ import annotations

import logging
from typing import Final

from django.db import DatabaseError, IntegrityError, transaction
from django.db.models.functions import Now

from tenants.actions.audit import record as record_act
from tenants.actor import Actor
from tenants.compartment import enter_as_system
from tenants.errors import TenantsError
from tenants.isolation.prove import Proof
from tenants.registry.models import IsolationProof

logger: Final = logging.getLogger(__name__)
ACTOR: Final = Actor.system("isolation proof")


def record(proof: Proof) -> None:
    """Store the proof in place of the tenant's last one; an escape stands in the tenant's audit log too.

    The process is the worker's or the owner's; another has no right to store it.
    """
    if not proof.holds:
        _warn(proof)
    if proof.escapes:
        _tell_the_tenant(proof)
    row = IsolationProof(
        tenant=proof.tenant,
        at=Now(),
        results=[result.as_row() for result in proof.results],
        escapes=len(proof.escapes),
    )
    try:
        with transaction.atomic():
            IsolationProof.objects.bulk_create(
                [row], update_conflicts=True, unique_fields=["tenant"], update_fields=["at", "results", "escapes"]
            )
    except IntegrityError:
        logger.info("tenant %s was destroyed while it was being proven", proof.tenant.id)


def _warn(proof: Proof) -> None:
    for result in proof.escapes:
        logger.error("isolation of tenant %s: %s escaped (%s)", proof.tenant.id, result.key, result.state)
    for result in proof.unclear:
        logger.error("isolation of tenant %s: %s proved nothing (%s)", proof.tenant.id, result.key, result.state)


def _tell_the_tenant(proof: Proof) -> None:
    try:
        with enter_as_system(proof.tenant.id, ACTOR, suspended=True) as inside:
            keys = [result.key for result in proof.escapes]
            record_act(inside, "isolation.escaped", proof.tenant.slug, escapes=len(keys), attempts=keys[:20])
    except (DatabaseError, TenantsError):
        logger.exception("tenant %s could not be told of an escape", proof.tenant.id)
