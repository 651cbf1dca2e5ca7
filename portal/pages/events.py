"""Events that the portal hands to build systems: documented, versioned, and checked as they are made.

A field is only ever added to a version; what would change or remove one is a new version, `…/2`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

BUILD_STARTED: Final = "bulkhead.build.started/1"


class BuildStarted(BaseModel):
    """A build has begun. Whoever holds this event alone can open nothing in it.

    The build's key is in `enc`; `POST /api/v1/tenants/{tenant}/crypto/decrypt-key` unwraps it for the build's own
    token, while the build runs. `environment` is then opened with it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["bulkhead.build.started/1"] = Field(description="The event's name and version.")
    tenant: str = Field(description="The tenant's slug.")
    build: UUID = Field(description="The build's id; also the `kid` of `environment`.")
    repository: str = Field(description="The repository's name as the build began.")
    revision: str = Field(description="What is built, as the trigger named it; may be empty.")
    started_by: str = Field(description="Who started it.")
    ends_by: datetime = Field(description="When the build is ended if nobody ends it before; RFC 3339.")
    overrides: list[str] = Field(description="Names that the trigger itself gave values, which override stored ones.")
    enc: str = Field(
        description="The build's key, 32 bytes, wrapped by the tenant's key and bound to tenant and build: base64.",
        json_schema_extra={"contentEncoding": "base64"},
    )
    environment: str = Field(
        description="Compact JWE (dir, A256GCM; typ bulkhead-environment+jwe) under the build's key, of a JSON object: "
        '{"tenant", "build", "repository", "values": {name: value}, "conflicts": {name: [set, …]}, '
        '"overridden": [name], "files": [name], "expires_on": {name: day}}; a name in `files` has a file\'s content.',
    )


def schema() -> dict[str, Any]:
    """Return the event's JSON Schema (draft 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": BUILD_STARTED,
        **BuildStarted.model_json_schema(mode="serialization"),
    }


def example() -> str:
    """Return such an event as JSON, of no build that ever ran."""
    event = BuildStarted(
        type=BUILD_STARTED,
        tenant="acme",
        build=UUID("6f1c2a0e-8d0b-4f57-9c7e-2b1d5a3e9f40"),
        repository="acme/api",
        revision="main",
        started_by="dana@acme.example",
        ends_by=datetime(2027, 1, 15, 10, 0, tzinfo=UTC),
        overrides=["DEPLOY_TARGET"],
        enc="AQIDBA…",
        environment="eyJhbGciOiJkaXIi…",
    )
    return event.model_dump_json(indent=2)


def fields() -> list[dict[str, str]]:
    """Return what the documents say of each field."""
    found = BuildStarted.model_fields.items()
    return [{"name": name, "about": field.description or ""} for name, field in found]
