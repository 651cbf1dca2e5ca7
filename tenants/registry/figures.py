"""How the deployment is, in numbers that name no tenant: for whoever watches it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import connection

_QUERY: Final = """
SELECT count(*) FILTER (WHERE state = 'active'), count(*) FILTER (WHERE state = 'suspended'),
    count(*) FILTER (WHERE schema_version <> %s), count(*) FILTER (WHERE schema_failure <> ''),
    count(*) FILTER (WHERE isolation_proofs.tenant_id IS NULL),
    coalesce(sum(escapes), 0), extract(epoch FROM now() - min(isolation_proofs.at))::float,
    (SELECT count(*) FROM jsonb_array_elements(report.findings) AS finding WHERE NOT (finding -> 'repaired')::boolean),
    extract(epoch FROM now() - report.at)::float,
    (SELECT count(*) FROM due WHERE due_at <= now()),
    (SELECT count(*) FROM tenant_requests WHERE state = 'waiting')
FROM (SELECT 1) AS one
LEFT JOIN LATERAL (SELECT at, findings FROM drift_reports ORDER BY at DESC LIMIT 1) AS report ON true
LEFT JOIN tenants ON true LEFT JOIN isolation_proofs ON isolation_proofs.tenant_id = tenants.id
GROUP BY report.at, report.findings"""


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts, and ages in seconds; None where there is nothing to be old yet."""

    active: int
    suspended: int
    behind: int
    failed: int
    unproven: int
    escapes: int
    oldest_proof: float | None
    drift: int
    drift_report: float | None
    due: int
    requests: int


def figures(newest: str) -> Figures:
    """Count, in one query; `newest` is the schema version that the code is at."""
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, [newest])
        return Figures(*cursor.fetchone() or ())
