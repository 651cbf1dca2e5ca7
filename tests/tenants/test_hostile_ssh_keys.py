"""SSH keys that were made to cost time or to be none: judged by what they say, before anything computes with them."""

from __future__ import annotations

import base64
import math
import struct
from dataclasses import dataclass, replace

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_ssh_private_key,
)

from tenants import ssh_formats
from tenants.errors import Invalid
from tests.tenants.computing import computing

HONEST = rsa.generate_private_key(65537, 3072)
RSA = "2a864886f70d010101"
DIFFIE_HELLMAN = "2a864886f70d010301"
SECONDS = 0.3  # looking for primes in the least of these takes longer


@dataclass(frozen=True)
class Numbers:
    n: int
    e: int
    d: int
    p: int
    q: int
    dmp1: int
    dmq1: int
    iqmp: int


def key_of(p: int, q: int, e: int = 65537) -> Numbers:
    """Return what `p` and `q` would make, were they primes."""
    d = pow(e, -1, (p - 1) * (q - 1))
    return Numbers(p * q, e, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))


def mersenne(bits: int) -> int:
    return (1 << bits) - 1


def value(tag: int, content: bytes) -> bytes:
    """Return one value in DER (X.690)."""
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    head = [tag, len(content)] if len(content) < 128 else [tag, 128 + len(length), *length]
    return bytes(head) + content


def sequence(*content: bytes) -> bytes:
    return value(0x30, b"".join(content))


def integer(number: int) -> bytes:
    return value(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def pkcs1(key: Numbers) -> bytes:
    return sequence(*map(integer, (0, key.n, key.e, key.d, key.p, key.q, key.dmp1, key.dmq1, key.iqmp)))


def pkcs8(algorithm: str, parameters: bytes, key: bytes) -> bytes:
    oid = value(0x06, bytes.fromhex(algorithm))
    return sequence(integer(0), sequence(oid, parameters), value(0x04, key))


def container(key: Numbers) -> bytes:
    """Return what OpenSSH writes (PROTOCOL.key), unprotected."""

    def text(content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + content

    def number(of: int) -> bytes:
        return text(of.to_bytes(of.bit_length() // 8 + 1, "big"))

    public = text(b"ssh-rsa") + number(key.e) + number(key.n)
    private = bytes(8) + text(b"ssh-rsa")
    private += b"".join(map(number, (key.n, key.e, key.d, key.iqmp, key.p, key.q))) + text(b"")
    private += bytes(range(1, 1 + -len(private) % 8))
    head = b"openssh-key-v1\0" + text(b"none") * 2 + text(b"") + struct.pack(">I", 1)
    return head + text(public) + text(private)


def armoured(label: str, packed: bytes) -> str:
    return f"-----BEGIN {label}-----\n{base64.encodebytes(packed).decode()}-----END {label}-----\n"


def refusal(text: str) -> str:
    """Return why a key is refused, and see that it took no time."""
    with computing() as seconds:
        with pytest.raises(Invalid) as refused:
            ssh_formats.read(text, "")
        assert seconds() < SECONDS
    return refused.value.fields["private_key"]


HUGE = key_of(mersenne(2203), mersenne(2281))
UNEVEN = key_of(mersenne(607), mersenne(3217))
SQUARE = replace(key_of(mersenne(2203), mersenne(2281)), q=mersenne(2203), n=mersenne(2203) ** 2)


@pytest.mark.parametrize("key", [HUGE, UNEVEN, SQUARE], ids=["huge", "uneven", "square"])
def test_factors_are_measured_before_anything_looks_for_primes(key: Numbers) -> None:
    for text in (
        armoured("RSA PRIVATE KEY", pkcs1(key)),
        armoured("PRIVATE KEY", pkcs8(RSA, b"\x05\0", pkcs1(key))),
        armoured("OPENSSH PRIVATE KEY", container(key)),
    ):
        assert "can be read" in refusal(text) or "RSA" in refusal(text)


def test_the_size_of_a_factor_is_no_more_than_that_of_its_modulus() -> None:
    """OpenSSL looks at the factors of a small modulus too, whatever they are."""
    key = replace(key_of(*_factors()), p=mersenne(4423))
    assert refusal(armoured("RSA PRIVATE KEY", pkcs1(key)))


def test_a_key_of_another_kind_is_not_loaded() -> None:
    parameters = sequence(integer(mersenne(2203)), integer(2))
    text = armoured("PRIVATE KEY", pkcs8(DIFFIE_HELLMAN, parameters, integer(12345)))
    assert "Use an Ed25519, ECDSA or RSA key" in refusal(text)


def test_all_that_is_no_mark_counts() -> None:
    """Also what stands behind the mark, on its line."""
    text = "-----BEGIN RSA PRIVATE KEY-----" + "A" * 6000 + "\n-----END RSA PRIVATE KEY-----\n"
    assert "larger than RSA of 4096" in refusal(text)
    short = armoured("RSA PRIVATE KEY", pkcs1(key_of(*_factors())))
    assert "can be read" in refusal(short.replace("-----\n", "-----", 1))


@pytest.mark.parametrize("part", ["e", "d", "dmp1", "dmq1", "iqmp"])
def test_numbers_that_do_not_belong_together(part: str) -> None:
    key = key_of(*_factors())
    wrong = replace(key, **{part: getattr(key, part) + 2})
    assert refusal(armoured("RSA PRIVATE KEY", pkcs1(wrong)))
    if part in {"e", "d", "iqmp"}:  # the container has no others
        assert refusal(armoured("OPENSSH PRIVATE KEY", container(wrong)))


def test_factors_that_are_no_primes() -> None:
    p, q = _factors()
    threes = range(q + 3 - q % 3, q + 9999, 3)  # what is next to a prime may well be another
    other = next(number for number in threes if number % 2 and math.gcd(65537, number - 1) == math.gcd(p, number) == 1)
    assert "do not belong together" in refusal(armoured("RSA PRIVATE KEY", pkcs1(key_of(p, other))))


@pytest.mark.parametrize("factors", [(0, 0), (1, 1), (4, 6)])
def test_factors_that_are_none(factors: tuple[int, int]) -> None:
    key = replace(key_of(*_factors()), p=factors[0], q=factors[1])
    for text in (armoured("RSA PRIVATE KEY", pkcs1(key)), armoured("OPENSSH PRIVATE KEY", container(key))):
        assert refusal(text)


@pytest.mark.parametrize("new", [True, False])
def test_an_honest_key_is_taken_in_each_format(new: bool) -> None:
    """An old one has a small exponent."""
    key = HONEST if new else with_a_small_exponent()
    protected = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"x"))
    for form in (PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8, PrivateFormat.OpenSSH):
        text = key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()
        with computing() as seconds:
            pair = ssh_formats.read(text.replace("\n", " \r\n  "), "")
            assert seconds() < SECONDS
        kept = load_ssh_private_key(pair.private, None, unsafe_skip_rsa_key_validation=True)
        assert isinstance(kept, rsa.RSAPrivateKey)
        assert kept.private_numbers() == key.private_numbers()
    assert ssh_formats.read(protected.decode(), "x").passphrase_protected


def with_a_small_exponent() -> rsa.RSAPrivateKey:
    p, q = _factors()
    key = key_of(p, q, next(e for e in range(35, 999, 2) if math.gcd(e, (p - 1) * (q - 1)) == 1))
    public = rsa.RSAPublicNumbers(key.e, key.n)
    made = rsa.RSAPrivateNumbers(key.p, key.q, key.d, key.dmp1, key.dmq1, key.iqmp, public)
    return made.private_key(unsafe_skip_rsa_key_validation=True)


def _factors() -> tuple[int, int]:
    numbers = HONEST.private_numbers()
    return numbers.p, numbers.q
