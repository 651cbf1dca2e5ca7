"""How a key service is named. This is the one place that knows the forms; `FORMS` is what operators are shown.

A service of a cloud names its key in full, so that the address is also the key's identity. Credentials never stand in
an address: each official client finds its own, as its documentation says.

    aws      environment, profile, container or instance role. `region` where the key's replica is asked in another
             region; `endpoint` for an interface endpoint
    transit  VAULT_TOKEN_FILE (what an agent keeps fresh; read for each request), else VAULT_TOKEN; VAULT_CACERT
    google   GOOGLE_APPLICATION_CREDENTIALS, workload identity or the metadata server
    azure    AZURE_CLIENT_ID and its like, workload identity or managed identity

A private authority's certificates are in REQUESTS_CA_BUNDLE (for aws in AWS_CA_BUNDLE as well).
"""

import importlib.util
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Self
from urllib.parse import SplitResult, parse_qsl, urlsplit

FORMS: Final = (
    "local:/absolute/path/of/key-file",
    "aws:arn:aws:kms:REGION:ACCOUNT:key/ID[?region=REGION&endpoint=https://HOST]",
    "transit:https://HOST:8200/MOUNT/KEY[?namespace=NAME]",
    "google:projects/P/locations/L/keyRings/R/cryptoKeys/K[?endpoint=https://HOST]",
    "azure:https://VAULT.vault.azure.net/keys/NAME/VERSION",
)
MAXIMUM_ID: Final = 255  # what the registry keeps beside each wrapped key

_NAME: Final = r"[A-Za-z0-9_-]+"
_ORIGIN: Final = r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
_PATTERNS: Final[Mapping[str, str]] = {
    "local": r"/.*",
    "aws": r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+",
    "transit": rf"{_ORIGIN}(?:/[A-Za-z0-9_.-]+){{2,}}",
    "google": rf"projects/[A-Za-z0-9.:_-]+/locations/{_NAME}/keyRings/{_NAME}/cryptoKeys/{_NAME}",
    "azure": rf"{_ORIGIN}/keys/[A-Za-z0-9-]+/[A-Za-z0-9]+",
}
_OPTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "aws": {"region": r"[a-z0-9-]+", "endpoint": _ORIGIN},
    "transit": {"namespace": r"[A-Za-z0-9_./-]+"},
    "google": {"endpoint": _ORIGIN},
}
_CLEARTEXT: Final = {"aws", "transit"}  # to this machine only; the other two clients refuse it themselves
_MODULES: Final = {"aws": "boto3", "transit": "hvac", "google": "google.cloud.kms_v1", "azure": "azure.keyvault.keys"}
_EXTRAS: Final = {"aws": "aws", "transit": "vault", "google": "google", "azure": "azure"}


@dataclass(frozen=True, slots=True)
class KeyServiceAddress:
    """Where a key service is: its kind, its key's name, and what else to know."""

    kind: str
    name: str
    options: Mapping[str, str]

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read an address. Raises ValueError, which never quotes it, unless it has one of the FORMS."""
        kind, _, rest = url.partition(":")
        name, _, query = (rest, "", "") if kind == "local" else rest.partition("?")
        if not re.fullmatch(_PATTERNS.get(kind, r"(?!)"), name):
            raise ValueError(f"a key service is given as one of: {' | '.join(FORMS)}")
        address = cls(kind, name, MappingProxyType(_options(kind, query)))
        address._refuse_cleartext()
        if kind != "local" and len(f"{kind}:{name}") > MAXIMUM_ID:
            raise ValueError(f"a key service's address has at most {MAXIMUM_ID} characters before its options")
        return address

    @property
    def cleartext(self) -> bool:
        """Whether requests would cross without TLS."""
        return any(origin.scheme == "http" for origin in self._origins())

    @property
    def lacks(self) -> str:
        """The extra of this project that has to be installed for it, or nothing."""
        module = _MODULES.get(self.kind)
        return "" if module is None or _is_installed(module) else f"bulkhead[{_EXTRAS[self.kind]}]"

    def _origins(self) -> list[SplitResult]:
        return [urlsplit(text) for text in (self.name, self.options.get("endpoint", "")) if "://" in text]

    def _refuse_cleartext(self) -> None:
        for origin in self._origins():
            if origin.scheme == "http" and not (self.kind in _CLEARTEXT and _is_loopback(origin.hostname or "")):
                raise ValueError("a key service on another machine is reached by https:// and not by http://")


def _options(kind: str, query: str) -> dict[str, str]:
    known, pairs = _OPTIONS.get(kind, {}), parse_qsl(query, keep_blank_values=True)
    options = dict(pairs)
    if len(options) != len(pairs) or not all(re.fullmatch(known.get(name, r"(?!)"), options[name]) for name in options):
        raise ValueError(f"the options of such an address are: {', '.join(known) or 'none'}; each once, in full")
    return options


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of a parent package
        return False
