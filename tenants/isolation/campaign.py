"""Prove many compartments, a few at a time."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import Final

import psycopg
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from tenants.isolation import session
from tenants.isolation.prove import Proof, Surroundings, look_around, prove
from tenants.isolation.record import record
from tenants.isolation.schedule import FRESH, SLICE_SECONDS
from tenants.registry.models import Tenant, TenantState

_STANDING: Final = (TenantState.ACTIVE, TenantState.SUSPENDED)
_OTHERS: Final = 3  # at hand to be tried: one may be the tenant itself, another destroyed meanwhile
_SLICE: Final = 200  # tenants; more than are proven in the seconds of a slice


def standing() -> QuerySet[Tenant]:
    """Return the tenants that have a compartment, first those whose proof is the oldest or still to be made."""
    return Tenant.objects.filter(state__in=_STANDING).order_by(F("proof__at").asc(nulls_first=True), "id")


def stale() -> QuerySet[Tenant]:
    """Return those of them that were not proven this night."""
    return standing().filter(Q(proof=None) | Q(proof__at__lt=Now() - FRESH))


def prove_each(tenants: Iterable[Tenant], *, jobs: int = 1) -> Iterator[Proof]:
    """Prove the tenants, `jobs` at a time, store each proof and yield it. Raises psycopg.OperationalError."""
    waiting = iter(tenants)
    with session.connect_as_process() as bystander, ThreadPoolExecutor(jobs) as threads:
        work = partial(prove, surroundings=_surroundings(bystander))
        # In portions: whoever stops early leaves little begun.
        while portion := list(islice(waiting, jobs)):
            for first in threads.map(work, portion):
                proof = first if first.connected else _look_again(first)
                if proof is not None:
                    record(proof)
                    yield proof


def prove_stale(seconds: float = SLICE_SECONDS) -> bool:
    """Prove tenants of this night for so long; return whether some are left."""
    end = time.monotonic() + seconds
    for _ in prove_each(stale()[:_SLICE]):
        if time.monotonic() > end:
            break
    return stale().exists()


def _surroundings(bystander: psycopg.Connection) -> Surroundings:
    names = list(Tenant.objects.filter(state__in=_STANDING).values_list("schema", flat=True))
    return look_around(bystander, random.sample(names, min(_OTHERS, len(names))))


def _look_again(proof: Proof) -> Proof | None:
    """Return None for a tenant that was destroyed meanwhile; try again where its password was changed meanwhile."""
    now = Tenant.objects.filter(pk=proof.tenant.pk).first()
    if now is None:
        return None
    return proof if now.password_version == proof.tenant.password_version else prove(now, proof.surroundings)
