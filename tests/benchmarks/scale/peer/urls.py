from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.urls import path

from tests.benchmarks.scale.answers import answer


def repositories(request: HttpRequest) -> JsonResponse:
    return answer()


urlpatterns = [path("query/", repositories)]
