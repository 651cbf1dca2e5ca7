"""Google Cloud KMS's REST interface for one symmetric key, as its reference describes it.

Callers bring a service account's self-signed JWT, which is verified. Checksums are checked where they are sent and
always answered. Numbers of 64 bits are text, as in all of Google's JSON.
"""

import base64
import json
import os
import ssl
from pathlib import Path
from typing import Final

import google_crc32c
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from tests.secrets_vault.keyservice.servers.wire import Answer, Json, Request, WireServer, decode

KEY: Final = "projects/bulkhead/locations/europe-west1/keyRings/tests/cryptoKeys/platform"
_VERSION: Final = f"{KEY}/cryptoKeyVersions/1"
# Google's own clients ask another host of the usual universe about each service account, whatever the endpoint is.
UNIVERSE: Final = "cloud.bulkhead.example"
_ACCOUNT: Final = "portal@bulkhead.iam.gserviceaccount.com"
_AUDIENCE: Final = "https://cloudkms.googleapis.com/"
_NONCE_BYTES: Final = 12


class GoogleServer(WireServer):
    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._key = AESGCM(AESGCM.generate_key(256))
        self._account = rsa.generate_private_key(65537, 2048)
        super().__init__(context)

    def write_credentials(self, path: Path) -> Path:
        """Write what a service account's owner downloads."""
        pem = self._account.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        account = {"type": "service_account", "client_email": _ACCOUNT, "private_key": pem.decode()}
        more = {"private_key_id": "1", "universe_domain": UNIVERSE, "token_uri": "https://127.0.0.1:1/never-asked"}
        path.write_text(json.dumps(account | more))
        return path

    def answer(self, request: Request) -> Answer:
        name, _, verb = request.path.removeprefix("/v1/").partition(":")
        if not self._knows(request.headers.get("authorization", "")):
            return failure(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        if name != KEY or request.method != "POST":
            return failure(404, "NOT_FOUND", f"CryptoKey {name} not found.")
        for field in ("plaintext", "ciphertext", "additionalAuthenticatedData"):
            sent = request.body.get(f"{field}Crc32c")
            if sent is not None and sent != checksum(decode(request.body.get(field, ""))):
                text = f"The checksum in field {field}_crc32c did not match the data in field {field}."
                return failure(400, "INVALID_ARGUMENT", text)
        return self._encrypt(request.body) if verb == "encrypt" else self._decrypt(request.body)

    def _knows(self, authorization: str) -> bool:
        try:
            token = jwt.decode(authorization.removeprefix("Bearer "), RSAKey.import_key(self._account.public_key()))
        except (JoseError, ValueError):
            return False
        return (token.claims["iss"], token.claims["aud"]) == (_ACCOUNT, _AUDIENCE)

    def _encrypt(self, body: Json) -> Answer:
        nonce = os.urandom(_NONCE_BYTES)
        associated = decode(body.get("additionalAuthenticatedData", ""))
        ciphertext = nonce + self._key.encrypt(nonce, decode(body["plaintext"]), associated)
        return Answer(
            200,
            {
                "name": _VERSION,
                "ciphertext": base64.b64encode(ciphertext).decode(),
                "ciphertextCrc32c": checksum(ciphertext),
                "verifiedPlaintextCrc32c": "plaintextCrc32c" in body,
                "verifiedAdditionalAuthenticatedDataCrc32c": "additionalAuthenticatedDataCrc32c" in body,
                "protectionLevel": "SOFTWARE",
            },
        )

    def _decrypt(self, body: Json) -> Answer:
        ciphertext = decode(body.get("ciphertext", ""))
        associated = decode(body.get("additionalAuthenticatedData", ""))
        try:
            plaintext = self._key.decrypt(ciphertext[:_NONCE_BYTES], ciphertext[_NONCE_BYTES:], associated)
        except (InvalidTag, ValueError):
            return failure(400, "INVALID_ARGUMENT", "Decryption failed: the ciphertext is invalid.")
        text = base64.b64encode(plaintext).decode()
        checks: Json = {"plaintextCrc32c": checksum(plaintext), "usedPrimary": True}
        return Answer(200, {"plaintext": text, **checks, "protectionLevel": "SOFTWARE"})


def failure(status: int, code: str, message: str) -> Answer:
    return Answer(status, {"error": {"code": status, "message": message, "status": code}})


def checksum(data: bytes) -> str:
    return str(google_crc32c.value(data))
