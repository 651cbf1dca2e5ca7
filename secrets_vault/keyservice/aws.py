"""AWS KMS (`bulkhead[aws]`). The context is the encryption context, so it also stands in CloudTrail's records.

Asked for: kms:GenerateDataKey, kms:Encrypt and kms:Decrypt on the one key. Wrapped: KMS's CiphertextBlob.
Source: AWS Key Management Service API Reference, "Encrypt", "Decrypt", "GenerateDataKey", "Common Errors".
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Final

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from secrets_vault import aead
from secrets_vault.errors import BadCiphertext, KeyServiceDenied, VaultError
from secrets_vault.keyservice.address import KeyServiceAddress
from secrets_vault.keyservice.attempts import CONNECT_SECONDS, READ_SECONDS
from secrets_vault.keyservice.remote import RemoteKeyService
from secrets_vault.opaque import Secret

if TYPE_CHECKING:
    from types_boto3_kms import KMSClient

_BAD: Final = {"InvalidCiphertextException", "ValidationException"}
# They come with status 400, as refusals do.
_PASSING: Final = {
    "LimitExceededException",
    "RequestExpired",
    "RequestLimitExceeded",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
_REFUSED: Final = {400, 401, 403, 404}
_CONFIG: Final = Config(
    connect_timeout=CONNECT_SECONDS,
    read_timeout=READ_SECONDS,
    retries={"total_max_attempts": 1, "mode": "standard"},
    # A variable must not lead elsewhere than the address says.
    ignore_configured_endpoint_urls=True,  # type: ignore[call-arg]  # missing from the stubs
)


class AwsKeyService(RemoteKeyService["KMSClient"]):
    """The symmetric KMS key with this ARN."""

    __slots__ = ("_arn", "_endpoint", "_region")
    service: ClassVar[int] = 1
    loggers: ClassVar[tuple[str, ...]] = ("boto3", "botocore")

    def __init__(self, address: KeyServiceAddress) -> None:
        super().__init__(f"aws:{address.name}")
        arn, partition, service, home, rest = address.name.split(":", 4)
        self._region = address.options.get("region", home)
        if self._region != home and ":key/mrk-" not in address.name:
            raise ValueError("only a multi-Region key can be asked in another region than its own")
        self._arn = f"{arn}:{partition}:{service}:{self._region}:{rest}"
        self._endpoint = address.options.get("endpoint")

    def generate(self, context: Mapping[str, str]) -> tuple[bytes, bytes]:
        key, wrapped = self._guard.ask(lambda: self._generate(self._own_client(), context), self._explain)
        return key.reveal(), self._header() + wrapped

    def _connect(self) -> "KMSClient":
        session = boto3.session.Session()
        return session.client("kms", region_name=self._region, endpoint_url=self._endpoint, config=_CONFIG)

    def _generate(self, client: "KMSClient", context: Mapping[str, str]) -> tuple[Secret, bytes]:
        answer = client.generate_data_key(KeyId=self._arn, NumberOfBytes=aead.KEY_BYTES, EncryptionContext=context)
        self._refuse_another(answer["KeyId"])
        return Secret(answer["Plaintext"]), answer["CiphertextBlob"]

    def _encrypt(self, client: "KMSClient", key: Secret, context: Mapping[str, str]) -> bytes:
        answer = client.encrypt(KeyId=self._arn, Plaintext=key.reveal(), EncryptionContext=context)
        self._refuse_another(answer["KeyId"])
        return answer["CiphertextBlob"]

    def _decrypt(self, client: "KMSClient", wrapped: bytes, context: Mapping[str, str]) -> Secret:
        answer = client.decrypt(KeyId=self._arn, CiphertextBlob=wrapped, EncryptionContext=context)
        self._refuse_another(answer["KeyId"])
        return Secret(answer["Plaintext"])

    def _refuse_another(self, arn: str) -> None:
        if arn != self._arn:
            raise KeyServiceDenied("AWS KMS used another key")

    def _meaning(self, error: Exception) -> VaultError | None:
        if not isinstance(error, ClientError):
            return None
        code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        if code in _BAD:
            return BadCiphertext()
        return KeyServiceDenied("AWS KMS refuses") if code not in _PASSING and status in _REFUSED else None
