"""The key of a build, unwrapped for that build alone."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from typing import Annotated

from ninja import Router
from pydantic import Field

from portal.api.access import ApiRequest, own_build
from portal.api.schemas import Strict, answers
from tenants.actions import builds
from tenants.errors import Invalid
from tenants.roles import Permission

router = Router(tags=["builds"])


class WrappedKey(Strict):
    enc: Annotated[str, Field(max_length=1024, description="`enc` of the build's start event.")]


class OpenedKey(Strict):
    key: str = Field(description="The build's key: base64 of 32 bytes.")


@router.post(
    "crypto/decrypt-key", auth=own_build(Permission.BUILDS_USE, rate="build-keys"), response=answers(OpenedKey)
)
def decrypt_key(request: ApiRequest, body: WrappedKey) -> OpenedKey:
    """Unwrap the key of the build whose token asks, while it runs. Anything else looks as if it were not there."""
    try:
        enc = b64decode(body.enc, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid({"enc": "must be base64"}) from None
    return OpenedKey(key=b64encode(builds.open_key(request.compartment, enc)).decode())
