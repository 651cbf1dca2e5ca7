"""The portal's API, called as another program would: with the access token that `bulkhead login` stored."""

from __future__ import annotations

import os
from typing import Any

import httpx

from portal.cli import credentials
from portal.demo.smoke.report import StepError
from portal.demo.smoke.terminal import Terminal

TIMEOUT = 15  # seconds


class Api:
    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._http = httpx.Client(base_url=terminal.portal, timeout=TIMEOUT)

    def post(self, tenant: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._content(self._http.post(self._url(tenant, path), json=body, headers=self._headers(tenant)))

    def close(self) -> None:
        self._http.close()

    def _url(self, tenant: str, path: str) -> str:
        return f"/api/v1/tenants/{tenant}/{path}"

    def _headers(self, tenant: str) -> dict[str, str]:
        os.environ["BULKHEAD_CONFIG_DIR"] = self._terminal.environment["BULKHEAD_CONFIG_DIR"]
        return {"Authorization": f"Bearer {credentials.find(self._terminal.portal, tenant).token}"}

    def _content(self, response: httpx.Response) -> dict[str, Any]:
        if not response.is_success:
            raise StepError(f"{response.request.url.path} answers {response.status_code}: {response.text[:500]}")
        content: dict[str, Any] = response.json()
        return content
