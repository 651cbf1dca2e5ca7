"""Where a sign-in may lead: table of paths that are ours and of those that only look so."""

from __future__ import annotations

import pytest

from portal.signin.destinations import MAX_LENGTH, local_path


@pytest.mark.parametrize(
    "path",
    ["/", "/account/", "/t/acme/messages/?page=2&sort=name", "/t/acme/#top", "/docs/a%20b", "/a//b", "/?next=//evil"],
)
def test_a_path_of_ours_is_kept(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        None,
        "account/",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "\\/evil.example",
        "/\t/evil.example",
        "/%09/evil.example",
        "/%0a/evil.example",
        "/%2f/evil.example",
        "/%2F%2Fevil.example",
        "/%5cevil.example",
        "/%5C/evil.example",
        "\t//evil.example",
        " //evil.example",
        "/\n/evil.example",
        "/account/\r\nSet-Cookie: a=b",
        "https://evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "/ünïcode",
        "/\u2215evil.example",
        "/" + "a" * MAX_LENGTH,
    ],
)
def test_anything_else_leads_to_the_start(path: str | None) -> None:
    assert local_path(path) == "/"
