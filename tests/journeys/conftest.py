"""A real browser at the running portal: people in it, pictures of what they see, axe-core's opinion of each page."""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import axe_playwright_python  # type: ignore[import-untyped]  # only its copy of axe-core is used
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

ARTEFACTS: Final = Path(__file__).parents[2] / "artefacts" / "journey"
AXE: Final = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
PATIENCE: Final = 90_000  # milliseconds until a page shows what it should; four of them may load at a time
NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
Scheme = Literal["light", "dark"]
# Both widths and both schemes once: axe-core takes its time, and so does a picture.
JUDGED: Final[tuple[tuple[int, int, Scheme], ...]] = ((1280, 860, "light"), (390, 844, "dark"))
ALSO_SEEN: Final[tuple[tuple[int, int, Scheme], ...]] = ((1280, 860, "dark"), (390, 844, "light"))
VIEWS: Final = JUDGED + (ALSO_SEEN if os.environ.get("BULKHEAD_PICTURES") == "all" else ())


@dataclass
class Person:
    """Somebody at a browser of their own."""

    page: Page
    origin: str
    complaints: list[str] = field(default_factory=list)

    def hear(self, said: ConsoleMessage) -> None:
        """Keep what the console calls an error; an answer of 404, 410 or 422 is a page like any other."""
        if said.type == "error" and "the server responded with a status of 4" not in said.text:
            self.complaints.append(said.text)

    def go(self, path: str) -> None:
        self.page.goto(self.origin + path)

    def sign_in(self, login: str, provider: str = "GitHub") -> None:
        self.go("/")
        self.page.get_by_role("button", name=f"Continue with {provider}").click()
        self.page.locator(f'button[name="login"][value="{login}"]').click()
        expect(self.page.get_by_role("banner")).to_contain_text(re.compile(".+"))
        self.page.wait_for_url(f"{self.origin}/**")

    def press(self, words: str) -> None:
        self.page.get_by_role("button", name=words, exact=True).click()

    def follow(self, words: str) -> None:
        self.page.get_by_role("main").get_by_role("link", name=words, exact=True).first.click()

    def fill(self, **fields: str) -> None:
        for name, value in fields.items():
            self.page.locator(f'form [name="{name}"]').fill(value)

    def sees(self, words: str) -> None:
        expect(self.page.get_by_role("main")).to_contain_text(words)

    def create_tenant(self, name: str) -> str:
        slug = f"{name.split(maxsplit=1)[0].lower()}-{uuid.uuid4().hex[:8]}"
        self.go("/tenants/new/")
        self.fill(name=name, slug=slug)
        self.press("Create the tenant")
        self.page.wait_for_url(f"{self.origin}/t/{slug}/")
        return slug

    def shoot(self, name: str) -> None:
        """Keep a picture of the page at each width and in each scheme, and let axe-core judge what it shows.

        BULKHEAD_PICTURES=all keeps each width in each scheme.
        """
        for width, height, scheme in VIEWS:
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            self.page.screenshot(path=ARTEFACTS / f"{name}-{width}-{scheme}.png", full_page=True)
            if self.page.evaluate("document.documentElement.scrollWidth") > width:
                self.complaints.append(f"{name} at {width} pixels scrolls sideways")
            if (width, height, scheme) in JUDGED:
                self.complaints += [f"{name} at {width} pixels, {scheme}: {fault}" for fault in self.faults()]
        self.page.set_viewport_size({"width": 1280, "height": 860})
        self.page.emulate_media(color_scheme="light")

    def faults(self) -> list[str]:
        """Return what axe-core finds wrong with the page, WCAG 2.2 AA and best practices."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE)
        found = self.page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]  # details of no others
        return [f"{fault['id']}: {node['html']} {node['failureSummary']}" for fault in found for node in fault["nodes"]]


NewVisitor = Callable[..., Person]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser a module: playwright's event loop must not be running when other modules query the database."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=_arguments())
        yield browser
        browser.close()


@pytest.fixture
def visitor(browser: Browser, portal_url: str) -> Iterator[NewVisitor]:
    """Open a browser of somebody's own; at the end there is nothing to complain of.

    Complaints are errors in the console (a violation of the CSP is one), what axe-core finds, and sideways scrolling.
    """
    opened: list[BrowserContext] = []
    people: list[Person] = []

    def make(*, scripts: bool = True) -> Person:
        context = browser.new_context(java_script_enabled=scripts, viewport={"width": 1280, "height": 860})
        context.set_default_timeout(PATIENCE)
        person = Person(context.new_page(), portal_url)
        person.page.on("console", person.hear)
        person.page.on("pageerror", lambda error: person.complaints.append(str(error)))
        opened.append(context)
        people.append(person)
        return person

    yield make
    for context in opened:
        context.close()
    assert [complaint for person in people for complaint in person.complaints] == []


def chromium() -> str | None:
    """Return an installed browser; None lets playwright look for its own."""
    given = os.environ.get("PLAYWRIGHT_CHROMIUM")
    return given or next(filter(None, map(shutil.which, NAMES)), None)


def _arguments() -> list[str]:
    return ["--no-sandbox"] if os.geteuid() == 0 else []
