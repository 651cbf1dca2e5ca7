"""Every error that the vault raises about bytes and keys. None of them carries a key, a plaintext or a ciphertext.

VaultError
├── BadCiphertext            it does not open: damaged, moved, forged or meant for another key, and never which of them
│   └── UnknownKeyVersion    its header, which is public, names a key version that is absent or retired
├── BadKey                   a serialised public or private key is malformed or of an unknown kind
├── BrokenChain              a hash chain does not verify, and where
├── KeyServiceDenied         the key service is there and refuses
└── KeyServiceUnavailable    the key service can't be reached, or its key file can't be used

A caller's own mistake (a secret that is too short, a version below 1) is a ValueError.
"""


class VaultError(Exception):
    """The root: what a door catches when it can do nothing but say that secrets are out of reach."""


class BadCiphertext(VaultError):  # noqa: N818 - the contract's word for it, and the standard one
    """Opening failed. Opaque on purpose: a reason would be an oracle for whoever may submit ciphertexts."""

    def __init__(self, message: str = "the ciphertext does not open") -> None:
        super().__init__(message)


class UnknownKeyVersion(BadCiphertext):
    """The key version in the header is absent or retired. No oracle: the header is in clear."""

    def __init__(self, version: int) -> None:
        super().__init__(f"key version {version} is absent or retired")
        self.version = version


class BadKey(VaultError):  # noqa: N818 - named like BadCiphertext
    """A serialised key is not one that this release can use."""


class BrokenChain(VaultError):  # noqa: N818 - named for what it reports
    """A hash chain fails to verify at `position`, the position that was expected there."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(f"the chain breaks at position {position}: {reason}")
        self.position = position
        self.reason = reason


class KeyServiceDenied(VaultError):  # noqa: N818 - named for what the service did
    """The key service refuses: another service wrapped the key, or the caller may not use it."""


class KeyServiceUnavailable(VaultError):  # noqa: N818 - named for the state it reports
    """The key service, or the file that stands for it, can't be used now."""
