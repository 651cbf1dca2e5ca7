"""Whether an RSA key is one, without what OpenSSL does to find out: it looks for primes, of any size, and for minutes.

The time that takes is whoever made the key's to choose, and the process does nothing else meanwhile. Here sizes are
judged first, then what the numbers have to do with each other, and at last one signature. A factor that is no prime is
not looked for: such a key is weak by its maker's own hand, and nobody but its maker is fooled.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InternalError, InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

_SKEWED_BITS: Final = 64  # by which the factors' lengths may differ: with n, that bounds both
_MIN_EXPONENT: Final = 3  # of old PuTTY and OpenSSH keys it is 35 or 37
_MAX_EXPONENT_BITS: Final = 64  # that OpenSSL verifies with above 3072 bits
_PROBE: Final = b"bulkhead: do the halves belong together"


def sound(key: rsa.RSAPrivateKey) -> bool:
    """Say whether a key that was loaded unvalidated does what a key does; its size (of n) is judged by the caller."""
    return _shaped(key.private_numbers()) and _consistent(key.private_numbers()) and _signs(key)


def _shaped(numbers: rsa.RSAPrivateNumbers) -> bool:
    public = numbers.public_numbers
    return (
        abs(numbers.p.bit_length() - numbers.q.bit_length()) <= _SKEWED_BITS
        and numbers.p != numbers.q
        and public.n % 2 == 1
        and public.e % 2 == 1
        and public.e >= _MIN_EXPONENT
        and public.e.bit_length() <= _MAX_EXPONENT_BITS
        and numbers.d < public.n
    )


def _consistent(numbers: rsa.RSAPrivateNumbers) -> bool:
    """RFC 8017, section 3.2."""
    p, q, d = numbers.p, numbers.q, numbers.d
    both = numbers.public_numbers.e * d
    return (
        p * q == numbers.public_numbers.n
        and both % (p - 1) == both % (q - 1) == 1
        and (numbers.dmp1, numbers.dmq1) == (d % (p - 1), d % (q - 1))
        and 0 < numbers.iqmp < p
        and numbers.iqmp * q % p == 1
    )


def _signs(key: rsa.RSAPrivateKey) -> bool:
    try:
        signature = key.sign(_PROBE, padding.PKCS1v15(), SHA256())
        key.public_key().verify(signature, _PROBE, padding.PKCS1v15(), SHA256())
    except (ValueError, InternalError, InvalidSignature):
        return False
    return True
