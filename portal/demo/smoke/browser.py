"""A browser without scripts or pictures: pages, forms, cookies and redirects."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Self
from urllib.parse import urljoin, urlsplit

import httpx

TIMEOUT = 15  # seconds


class PageError(Exception):
    """A page is not what a person would expect there."""


@dataclass
class Form:
    """An HTML form as it would be submitted untouched."""

    action: str = ""
    method: str = "get"
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    """Collects a page's forms, its heading and its error messages."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.heading = ""
        self.errors = ""
        self._text: str | None = None  # what text is gathered for
        self._area = self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get").lower()))
        elif tag == "h1":
            self._text = "heading"
        elif tag == "p" and "error" in given.get("class", "").split():
            self._text = "errors"
        elif self.forms:
            self._field(tag, given)

    def _field(self, tag: str, given: dict[str, str]) -> None:
        fields, name = self.forms[-1].fields, given.get("name", "")
        if tag == "input" and name and (given.get("type") not in {"radio", "checkbox", "submit"} or "checked" in given):
            fields[name] = given.get("value", "on" if "checked" in given else "")
        elif tag == "textarea":
            self._text, self._area, fields[name] = "area", name, ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in given or self._select not in fields):
            fields[self._select] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"h1", "p", "textarea"}:
            self._text = None
        elif tag == "select":
            self._select = ""

    def handle_data(self, data: str) -> None:
        if self._text == "heading":
            self.heading += data.strip()
        elif self._text == "errors":
            self.errors += f"{' '.join(data.split())} "
        elif self._text == "area":
            self.forms[-1].fields[self._area] += data


@dataclass(frozen=True)
class Page:
    status: int
    url: str
    text: str
    forms: list[Form]
    heading: str
    errors: str

    @classmethod
    def of(cls, response: httpx.Response) -> Self:
        parser = _Forms()
        if response.headers.get("Content-Type", "").startswith("text/html"):
            parser.feed(response.text)
        found = (parser.forms, parser.heading, parser.errors.strip())
        return cls(response.status_code, str(response.url), response.text, *found)

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    def form(self, *, action: str = "", having: str = "") -> Form:
        """Return the form whose action ends with `action`, or that has the field `having`."""
        for form in self.forms:
            if (action and form.action.endswith(action)) or (having and having in form.fields):
                return form
        raise PageError(f"{self.path} ({self.status}, “{self.heading}”) has no form {action or having}")


class Browser:
    """One person's browser at one portal. `open` and `submit` raise PageError where a person would be stuck."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        hooks = {"response": [self._trust_loopback]}
        self._http = httpx.Client(follow_redirects=True, timeout=TIMEOUT, event_hooks=hooks)

    def look(self, path: str) -> Page:
        """Return the page at `path`, whatever its status."""
        return Page.of(self._http.get(urljoin(self.origin, path)))

    def open(self, path: str) -> Page:
        page = self.look(path)
        if page.status != httpx.codes.OK:
            raise PageError(f"{path} answers {page.status} “{page.heading}”")
        return page

    def submit(self, page: Page, form: Form, **fields: str) -> Page:
        """Fill in and send a form; a page that comes back with errors is a PageError that quotes them."""
        target = urljoin(page.url, form.action or page.url)
        answer = Page.of(self._http.request(form.method.upper(), target, data={**form.fields, **fields}))
        if answer.errors or answer.status >= httpx.codes.BAD_REQUEST:
            raise PageError(f"{answer.path} answers {answer.status} “{answer.heading}”: {answer.errors}")
        return answer

    def close(self) -> None:
        self._http.close()

    def _trust_loopback(self, _response: httpx.Response) -> None:
        """Send Secure cookies without TLS, as browsers do on the loopback interface, where nobody listens in."""
        for cookie in self._http.cookies.jar:
            cookie.secure = False
