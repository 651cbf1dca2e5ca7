"""Isolation: what came of the last attempts to leave the tenant's compartment."""

from __future__ import annotations

from datetime import datetime

from ninja import Router

from portal.api.access import ApiRequest, member
from portal.api.schemas import Strict, answers
from tenants.actions.isolation import last_proof
from tenants.errors import NotFound
from tenants.isolation.report import Tried, report
from tenants.roles import Permission

router = Router(tags=["isolation"])


class AttemptOut(Strict):
    key: str
    area: str
    tried: str
    outcome: str  # held, escaped, unclear or known
    answer: str  # the server's SQLSTATE, empty where nothing was refused


class ProofOut(Strict):
    at: datetime
    closed: bool
    escapes: int
    unclear: int
    attempts: list[AttemptOut]


def _out(tried: Tried) -> AttemptOut:
    return AttemptOut(
        key=tried.key, area=tried.area, tried=tried.words, outcome=tried.outcome.value, answer=tried.answer
    )


@router.get("isolation", auth=member(Permission.ISOLATION_LIST), response=answers(ProofOut))
def last(request: ApiRequest) -> ProofOut:
    """Return the last proof that the compartment is closed; 404 before the first."""
    proof = last_proof(request.compartment)
    if proof is None:
        raise NotFound
    found = report(proof)
    return ProofOut(
        at=found.at,
        closed=found.closed,
        escapes=len(found.escapes),
        unclear=len(found.unclear),
        attempts=[_out(tried) for tried in found.tried],
    )
