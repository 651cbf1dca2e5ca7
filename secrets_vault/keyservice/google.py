"""Google Cloud KMS (`bulkhead[google]`), over REST. The context is the additional authenticated data.

Asked for: the role Cloud KMS CryptoKey Encrypter/Decrypter on the one key. Every field is sent and received with its
CRC32C, as Google recommends: a mismatch is a damaged transmission and is tried again. Wrapped: the ciphertext.
Source: Cloud KMS documentation, "Verifying end-to-end data integrity", and the REST reference of cryptoKeys.
"""

from collections.abc import Mapping
from typing import ClassVar, Final, cast

import google_crc32c
from google.api_core import exceptions
from google.api_core.client_options import ClientOptions
from google.auth.exceptions import DefaultCredentialsError
from google.cloud.kms_v1 import DecryptRequest, EncryptRequest, KeyManagementServiceClient
from google.cloud.kms_v1.services.key_management_service.transports import KeyManagementServiceRestTransport

from secrets_vault.errors import BadCiphertext, KeyServiceDenied, KeyServiceUnavailable, VaultError
from secrets_vault.keyservice.address import KeyServiceAddress
from secrets_vault.keyservice.attempts import READ_SECONDS
from secrets_vault.keyservice.remote import RemoteKeyService
from secrets_vault.opaque import Secret

_HOST: Final = "cloudkms.googleapis.com"
_REFUSED: Final = (
    DefaultCredentialsError,
    exceptions.Forbidden,
    exceptions.NotFound,
    exceptions.Unauthorized,
)


class GoogleKeyService(RemoteKeyService[KeyManagementServiceClient]):
    """A symmetric CryptoKey. Its primary version wraps; the service finds the version that unwraps."""

    __slots__ = ("_endpoint", "_name")
    service: ClassVar[int] = 3
    loggers: ClassVar[tuple[str, ...]] = ("google", "urllib3")

    def __init__(self, address: KeyServiceAddress) -> None:
        super().__init__(f"google:{address.name}")
        self._name = address.name
        self._endpoint = address.options.get("endpoint", f"https://{_HOST}").removeprefix("https://")

    def _connect(self) -> KeyManagementServiceClient:
        client = KeyManagementServiceClient(transport="rest", client_options=ClientOptions(api_endpoint=self._endpoint))
        session = cast("KeyManagementServiceRestTransport", client.transport)._session  # noqa: SLF001 - no public way
        session.max_redirects = 0  # a redirect would carry the key elsewhere
        return client

    def _encrypt(self, client: KeyManagementServiceClient, key: Secret, context: Mapping[str, str]) -> bytes:
        associated = self._associated(context)
        request = EncryptRequest(
            name=self._name,
            plaintext=key.reveal(),
            plaintext_crc32c=_checksum(key.reveal()),
            additional_authenticated_data=associated,
            additional_authenticated_data_crc32c=_checksum(associated),
        )
        answer = client.encrypt(request, retry=None, timeout=READ_SECONDS)
        _require(answer.verified_plaintext_crc32c and answer.verified_additional_authenticated_data_crc32c)
        _require(_checksum(answer.ciphertext) == answer.ciphertext_crc32c)
        if not answer.name.startswith(f"{self._name}/cryptoKeyVersions/"):
            raise KeyServiceDenied("Google Cloud KMS used another key")
        return answer.ciphertext

    def _decrypt(self, client: KeyManagementServiceClient, wrapped: bytes, context: Mapping[str, str]) -> Secret:
        associated = self._associated(context)
        request = DecryptRequest(
            name=self._name,
            ciphertext=wrapped,
            ciphertext_crc32c=_checksum(wrapped),
            additional_authenticated_data=associated,
            additional_authenticated_data_crc32c=_checksum(associated),
        )
        answer = client.decrypt(request, retry=None, timeout=READ_SECONDS)
        _require(_checksum(answer.plaintext) == answer.plaintext_crc32c)
        return Secret(answer.plaintext)

    def _meaning(self, error: Exception) -> VaultError | None:
        # Status 400 comes for a ciphertext that fails and for a key that is disabled; over REST both are of one class.
        disabled = isinstance(error, exceptions.BadRequest) and _code(error) == "FAILED_PRECONDITION"
        if disabled or isinstance(error, _REFUSED):
            return KeyServiceDenied("Google Cloud KMS refuses")
        if isinstance(error, exceptions.BadRequest) and "checksum" not in error.message:  # damaged on its way there
            return BadCiphertext()
        return None


def _code(error: exceptions.GoogleAPICallError) -> object:
    return error.response.json()["error"]["status"]


def _checksum(data: bytes) -> int:
    return int(google_crc32c.value(data))


def _require(intact: bool) -> None:
    if not intact:
        raise KeyServiceUnavailable("the key service's answer was damaged on its way")
