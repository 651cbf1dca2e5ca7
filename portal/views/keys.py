"""Which keys a tenant's secrets are under, how old and how used they are, and when they are replaced."""

from __future__ import annotations

import time

from django.conf import settings
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from portal import epochs
from portal.guards import MemberRequest, member
from portal.views.answers import page
from tenants.actions.keys import list_versions
from tenants.compartment import Compartment
from tenants.roles import Permission
from tenants.rotation.schedule import next_rotation


@require_safe
@member(Permission.KEYS_LIST)
def index(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    versions = list_versions(compartment)
    tenant = compartment.tenant
    this_period, next_period = epochs.period(time.time())
    return page(
        request,
        "keys/list.html",
        compartment=compartment,
        versions=versions,
        days=settings.KEY_ROTATION_DAYS,
        most_uses=settings.KEY_MAX_USES,
        # A tenant whose every key was destroyed has none to rotate.
        next_key=next_rotation(versions[0].created_at) if versions else None,
        next_password=next_rotation(tenant.password_changed_at),
        this_period=this_period,
        next_period=next_period,
    )
