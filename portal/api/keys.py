"""The versions of the tenant's key. No operation shows one, makes one or ends one."""

from __future__ import annotations

from datetime import datetime

from ninja import Router

from portal.api.access import ApiRequest, member
from portal.api.schemas import Strict, answers
from tenants.actions.keys import KeyVersion, list_versions
from tenants.roles import Permission
from tenants.rotation.schedule import next_rotation

router = Router(tags=["keys"])


class KeyOut(Strict):
    version: int
    state: str  # current, replaced or retired
    key_service: str
    uses: int
    created_at: datetime
    retired_at: datetime | None


class KeysOut(Strict):
    rotates_at: datetime | None  # by age, earlier if the key is used more than it may be; None: every key is destroyed
    versions: list[KeyOut]


def _out(version: KeyVersion) -> KeyOut:
    return KeyOut(
        version=version.version,
        state=version.state.value,
        key_service=version.key_service,
        uses=version.uses,
        created_at=version.created_at,
        retired_at=version.retired_at,
    )


@router.get("keys", auth=member(Permission.KEYS_LIST), response=answers(KeysOut))
def listing(request: ApiRequest) -> KeysOut:
    """Return every version that the tenant's key has had, the newest first, and when the next one is due."""
    versions = list_versions(request.compartment)
    return KeysOut(
        rotates_at=next_rotation(versions[0].created_at) if versions else None,
        versions=[_out(version) for version in versions],
    )
