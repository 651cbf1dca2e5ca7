"""Runs a tool that needs the portal's settings but no server: `python -m portal.demo.offline COMMAND…`.

Linters and type checkers import the settings, which refuse to be read from an empty environment. What is set stays.
"""

from __future__ import annotations

import base64
import os
import shutil
import sys

KEY = base64.b64encode(bytes(32)).decode()
SERVER = "127.0.0.1:9"  # the discard port: nothing listens there
ENVIRONMENT = {
    "BULKHEAD_MODE": "test",
    "BULKHEAD_BASE_URL": "http://127.0.0.1:8000",
    "BULKHEAD_SECRET_KEY": KEY,
    "BULKHEAD_SESSION_SECRET": KEY,
    "BULKHEAD_TOKEN_SECRET": KEY,
    "BULKHEAD_DATABASE_SECRET": KEY,
    "BULKHEAD_KEY_SERVICE": "local:/nonexistent",
    "BULKHEAD_SANDBOX_PROVIDER_URL": "http://127.0.0.1:8001",
    "BULKHEAD_GITHUB_CLIENT_ID": "offline",
    "BULKHEAD_GITHUB_CLIENT_SECRET": "offline",
    "BULKHEAD_BITBUCKET_CLIENT_ID": "offline",
    "BULKHEAD_BITBUCKET_CLIENT_SECRET": "offline",
    "DATABASE_URL": f"postgresql://bulkhead_owner@{SERVER}/bulkhead?connect_timeout=1",
    "REDIS_URL": f"redis://{SERVER}/0",
    "DJANGO_SETTINGS_MODULE": "portal.settings",
}


def main() -> None:
    command = sys.argv[1:]
    program = shutil.which(command[0]) if command else None
    if program is None:
        sys.exit(f"offline: no such program: {' '.join(command[:1]) or '(none given)'}")
    os.execve(program, command, ENVIRONMENT | dict(os.environ))  # noqa: S606 - becoming the given tool is the purpose


if __name__ == "__main__":
    main()
