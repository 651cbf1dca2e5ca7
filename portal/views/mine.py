"""The signed-in person's tenants, asked for once a request: the switcher of nearly every page lists them too."""

from __future__ import annotations

from portal.guards import AnonymousRequest, SignedInRequest
from tenants.actions.tenancies import Tenancy, tenants_of


def my_tenancies(request: AnonymousRequest | SignedInRequest) -> list[Tenancy]:
    """Return what `tenants_of` says of the request's person; nothing for a visitor."""
    if request.person is None:
        return []
    found: list[Tenancy] | None = getattr(request, "tenancies", None)
    if found is None:
        found = tenants_of(request.person.pk)
        request.tenancies = found  # type: ignore[union-attr]  # an attribute of ours, read here alone
    return found
