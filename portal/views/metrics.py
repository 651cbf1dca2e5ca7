"""Numbers for Prometheus (text exposition format): of the deployment as a whole, none of them of a single tenant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.conf import settings
from django.http import Http404, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from portal.guards import AnonymousRequest, anonymous
from tenants.provisioning.provision import schema_script
from tenants.registry.figures import Figures, figures

# Field of Figures → name, and what it says.
GAUGES: Final = {
    "behind": ("bulkhead_tenants_behind", "Tenants whose schema is not at the version of this code."),
    "failed": ("bulkhead_tenants_failed", "Tenants whose last migration did not apply."),
    "unproven": ("bulkhead_tenants_unproven", "Tenants whose isolation was never proved."),
    "escapes": ("bulkhead_isolation_escapes", "Attempts to leave a compartment that succeeded. Not 0: an incident."),
    "oldest_proof": ("bulkhead_isolation_oldest_proof_age_seconds", "Age of the oldest proof of isolation."),
    "drift": ("bulkhead_drift_findings", "Differences from what code declares that were found last and not repaired."),
    "drift_report": ("bulkhead_drift_report_age_seconds", "Age of the last comparison with what code declares."),
    "due": ("bulkhead_due_waiting", "Pieces of work whose time has come."),
    "requests": ("bulkhead_tenant_requests_waiting", "Tenants that customers asked for and that are not made yet."),
}


class _Gauges(Collector):
    def __init__(self, values: Figures) -> None:
        self._values = values

    def collect(self) -> Iterator[GaugeMetricFamily]:
        states = GaugeMetricFamily("bulkhead_tenants", "Tenants by state.", labels=["state"])
        for state in ("active", "suspended"):
            states.add_metric([state], getattr(self._values, state))
        yield states
        for field, (name, says) in GAUGES.items():
            value = getattr(self._values, field)
            if value is not None:
                yield GaugeMetricFamily(name, says, value=value)


@require_safe
@anonymous
def metrics(request: AnonymousRequest) -> HttpResponse:
    """Answer whoever has BULKHEAD_METRICS_TOKEN (RFC 6750); there is no such address where none is set."""
    if not settings.METRICS_TOKEN:
        raise Http404
    said = request.headers.get("Authorization", "")
    if not constant_time_compare(said, f"Bearer {settings.METRICS_TOKEN}"):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    registry = CollectorRegistry()
    registry.register(_Gauges(figures(schema_script()[1])))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
