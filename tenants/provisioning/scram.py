"""SCRAM-SHA-256 verifiers (RFC 5803, RFC 7677), so that a role's password never stands in a statement or a log."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from typing import Final

# Stretching slows down guessing. A derived password has 256 bits: there is nothing to guess, and each new connection
# would pay for it.
ITERATIONS: Final = 1


def verifier(password: str, salt: bytes | None = None) -> str:
    """Return what PostgreSQL stores for an ASCII password (`ALTER ROLE … PASSWORD 'SCRAM-SHA-256$…'`)."""
    salt = salt or os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    parts = [base64.b64encode(part).decode() for part in (salt, stored_key, server_key)]
    return f"SCRAM-SHA-256${ITERATIONS}:{parts[0]}${parts[1]}:{parts[2]}"
