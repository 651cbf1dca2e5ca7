"""What Celery runs. Arguments are ids or nothing: no secret, and no tenant taken on trust, is ever in the broker."""

from __future__ import annotations

import logging
from typing import Final

from celery import shared_task
from django.db import OperationalError, transaction

from secrets_vault import KeyServiceUnavailable
from tenants import delivery, housekeeping
from tenants.actor import Actor
from tenants.drift import comparison
from tenants.isolation.campaign import prove_stale
from tenants.provisioning.provision import create_tenant
from tenants.queue import wake
from tenants.registry.models import TenantRequest
from tenants.rotation import campaign, passwords

logger: Final = logging.getLogger(__name__)

# Seconds. No tenant holds a worker for longer, whatever it locks or sets for itself: what was in hand is broken off and
# comes back later, and a process that even that does not reach is replaced.
_SOFT, _HARD = 120, 180
# A comparison of thousands. Redis gives away anew what is not acknowledged after ten minutes.
_SOFT_OF_ALL, _HARD_OF_ALL = 480, 540


@shared_task(soft_time_limit=_SOFT, time_limit=_HARD)
def sweep() -> None:
    """Deliver, remove and acknowledge whatever is due (queue `default`)."""
    delivery.sweep()


@shared_task
def tidy() -> None:
    """Remove what has run out in the registry (queue `default`)."""
    housekeeping.tidy()


@shared_task
def prove_isolation() -> None:
    """Try to leave each compartment once a night, a slice of them at a time (queue `default`)."""
    if prove_stale():
        wake("prove_isolation")


@shared_task(soft_time_limit=_SOFT_OF_ALL, time_limit=_HARD_OF_ALL)
def compare_declared() -> None:
    """Compare the live database with what code declares; nothing is put back (queue `provisioning`)."""
    found = comparison.compare(Actor.system("drift"))
    if found.left:
        logger.warning("%d differences from what is declared: see `manage.py drift`", len(found.left))


@shared_task(soft_time_limit=_SOFT, time_limit=_HARD)
def rotate_keys() -> None:
    """Rotate tenants' keys that are due, a slice of time at once (queue `provisioning`)."""
    if campaign.rotate_due():
        wake("rotate_keys", queue="provisioning")


@shared_task(soft_time_limit=_SOFT, time_limit=_HARD)
def rotate_database_passwords() -> None:
    """Rotate the passwords of tenants' roles that are due, a slice of time at once (queue `provisioning`)."""
    if passwords.rotate_due():
        wake("rotate_database_passwords", queue="provisioning")


@shared_task(soft_time_limit=_SOFT, time_limit=_HARD)
def provision() -> None:
    """Make the tenants that customers asked for (queue `provisioning`, as the provisioner's database role)."""
    while _provision_one():
        pass


def _provision_one() -> bool:
    with transaction.atomic():
        waiting = TenantRequest.objects.filter(state=TenantRequest.State.WAITING).order_by("created_at")
        request = waiting.select_for_update(skip_locked=True).first()
        if request is None:
            return False
        try:
            with transaction.atomic():
                create_tenant(
                    tenant_id=request.id,
                    slug=request.slug,
                    name=request.name,
                    owner_id=request.person_id,
                    actor=Actor.system("provisioning"),
                )
        except (OperationalError, KeyServiceUnavailable):
            logger.warning("tenant request %s waits: database or key service unreachable", request.id)
            return False  # beat tries again
        except Exception:
            logger.exception("tenant request %s failed", request.id)
            request.state = TenantRequest.State.FAILED
        else:
            request.state = TenantRequest.State.DONE
        request.save(update_fields=["state"])
    return True
