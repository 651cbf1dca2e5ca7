"""A change of key service that is killed (SIGKILL) at each statement, until one attempt gets through.

    python -m tests.tenants.rotation.killed_change TENANT-ID

For each attempt it prints a JSON line: whether it was killed, whether all versions of the tenant's key open, and how
many of them each key service wraps.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
from collections import Counter
from uuid import UUID

import django

django.setup()

from django.db import connections  # noqa: E402 - Django first

from secrets_vault import VaultError  # noqa: E402
from tenants.databases.base import close_compartments  # noqa: E402
from tenants.keyrings import forget_keyring, keyring_of  # noqa: E402
from tenants.registry.models import TenantKey  # noqa: E402
from tenants.rotation import key_services  # noqa: E402
from tests.tenants.rotation.conftest import ACTOR  # noqa: E402
from tests.tenants.rotation.killed import doom_after  # noqa: E402


def opens(tenant: UUID) -> bool:
    forget_keyring(tenant)
    try:
        return len(keyring_of(tenant).versions) > 0
    except VaultError:
        return False


def main(tenant: UUID) -> None:
    for statements in itertools.count():
        close_compartments()
        connections.close_all()
        child = os.fork()
        if child == 0:
            doom_after(statements)
            for _ in key_services.change(ACTOR):
                pass
            os._exit(0)
        _, status = os.waitpid(child, 0)
        rows = TenantKey.objects.filter(tenant_id=tenant)
        services = Counter(row.key_service for row in rows)
        print(json.dumps([os.WIFSIGNALED(status), opens(tenant), services]), flush=True)  # noqa: T201
        if not os.WIFSIGNALED(status):
            return


if __name__ == "__main__":
    main(UUID(sys.argv[1]))
