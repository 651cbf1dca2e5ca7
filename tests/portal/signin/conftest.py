"""Browsers that speak real HTTP to the running portal and the running sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.portal.signin.browser import Browser

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
NewBrowser = Callable[..., Browser]


@pytest.fixture
def new_browser(portal_url: str) -> Iterator[NewBrowser]:
    with ExitStack() as clients:

        def make(agent: str = FIREFOX) -> Browser:
            return Browser(portal_url, clients.enter_context(httpx.Client(timeout=30)), agent)

        yield make


@pytest.fixture
def browser(new_browser: NewBrowser) -> Browser:
    return new_browser()
