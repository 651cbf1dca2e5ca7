"""The view that every side has once it has found its tenant."""

from __future__ import annotations

from django.http import JsonResponse

from tenants.records.models import Repository
from tests.benchmarks.scale.requests import ROWS


def answer() -> JsonResponse:
    """The query that every side sends, in whatever schema its connection is in, and its answer."""
    rows = Repository.objects.order_by("name").values_list("name", "url")[:ROWS]
    return JsonResponse({"repositories": list(rows)})
