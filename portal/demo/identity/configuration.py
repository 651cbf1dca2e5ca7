"""What the sandbox is started with: the client it knows at each provider, and where that client may be sent back to."""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from portal.addresses import is_loopback

CLIENT_ID: Final = "bulkhead-sandbox"
CLIENT_SECRET: Final = "bulkhead-sandbox-secret"  # noqa: S105 - opens nothing but the sandbox


@dataclass(frozen=True)
class Client:
    id: str
    secret: str = field(repr=False)

    def is_known(self, client_id: str) -> bool:
        return hmac.compare_digest(client_id.encode(), self.id.encode())

    def is_proven(self, client_id: str, client_secret: str) -> bool:
        return self.is_known(client_id) and hmac.compare_digest(client_secret.encode(), self.secret.encode())


@dataclass(frozen=True)
class Configuration:
    clients: Mapping[str, Client]
    portal: str = ""  # origin that may be returned to; empty: any on the loopback interface

    @classmethod
    def from_environment(cls, portal: str) -> Configuration:
        clients = {
            name: Client(
                os.environ.get(f"BULKHEAD_{name.upper()}_CLIENT_ID", CLIENT_ID),
                os.environ.get(f"BULKHEAD_{name.upper()}_CLIENT_SECRET", CLIENT_SECRET),
            )
            for name in ("github", "bitbucket")
        }
        return cls(clients, portal.rstrip("/"))

    def may_return_to(self, redirect_uri: str) -> bool:
        """Say whether the address is the registered one: same origin, as both providers ask, and no user part."""
        parts = urlsplit(redirect_uri)
        if parts.scheme not in {"http", "https"} or parts.username is not None or parts.fragment:
            return False
        if self.portal:
            return f"{parts.scheme}://{parts.netloc}" == self.portal
        return is_loopback(parts.hostname or "")
