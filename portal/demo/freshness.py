"""Which one-time steps are still good: migrating or collecting what did not change would cost every start seconds."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from portal.demo.children import ROOT


@dataclass(frozen=True)
class Step:
    """A step whose result stands as long as `fingerprint` is what it was when `mark` was written."""

    mark: Path
    fingerprint: Callable[[], str]

    @property
    def is_done(self) -> bool:
        return self.mark.exists() and self.mark.read_text() == self.fingerprint()

    def done(self) -> None:
        self.mark.parent.mkdir(parents=True, exist_ok=True)
        self.mark.write_text(self.fingerprint())


def migration(directory: Path) -> Step:
    """`migrate` of the stack in `directory`: our tables, those of libraries, and operators' acts."""
    libraries = ("django", "social-auth-app-django")
    folders = ("tenants", "deploy/operations", "deploy/database")
    return Step(
        directory / "migrated",
        lambda: _fingerprint(libraries, folders, {".py", ".sql"}, os.environ.get("BULKHEAD_OPERATIONS", "")),
    )


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let the stacks of one clone prepare what they share one after the other."""
    build = ROOT / ".build"
    build.mkdir(exist_ok=True)
    with (build / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def static_files() -> Step:
    """`collectstatic` of this clone."""
    libraries = ("django", "django-htmx", "django-ninja", "lucide", "whitenoise")
    places = ("portal/static", "portal/settings.py", "portal/static_integrity.py")
    return Step(ROOT / ".build" / "static.made", lambda: _fingerprint(libraries, places, set(), str(ROOT)))


def _fingerprint(libraries: tuple[str, ...], places: tuple[str, ...], suffixes: set[str], extra: str) -> str:
    """Return a SHA-256 over versions, files and folders; no `suffixes` means all files."""
    digest = hashlib.sha256(extra.encode())
    for name in libraries:
        digest.update(f"{name} {version(name)}\n".encode())
    for place in places:
        for path in sorted([ROOT / place, *(ROOT / place).rglob("*")]):
            if path.is_file() and path.suffix != ".pyc" and (not suffixes or path.suffix in suffixes):
                digest.update(f"{path.relative_to(ROOT)} {path.stat().st_size}\n".encode() + path.read_bytes())
    return digest.hexdigest()
