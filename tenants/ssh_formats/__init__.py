"""SSH's formats: private keys to keep, public keys to certify, certificates, and known hosts.

Keys, formats and signatures are the `cryptography` package's; what is told apart before it parses anything is ours.
"""

from tenants.ssh_formats.certificates import Statement, certify
from tenants.ssh_formats.hosts import known_hosts
from tenants.ssh_formats.private import Algorithm, KeyPair, generate, read
from tenants.ssh_formats.public import PublicKey, fingerprint, read_public

__all__ = [
    "Algorithm",
    "KeyPair",
    "PublicKey",
    "Statement",
    "certify",
    "fingerprint",
    "generate",
    "known_hosts",
    "read",
    "read_public",
]
