"""Azure Key Vault's REST interface for one RSA key, and where a machine gets its managed identity's tokens.

The vault answers a request without a token by a challenge, as documented. It has no associated data to offer.
"""

import base64
import ssl
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils

from tests.secrets_vault.keyservice.servers.wire import Answer, Json, Request, WireServer, decode

PATH: Final = "/keys/platform/0123456789abcdef0123456789abcdef"
SECRET: Final = "header-of-the-identity-endpoint"
_TOKEN: Final = "token-of-the-managed-identity"
_OAEP: Final = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
_PSS: Final = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
_DIGEST: Final = utils.Prehashed(hashes.SHA256())


class IdentityServer(WireServer):
    """The token endpoint of a machine with a managed identity; it never leaves the machine, so it has no TLS."""

    resource = ""

    def answer(self, request: Request) -> Answer:
        if request.headers.get("x-identity-header") != SECRET or request.query.get("resource") != [self.resource]:
            return failure(400, "invalid_request", "no such identity or resource")
        token = {"access_token": _TOKEN, "expires_on": "4102444800", "token_type": "Bearer"}
        return Answer(200, {**token, "resource": self.resource})


class AzureServer(WireServer):
    def __init__(self, context: ssl.SSLContext) -> None:
        self.key = rsa.generate_private_key(65537, 2048)
        super().__init__(context)

    @property
    def resource(self) -> str:
        """What tokens are for. Clients require it to be the domain that the vault's host name is in."""
        return f"https://0.0.1:{self.port}"

    def answer(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {_TOKEN}":
            challenge = f'Bearer authorization="https://login.microsoftonline.com/tests", resource="{self.resource}"'
            refusal = failure(401, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token.")
            return Answer(401, refusal.body, (("WWW-Authenticate", challenge),))
        if request.path == PATH and request.method == "GET":
            return Answer(200, self._bundle())
        if not request.path.startswith(f"{PATH}/"):
            return failure(404, "KeyNotFound", "A key with this name or version was not found in this key vault.")
        return self._operate(request.path.rpartition("/")[2], request.body)

    def _bundle(self) -> Json:
        numbers = self.key.public_key().public_numbers()
        material = {
            name: _text(value.to_bytes(size, "big"))
            for name, value, size in (("n", numbers.n, 256), ("e", numbers.e, 3))
        }
        operations = ["wrapKey", "unwrapKey", "sign", "verify"]
        key = {"kid": f"{self.origin}{PATH}", "kty": "RSA", "key_ops": operations, **material}
        return {"key": key, "attributes": {"enabled": True, "created": 1, "updated": 1}}

    def _operate(self, verb: str, body: Json) -> Answer:
        value, kid = decode(body.get("value", "")), f"{self.origin}{PATH}"
        try:
            match verb, body.get("alg"):
                case "wrapkey", "RSA-OAEP-256":
                    return Answer(200, {"kid": kid, "value": _text(self.key.public_key().encrypt(value, _OAEP))})
                case "unwrapkey", "RSA-OAEP-256":
                    return Answer(200, {"kid": kid, "value": _text(self.key.decrypt(value, _OAEP))})
                case "sign", "PS256":
                    return Answer(200, {"kid": kid, "value": _text(self.key.sign(value, _PSS, _DIGEST))})
                case "verify", "PS256":
                    return Answer(200, {"value": self._verifies(decode(body["digest"]), value)})
        except ValueError:
            pass
        return failure(400, "BadParameter", "The parameter is incorrect.")

    def _verifies(self, digest: bytes, signature: bytes) -> bool:
        try:
            self.key.public_key().verify(signature, digest, _PSS, _DIGEST)
        except InvalidSignature:
            return False
        return True


def failure(status: int, code: str, message: str) -> Answer:
    return Answer(status, {"error": {"code": code, "message": message}})


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
