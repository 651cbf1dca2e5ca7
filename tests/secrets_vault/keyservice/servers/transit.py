"""The Transit engine's encrypt and decrypt for one key: for outages that a real server can't be asked for.

What it does in good health is what the real one does in the contract tests.
"""

import base64
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.secrets_vault.keyservice.servers.wire import Answer, Request, WireServer, decode

TOKEN: Final = "token-of-the-portal"
_PATHS: Final = ("/v1/transit/encrypt/platform", "/v1/transit/decrypt/platform")
_NONCE_BYTES: Final = 12


class TransitServer(WireServer):
    def __init__(self, *, binds: bool = True) -> None:
        self._binds = binds  # an engine before Vault 1.13 does not, and says nothing of it
        self._key = AESGCM(AESGCM.generate_key(256))
        super().__init__()

    @property
    def address(self) -> str:
        return f"transit:{self.origin}/transit/platform"

    def answer(self, request: Request) -> Answer:
        if request.headers.get("x-vault-token") != TOKEN:
            return Answer(403, {"errors": ["permission denied"]})
        if request.path not in _PATHS:
            return Answer(404, {"errors": []})
        associated = decode(request.body["associated_data"]) if self._binds else b""
        if request.path == _PATHS[0]:
            nonce = os.urandom(_NONCE_BYTES)
            sealed = nonce + self._key.encrypt(nonce, decode(request.body["plaintext"]), associated)
            return Answer(200, {"data": {"ciphertext": f"vault:v1:{base64.b64encode(sealed).decode()}"}})
        sealed = decode(request.body["ciphertext"].removeprefix("vault:v1:"))
        try:
            plaintext = self._key.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], associated)
        except InvalidTag:
            return Answer(400, {"errors": ["cipher: message authentication failed"]})
        return Answer(200, {"data": {"plaintext": base64.b64encode(plaintext).decode()}})
