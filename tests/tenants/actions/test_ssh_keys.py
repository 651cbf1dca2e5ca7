"""SSH keys: what may be kept, what is refused and why, and who gets the private half."""

from __future__ import annotations

import base64
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)
from django.db import connections

from tenants.actions import repositories, ssh_keys
from tenants.errors import Invalid, NotFound
from tenants.records.models import AuditRow, SSHKey
from tests.conftest import Household

ED25519 = ed25519.Ed25519PrivateKey.generate()


def written(key: object, passphrase: str = "", form: PrivateFormat = PrivateFormat.OpenSSH) -> str:
    encryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, form, encryption).decode()  # type: ignore[attr-defined, no-any-return]


def test_a_generated_key_is_ed25519_and_usable(household: Household, tmp_path: Path) -> None:
    with household.enter() as inside:
        key = ssh_keys.generate_key(inside, name="deploy", filters=[])
        repositories.create_repository(inside, name="api", url="", labels=[])
        private = ssh_keys.reveal_key(inside, "api", "deploy")
        stored = bytes(SSHKey.objects.get().sealed or b"")
        assert AuditRow.objects.filter(entry__contains='"ssh_key.revealed"').count() == 1
    assert (key.kind, key.bits) == ("ssh-ed25519", 256)
    assert private.encode()[40:80] not in stored
    path = tmp_path / "key"
    path.touch(mode=0o600)
    path.write_text(private)
    if (keygen := shutil.which("ssh-keygen")) is not None:
        assert subprocess.check_output([keygen, "-y", "-f", path], text=True).split()[1] == key.public.split()[1]
        assert key.fingerprint in subprocess.check_output([keygen, "-l", "-f", path], text=True)


@pytest.mark.parametrize(
    ("text", "kind", "bits"),
    [
        (written(ED25519), "ssh-ed25519", 256),
        (written(ED25519, form=PrivateFormat.PKCS8), "ssh-ed25519", 256),
        (written(ec.generate_private_key(ec.SECP384R1())), "ecdsa-sha2-nistp384", 384),
        (written(rsa.generate_private_key(65537, 3072), form=PrivateFormat.TraditionalOpenSSL), "ssh-rsa", 3072),
        (written(ED25519).replace("\n", "\r\n"), "ssh-ed25519", 256),
    ],
    ids=["openssh", "pkcs8", "ecdsa", "rsa pem", "crlf"],
)
def test_an_imported_key_comes_back(household: Household, text: str, kind: str, bits: int) -> None:
    with household.enter() as inside:
        key = ssh_keys.import_key(inside, name="theirs", filters=[], private_key=text)
        repositories.create_repository(inside, name="api", url="", labels=[])
        private = load_ssh_private_key(ssh_keys.reveal_key(inside, "api", "theirs").encode(), None)
    assert (key.kind, key.bits) == (kind, bits)
    assert private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode() == key.public


def test_a_passphrase_is_recognised_and_taken_off(household: Household) -> None:
    text = written(ED25519, "correct horse")
    with household.enter() as inside:
        key = ssh_keys.import_key(inside, name="key", filters=[], private_key=text, passphrase="correct horse")
        assert key.passphrase_protected
        for passphrase, field in (("", "passphrase"), ("wrong", "private_key")):
            with pytest.raises(Invalid) as refusal:
                ssh_keys.import_key(inside, name="other", filters=[], private_key=text, passphrase=passphrase)
            assert list(refusal.value.fields) == [field]


PUBLIC = ED25519.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def hardware() -> str:
    """Return a key whose private half is in a FIDO2 token, laid out as OpenSSH's PROTOCOL.key and PROTOCOL.u2f say."""

    def text(value: bytes) -> bytes:
        return struct.pack(">I", len(value)) + value

    public = text(b"sk-ssh-ed25519@openssh.com") + text(bytes(32)) + text(b"ssh:")
    private = bytes(8) + public + b"\x01" + text(bytes(64)) + text(b"") + text(b"comment")
    private += bytes(range(1, 1 + -len(private) % 8))
    head = b"openssh-key-v1\0" + text(b"none") * 2 + text(b"") + struct.pack(">I", 1)
    body = base64.encodebytes(head + text(public) + text(private)).decode()
    return f"-----BEGIN OPENSSH PRIVATE KEY-----\n{body}-----END OPENSSH PRIVATE KEY-----\n"


def stretched(rounds: int) -> str:
    """Return a protected OpenSSH key whose author asks for so many rounds of bcrypt."""
    encryption = PrivateFormat.OpenSSH.encryption_builder().kdf_rounds(16).build(b"passphrase")
    body = base64.b64decode("".join(_pem(encryption).splitlines()[1:-1]))
    head, tail = body.split(struct.pack(">I", 16) + bytes([0, 0, 0, 1]), 1)
    packed = base64.encodebytes(head + struct.pack(">I", rounds) + bytes([0, 0, 0, 1]) + tail).decode()
    return f"-----BEGIN OPENSSH PRIVATE KEY-----\n{packed}-----END OPENSSH PRIVATE KEY-----\n"


def _pem(encryption: KeySerializationEncryption) -> str:
    return ED25519.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, encryption).decode()


# The keys are new each time, and tests are known by names that stay.
REFUSED = [
    *("nothing", "words", "public", "certificate", "short RSA", "DSA", "DSA as PKCS 8", "half", "another format"),
    *("long", "hardware", "stretched", "protected PEM", "unknown curve", "huge RSA", "beginnings"),
]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Paste a private key"),
        ("hello", "Paste a private key"),
        (PUBLIC, "public key or certificate"),
        ("ssh-ed25519-cert-v01@openssh.com AAAA", "public key or certificate"),
        (written(rsa.generate_private_key(65537, 2048)), "RSA of 2048 bits is too weak"),
        (written(dsa.generate_private_key(1024), form=PrivateFormat.TraditionalOpenSSL), "DSA"),
        (written(dsa.generate_private_key(1024), form=PrivateFormat.PKCS8), "DSA and others are refused"),
        (written(ED25519)[:200], "no private key that can be read"),
        (written(ED25519).replace("b3BlbnNzaC1rZXktdjEA", "b3BlbnNzaC1rZXktdjIA"), "no private key that can be read"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\n" + "A" * 17_000, "at most 16 KiB"),
        (hardware(), "hardware token"),
        (stretched(10_000), "stretched too far"),
        (written(ED25519, "x", PrivateFormat.PKCS8), "Convert this protected PEM key"),
        (
            written(ec.generate_private_key(ec.SECP256K1()), form=PrivateFormat.PKCS8),
            "does not know the curve secp256k1",
        ),
        (
            f"-----BEGIN RSA PRIVATE KEY-----\n{base64.encodebytes(bytes(6000)).decode()}-----END",
            "larger than RSA of 4096",
        ),
        ("-----BEGIN PRIVATE KEY-----\n" * 500, "no private key that can be read"),
    ],
    ids=REFUSED,
)
def test_what_is_no_good_key_is_refused_with_the_reason(household: Household, text: str, says: str) -> None:
    with household.enter() as inside:
        with pytest.raises(Invalid, match="private_key") as refusal:
            ssh_keys.import_key(inside, name="key", filters=[], private_key=text)
        assert says in refusal.value.fields["private_key"]
        assert SSHKey.objects.count() == 0


def test_labels_bound_ssh_keys_too(household: Household) -> None:
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[("team", "core")])
        ssh_keys.generate_key(inside, name="mine", filters=[[("team", "core")]])
        ssh_keys.generate_key(inside, name="theirs", filters=[[("team", "other")]])
        assert ssh_keys.reveal_key(inside, "api", "mine")
        with pytest.raises(NotFound):
            ssh_keys.reveal_key(inside, "api", "theirs")


def test_a_deleted_key_is_gone(household: Household) -> None:
    with household.enter() as inside:
        key = ssh_keys.generate_key(inside, name="deploy", filters=[])
        ssh_keys.delete_key(inside, key.id)
        with pytest.raises(NotFound):
            ssh_keys.get_key(inside, key.id)


def test_no_private_half_leaves_when_the_log_can_not_be_written(household: Household) -> None:
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[])
        ssh_keys.generate_key(inside, name="deploy", filters=[])
    schema = household.tenant.schema
    with connections["provisioner"].cursor() as cursor:
        cursor.execute(f"REVOKE INSERT (entry) ON {schema}.audit FROM {schema}")
    with household.enter() as inside, pytest.raises(Exception, match="permission denied"):
        ssh_keys.reveal_key(inside, "api", "deploy")
