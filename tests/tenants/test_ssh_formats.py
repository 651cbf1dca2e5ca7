"""What is told apart in an SSH key before and after it is parsed, and which known hosts ssh would take."""

from __future__ import annotations

import base64
import struct

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from tenants import ssh_formats
from tenants.errors import Invalid

ED25519 = ed25519.Ed25519PrivateKey.generate()
PUBLIC = ssh_formats.generate("").public
HOST = f"git.example.org {PUBLIC}\n"


def test_a_comment_is_kept_and_must_be_one_line() -> None:
    pair = ssh_formats.read(commented(b"me@here"), "")
    assert pair.comment == "me@here"
    assert pair.public.endswith(" me@here")
    for comment in (b"x\nssh-rsa AAAA", b"x\0", "a\u202eb".encode(), b"x" * 201):
        with pytest.raises(Invalid) as refusal:
            ssh_formats.read(commented(comment), "")
        assert "comment" in refusal.value.fields["private_key"]


def test_halves_that_do_not_belong_together() -> None:
    other = ed25519.Ed25519PrivateKey.generate()
    for text in (commented(b"", outer=other), commented(b"", outer=other, inner=other)):
        with pytest.raises(Invalid) as refusal:
            ssh_formats.read(text, "")
        assert "do not belong together" in refusal.value.fields["private_key"]


def test_what_is_judged_is_what_is_parsed() -> None:
    """Something before or after the one block could show other bytes to the checks than to the parser."""
    text = commented(b"")
    for around in (
        f"junk\n{text}",
        f"AAAA\n{text}",
        text + text,
        text + "AAAA",
        text.replace("-----END", "---\n-----END"),
    ):
        with pytest.raises(Invalid):
            ssh_formats.read(around, "")


def commented(
    comment: bytes,
    outer: ed25519.Ed25519PrivateKey = ED25519,
    inner: ed25519.Ed25519PrivateKey = ED25519,
) -> str:
    """Return an unprotected key as OpenSSH writes it (PROTOCOL.key), with whatever comment and public halves."""

    def text(value: bytes) -> bytes:
        return struct.pack(">I", len(value)) + value

    shown, hidden = outer.public_key().public_bytes_raw(), inner.public_key().public_bytes_raw()
    private = bytes(8) + text(b"ssh-ed25519") + text(hidden) + text(ED25519.private_bytes_raw() + hidden)
    private += text(comment)
    private += bytes(range(1, 1 + -len(private) % 8))
    head = b"openssh-key-v1\0" + text(b"none") * 2 + text(b"") + struct.pack(">I", 1)
    body = base64.encodebytes(head + text(text(b"ssh-ed25519") + text(shown)) + text(private)).decode()
    return f"-----BEGIN OPENSSH PRIVATE KEY-----\n{body}-----END OPENSSH PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        (f"# ssh-keyscan\n\n  git.example.org   {PUBLIC}\r\n", HOST),
        (f"|1|aGFzaA==|aGFzaA== {PUBLIC} comment\n", f"|1|aGFzaA==|aGFzaA== {PUBLIC} comment\n"),
        (f"@cert-authority *.example.org,[h]:22 {PUBLIC}", f"@cert-authority *.example.org,[h]:22 {PUBLIC}\n"),
    ],
    ids=["none", "spaces", "hashed", "authority"],
)
def test_known_hosts(text: str, kept: str) -> None:
    assert ssh_formats.known_hosts(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "git.example.org",
        f"@other h {PUBLIC}",
        "h ssh-dss AAAAB3NzaC1kc3M=",
        "h ssh-rsa " + PUBLIC.split()[1],
        "h ssh-ed25519 AAA",
        f"h {PUBLIC} a\x1bb",
        f"h {PUBLIC}\n" * 101,
        "#" * 17_000,
    ],
    ids=["half", "marker", "DSA", "another type", "base64", "escape", "many", "long"],
)
def test_what_are_no_known_hosts(text: str) -> None:
    with pytest.raises(Invalid, match="known_hosts"):
        ssh_formats.known_hosts(text)
