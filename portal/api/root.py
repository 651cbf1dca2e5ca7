"""The API put together. Its document is OpenAPI 3.1 at `/api/v1/openapi.json`; there is no page that runs scripts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.core.exceptions import ImproperlyConfigured
from ninja import NinjaAPI
from ninja.operation import Operation
from ninja.params.models import QueryModel

from portal.api import (
    audit,
    builds,
    connections,
    crypto,
    errors,
    isolation,
    keys,
    me,
    messages,
    parameter_history,
    parameter_reach,
    parameter_search,
    parameters,
    repositories,
    ssh_certificates,
    ssh_keys,
    usage,
)
from portal.api.access import Bearer
from portal.api.reading import StrictParser
from portal.guards import Level

DESCRIPTION: Final = """Everything of a tenant is under `/api/v1/tenants/{tenant}/`. The access token comes from the
device authorization grant (RFC 8628: `/oauth/device/code`, `/oauth/token`) and is for one tenant. Errors look alike:
`{"error": {"code", "message", "fields", "incident"}}`. What is missing and what is not yours look alike (404).
Lists are pages: pass `next` of one as `after` of the following. Ask again after `Retry-After` when refused with 429."""

TENANT: Final = {
    "in": "path",
    "name": "tenant",
    "required": True,
    "description": "The tenant's slug; the one that the token is for.",
    "schema": {"type": "string", "pattern": "^[a-z][a-z0-9-]*$", "maxLength": 40},
}

api: Final = NinjaAPI(
    title="Bulkhead",
    version="1",
    description=DESCRIPTION,
    urls_namespace="api",
    docs_url=None,
    parser=StrictParser(),
)


def operations() -> Iterator[Operation]:
    """Yield every operation of the API, in the order of its addresses."""
    for bound in api._get_bound_routers():  # noqa: SLF001 - django-ninja offers no public walk
        for view in bound.path_operations.values():
            yield from view.operations


def stated(operation: Operation) -> Bearer:
    """Return the level that an operation states. Raises ImproperlyConfigured where it states none."""
    match operation.auth_callbacks:
        case [Bearer() as bearer]:
            return bearer
        case _:
            raise ImproperlyConfigured(f"{operation.methods} {operation.path} states no level.")


def _query(operation: Operation) -> frozenset[str]:
    """Return the names that an operation takes in the query of its address."""
    asked = [model for model in operation.models if issubclass(model, QueryModel)]
    return frozenset(name for model in asked for name in model.__ninja_flatten_map__)


def _document(operation: Operation) -> None:
    """Say in the OpenAPI document which permission it takes, and name the tenant, which access has read by then."""
    bearer = stated(operation)
    if bearer.level is Level.MEMBER:
        operation.openapi_extra = {"parameters": [TENANT], "x-permission": bearer.permission}


errors.install(api)
api.add_router("", me.router)
for noun in (
    repositories,
    parameters,
    parameter_history,
    parameter_reach,
    parameter_search,
    ssh_keys,
    ssh_certificates,
    connections,
    messages,
    isolation,
    keys,
    builds,
    crypto,
    usage,
    audit,
):
    api.add_router("tenants/{tenant}", noun.router)
for each in operations():
    stated(each).query = _query(each)
    _document(each)
