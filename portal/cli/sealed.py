"""An ephemeral key for one answer: what is revealed is sealed to it and opens in this process alone."""

from __future__ import annotations

from typing import Any, Final

from portal.cli.failures import Code, Failure

ALGORITHMS: Final = ("ECDH-ES", "A256GCM")


class Ephemeral:
    """An X25519 key pair that lives as long as the command."""

    def __init__(self) -> None:
        from portal.cli import jose  # noqa: PLC0415 - see there

        self._key = jose.OKPKey.generate_key("X25519")

    def public(self) -> dict[str, Any]:
        """Return the public key as a JWK (RFC 8037)."""
        return dict(self._key.as_dict(private=False))

    def open(self, sealed: str) -> dict[str, Any]:
        """Return what was sealed to this key. Raises Failure for anything else."""
        from portal.cli import jose  # noqa: PLC0415 - see there

        try:
            content = jose.opened(sealed, self._key, ALGORITHMS)
        except ValueError:
            raise Failure(Code.FAILED, "the portal's answer was not sealed to this process") from None
        if not isinstance(content, dict):
            raise Failure(Code.FAILED, "the portal's answer has an unknown form")
        return content
