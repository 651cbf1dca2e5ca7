"""A small browser for tests: real HTTP, with cookies kept by hand since Python's jars hold back Secure ones here."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Final
from urllib.parse import urlsplit

import httpx

PATIENCE: Final = 30  # seconds


@dataclass
class Browser:
    portal: str
    client: httpx.Client
    agent: str
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, url: str, **headers: str) -> httpx.Response:
        return self._send("GET", url, None, headers)

    def post(self, url: str, form: dict[str, str] | None = None, **headers: str) -> httpx.Response:
        """Send a form as a browser does: with the Origin."""
        return self._send("POST", url, form or {}, {"Origin": self.portal, **headers})

    def press(self, page: httpx.Response, action: str, **form: str) -> httpx.Response:
        """Send the form of `page` that goes to `action`, with what is hidden in it."""
        body = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', page.text, re.DOTALL)
        assert body, f"no form to {action}"
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', body[0]))
        return self.post(action, {**{name: html.unescape(value) for name, value in hidden.items()}, **form})

    def begin(self, provider: str = "github", *, back: str = "") -> httpx.Response:
        page = self.get("/sign-in/" + (f"?next={back}" if back else ""))
        return self.press(page, f"/sign-in/{provider}/begin/")

    @staticmethod
    def pick(authorization: str, login: str) -> str:
        """Follow to the provider, pick an account, and return the address that the provider sends the browser to."""
        picker = httpx.get(authorization, timeout=PATIENCE)
        name = re.search(r'name="authorization" value="([^"]+)"', picker.text)
        assert name, picker.text
        parts = urlsplit(authorization)
        form = {"authorization": name[1], "login": login}
        picked = httpx.post(f"{parts.scheme}://{parts.netloc}/sandbox/pick", data=form, timeout=PATIENCE)
        return picked.headers["Location"]

    def sign_in(self, login: str = "owner", provider: str = "github", *, back: str = "") -> httpx.Response:
        """Return the answer of the portal's complete address."""
        begun = self.begin(provider, back=back)
        assert begun.status_code == 302, begun.text
        return self.get(self.pick(begun.headers["Location"], login))

    def _send(self, method: str, url: str, form: dict[str, str] | None, headers: dict[str, str]) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            named["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        url = url if url.startswith("http") else self.portal + url
        response = self.client.request(method, url, data=form, headers={"User-Agent": self.agent, **named})
        self._keep(response)
        return response

    def _keep(self, response: httpx.Response) -> None:
        for line in response.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(line.strip()).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
