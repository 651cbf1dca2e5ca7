"""What a script may do in a real browser: htmx swaps what our server sent, and nobody else writes HTML or runs text."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Error, Page, expect, sync_playwright

from tests.journeys.conftest import chromium


@pytest.fixture(scope="module")
def page(portal_url: str) -> Iterator[Page]:
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        page = browser.new_page()
        page.goto(f"{portal_url}/docs/")
        yield page
        browser.close()


def test_htmx_swaps_a_page_of_ours(page: Page) -> None:
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.evaluate("htmx.ajax('GET', '/sign-in/', {target: '#main', swap: 'innerHTML', select: '#main'})")
    expect(page.get_by_role("button", name="Continue with GitHub")).to_be_visible(timeout=30_000)
    assert complaints == []


@pytest.mark.parametrize(
    "act",
    [
        "document.querySelector('#main').innerHTML = '<b>planted</b>'",
        "document.createElement('a').setAttribute('onclick', 'window.planted = 1')",
        "document.write('<b>planted</b>')",
        "document.querySelector('#main').insertAdjacentHTML('beforeend', '<b>planted</b>')",
        "Object.assign(document.createElement('script'), {text: 'window.planted = 1'})",
        "Object.assign(document.createElement('script'), {src: '/static/planted.js'})",
        "window.trustedTypes.createPolicy('planted', {createHTML: html => html})",
        "window.trustedTypes.createPolicy('htmx', {createHTML: html => html})",
    ],
)
def test_nothing_else_writes_html_or_scripts(page: Page, act: str) -> None:
    with pytest.raises(Error, match=r"Trusted|Policy"):
        page.evaluate(f"() => {{ {act} }}")


def test_cookies_are_out_of_a_scripts_reach(page: Page) -> None:
    page.evaluate("async () => { await fetch('/sign-in/') }")
    names = {cookie["name"] for cookie in page.context.cookies()}
    assert "__Host-csrf" in names
    assert page.evaluate("document.cookie") == ""
