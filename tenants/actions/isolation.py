"""What was last found when a tenant's compartment was tried from inside."""

from __future__ import annotations

from tenants.compartment import Compartment, requires
from tenants.registry.models import IsolationProof
from tenants.roles import Permission


@requires(Permission.ISOLATION_LIST)
def last_proof(compartment: Compartment) -> IsolationProof | None:
    """Return the last proof; None until the first one."""
    return IsolationProof.objects.filter(tenant=compartment.tenant).first()
