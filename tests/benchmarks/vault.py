"""`bench vault`: a tenant's key rotated, and the envelope against bare AES-256-GCM that does the same and no more."""

from __future__ import annotations

import os
import tempfile
import time
import uuid
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from secrets_vault import Keyring, LocalKeyService, Place, open_sealed, seal
from tests.benchmarks.frame import Bench, interleaved
from tests.benchmarks.scale.contestant import Contestant
from tests.benchmarks.scale.ground import PACKAGE, ground

SIZE = 64  # bytes: a password or a token, what parameters mostly are


def run(bench: Bench) -> None:
    _envelope(bench)
    _rotation(bench)


def _rotation(bench: Bench) -> None:
    """Rotate a large tenant's key while nobody else is there; a small one's before, so that everything is loaded."""
    items = 5_000 if bench.quick else 100_000
    with tempfile.TemporaryDirectory(prefix="bulkhead-bench-") as directory, ground(Path(directory)) as at:
        module, environment = f"{PACKAGE}.keys", at.environment("provisioner")
        with Contestant(module, environment) as filling:
            small, large = filling.ask("fill", items=1_000), filling.ask("fill", items=items)
        with Contestant(module, environment) as rotating:
            rotating.ask("rotated", tenant=small, items=1_000)
            before = rotating.ask("memory")
            seconds = rotating.ask("rotated", tenant=large, items=items)
            after = rotating.ask("memory")
            bare = rotating.ask("bare", tenant=large)
    reference = "one UPDATE of the same bytes, no keys"
    bench.rate("rotate_items_per_second", items / seconds, "items/s", reference, items / bare)
    bench.duration("rotate_memory", after, "MB", "the same process after 1,000 items", before)


def _envelope(bench: Bench) -> None:
    batch, rounds = (500, 7) if bench.quick else (2_000, 15)
    with tempfile.TemporaryDirectory() as directory:
        keyring, _ = Keyring.create(LocalKeyService.create(Path(directory) / "platform.key"), "tenant")
    tenant_key, associated = os.urandom(32), os.urandom(96)
    plaintext = os.urandom(SIZE)
    places = [Place("tenant", "parameters.value", str(uuid.uuid4()), 1) for _ in range(batch)]
    sealed = [seal(keyring, place, plaintext) for place in places]
    bare = [_bare_seal(tenant_key, plaintext, associated) for _ in range(batch)]
    # Seconds of the processor: one thread against one thread, whatever else the machine does meanwhile.
    seconds = interleaved(
        {
            "seal": lambda: [seal(keyring, place, plaintext) for place in places],
            "bare seal": lambda: [_bare_seal(tenant_key, plaintext, associated) for _ in range(batch)],
            "open": lambda: [open_sealed(keyring, *pair) for pair in zip(places, sealed, strict=True)],
            "bare open": lambda: [_bare_open(tenant_key, parts, associated) for parts in bare],
        },
        rounds=rounds,
        clock=time.process_time,
    )
    for name in ("seal", "open"):
        ours, reference = batch / seconds[name], batch / seconds[f"bare {name}"]
        bench.rate(name, ours, "items/s", f"bare AESGCM, wrap and {name}", reference)


def _bare_seal(tenant_key: bytes, plaintext: bytes, associated: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    item_key, nonces = os.urandom(32), (os.urandom(12), os.urandom(12))
    wrapped = AESGCM(tenant_key).encrypt(nonces[0], item_key, associated)
    return *nonces, wrapped, AESGCM(item_key).encrypt(nonces[1], plaintext, associated)


def _bare_open(tenant_key: bytes, parts: tuple[bytes, bytes, bytes, bytes], associated: bytes) -> bytes:
    wrap_nonce, nonce, wrapped, ciphertext = parts
    item_key = AESGCM(tenant_key).decrypt(wrap_nonce, wrapped, associated)
    return AESGCM(item_key).decrypt(nonce, ciphertext, associated)
