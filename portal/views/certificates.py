"""The end of a tenant: the notice that it keeps beforehand, and the certificate that anybody with its address reads."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from portal.guards import AnonymousRequest, MemberRequest, anonymous, member
from portal.limits import limited
from portal.views.answers import page
from tenants import certificates
from tenants.compartment import Compartment
from tenants.errors import NotFound
from tenants.roles import Permission


# The one pair of doors that stays open while a tenant is suspended: who is about to be destroyed must be able to
# take along what the certificate is checked against.
@require_safe
@member(Permission.AUDIT_LIST, suspended=True)
def notice(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    found = certificates.notice(compartment)
    return page(request, "certificates/notice.html", compartment=compartment, notice=found)


@require_safe
@member(Permission.AUDIT_LIST, suspended=True)
def notice_file(_request: MemberRequest, compartment: Compartment) -> HttpResponse:
    answer = JsonResponse(certificates.notice(compartment), json_dumps_params={"indent": 2})
    return _attached(answer, f"{compartment.tenant.slug}-notice.json")


@require_safe
@anonymous
@limited("certificates")
def certificate(request: AnonymousRequest, tenant_id: UUID) -> HttpResponse:
    """Show what is certified to whoever knows the tenant's id: its members' ways in went with it."""
    issued = certificates.issued(tenant_id)
    return page(
        request,
        "certificates/certificate.html",
        tenant_id=tenant_id,
        statement=issued.statement,
        reason=certificates.Reason(issued.statement["reason"]),
        kids=list(issued.signed),
    )


@require_safe
@anonymous
@limited("certificates")
def certificate_file(_request: AnonymousRequest, tenant_id: UUID, kid: str) -> HttpResponse:
    issued = certificates.issued(tenant_id)
    if kid not in issued.signed:
        raise NotFound
    answer = HttpResponse(issued.signed[kid], content_type="application/jose")
    return _attached(answer, f"{issued.statement['tenant']['slug']}-destroyed.jws")


def _attached(answer: HttpResponse, name: str) -> HttpResponse:
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
