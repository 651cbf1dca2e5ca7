"""Browsers that speak real HTTP to the running portal and the running sandbox."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.portal.signin.browser import Browser

NewBrowser = Callable[..., Browser]


@pytest.fixture
def new_browser(portal_url: str) -> NewBrowser:
    def make(agent: str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0") -> Browser:
        return Browser(portal_url, agent)

    return make


@pytest.fixture
def browser(new_browser: NewBrowser) -> Browser:
    return new_browser()
