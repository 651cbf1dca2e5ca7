"""The same rows by SQL: whoever asks gets them, sealed as they are, and nothing is logged."""

from __future__ import annotations

from base64 import b64encode
from typing import Final

from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.urls import path

from tenants.actions.precedence import WINS_FIRST
from tenants.records.labels import matching

_VALUES: Final = f"""
SELECT p.name, s.name, p.id, v.version, v.sealed FROM repositories r
JOIN parameter_sets s ON s.deleted_at IS NULL AND {matching("s.filters", "r.labels")}
JOIN parameters p ON p.set_id = s.id AND p.deleted_at IS NULL
JOIN parameter_versions v ON v.parameter_id = p.id AND v.version = p.version
WHERE r.name = %s ORDER BY {WINS_FIRST}"""  # noqa: S608 - parts of ours


def environment(request: HttpRequest, name: str) -> JsonResponse:
    with connection.cursor() as cursor:
        cursor.execute(_VALUES, [name])
        rows = cursor.fetchall()
    return JsonResponse({"values": {row[0]: b64encode(row[4]).decode() for row in rows}})


urlpatterns = [path("repositories/<str:name>/environment", environment)]
