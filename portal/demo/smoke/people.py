"""Who approves and creates: a sandbox account in a browser of ours, or the person who started the smoke test."""

from __future__ import annotations

import re
import sys
from typing import Protocol

from portal.demo.smoke.browser import Browser
from portal.demo.smoke.report import Report, expect, until
from portal.demo.smoke.terminal import Terminal

TOKEN = re.compile(r"\bey[\w-]{20,}\.")  # how a compact JWS or JWE begins


class Owner(Protocol):
    """Owns both tenants of the smoke test."""

    def create_tenants(self, slugs: tuple[str, str]) -> None: ...
    def log_in(self, terminal: Terminal, slugs: tuple[str, str]) -> None: ...


class SandboxOwner:
    """The sandbox's account `owner`, driving the portal's own pages."""

    def __init__(self, browser: Browser, report: Report) -> None:
        self._browser, self._report = browser, report

    def sign_in(self, account: str) -> None:
        with self._report.step(f"sign in with GitHub as the sandbox's account {account}"):
            page = self._browser.open("/sign-in/")
            picker = self._browser.submit(page, page.form(action="/sign-in/github/begin/"))
            landed = self._browser.submit(picker, picker.form(having="authorization"), login=account)
            expect(landed.url.startswith(self._browser.origin), f"the sign-in ended at {landed.url}")
            self._browser.open("/tenants/")

    def create_tenants(self, slugs: tuple[str, str]) -> None:
        for slug in slugs:
            with self._report.step(f"create the tenant {slug} and wait until it is active"):
                page = self._browser.open("/tenants/new/")
                self._browser.submit(page, page.form(having="slug"), name=slug.title(), slug=slug)
                until(lambda slug=slug: self._is_there(slug), f"{slug} is not made")  # type: ignore[misc]

    def log_in(self, terminal: Terminal, slugs: tuple[str, str]) -> None:
        with self._report.step(f"bulkhead login, approved in the browser for {' and '.join(slugs)}"):
            logins = {slug: terminal.login(slug) for slug in slugs}
            for slug, login in logins.items():
                self.approve(slug, login.code())
            for login in logins.values():
                expect(not TOKEN.search(login.finish()), "bulkhead login shows a token")

    def approve(self, slug: str, code: str) -> None:
        page = self._browser.open("/device/")
        question = self._browser.submit(page, page.form(having="user_code"), user_code=code)
        expect(code in question.text, "the page that asks for approval doesn't show the code")
        self._browser.submit(question, question.form(having="user_code"), tenant=slug, answer="approve")

    def _is_there(self, slug: str) -> bool:
        page = self._browser.look(f"/t/{slug}/")
        return page.status == 200 and page.path == f"/t/{slug}/"  # noqa: PLR2004


class PersonAtTheTerminal:
    """Signs in and creates tenants in a browser of their own, and approves each command line there."""

    def __init__(self, report: Report, portal: str) -> None:
        self._report, self._portal = report, portal

    def create_tenants(self, slugs: tuple[str, str]) -> None:
        words = " and ".join(slugs)
        sys.stdout.write(f"In a browser: sign in at {self._portal} and see that you own the tenants {words}.\n")

    def log_in(self, terminal: Terminal, slugs: tuple[str, str]) -> None:
        for slug in slugs:
            with self._report.step(f"bulkhead login, approved by you for {slug}"):
                terminal.login(slug, shown=True).finish(seconds=900)
