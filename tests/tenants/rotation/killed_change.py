"""A change of key service that is killed (SIGKILL) at each statement, until one attempt gets through.

    python -m tests.tenants.rotation.killed_change TENANT-ID

For each attempt it prints a JSON line: whether it was killed, whether all versions of the tenant's key open, and how
many of them each key service wraps.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from uuid import UUID

import django

django.setup()

from secrets_vault import VaultError  # noqa: E402 - Django first
from tenants.keyrings import forget_keyring, keyring_of  # noqa: E402
from tenants.registry.models import TenantKey  # noqa: E402
from tenants.rotation import key_services  # noqa: E402
from tests.tenants.rotation.conftest import ACTOR  # noqa: E402
from tests.tenants.rotation.killed import forks  # noqa: E402


def opens(tenant: UUID) -> bool:
    forget_keyring(tenant)
    try:
        return len(keyring_of(tenant).versions) > 0
    except VaultError:
        return False


def change() -> None:
    for _ in key_services.change(ACTOR):
        pass


def main(tenant: UUID) -> None:
    for status in forks(change):
        rows = TenantKey.objects.filter(tenant_id=tenant)
        services = Counter(row.key_service for row in rows)
        print(json.dumps([os.WIFSIGNALED(status), opens(tenant), services]), flush=True)  # noqa: T201
        if not os.WIFSIGNALED(status):
            return


if __name__ == "__main__":
    main(UUID(sys.argv[1]))
