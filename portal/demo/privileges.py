"""PostgreSQL refuses to run as root: what to put before its command so that root can start it all the same."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from portal.demo.errors import DemoError

UNPRIVILEGED = 65534  # nobody


@cache
def unprivileged_prefix() -> tuple[str, ...]:
    """Return () for a user; for root a user namespace, else another uid that keeps the right to reach its files."""
    if os.geteuid() != 0:
        return ()
    for prefix in (_namespace(), _other_uid()):
        if prefix and _works(prefix):
            return prefix
    raise DemoError(
        "PostgreSQL doesn't run as root, and neither `unshare --user` nor `setpriv` works here. "
        "Run this as another user, or allow user namespaces (sysctl -w kernel.unprivileged_userns_clone=1).",
    )


def take_over(directory: Path) -> None:
    """Make `directory` belong to whom the prefix runs as (a user namespace maps root's files by itself)."""
    if "setpriv" in "".join(unprivileged_prefix()[:1]):
        os.chown(directory, UNPRIVILEGED, UNPRIVILEGED)


def _namespace() -> tuple[str, ...]:
    tool = shutil.which("unshare")
    return (tool, "--user", "--map-user=1000", "--map-group=1000") if tool else ()


def _other_uid() -> tuple[str, ...]:
    tool = shutil.which("setpriv")
    identity = (f"--reuid={UNPRIVILEGED}", f"--regid={UNPRIVILEGED}", "--clear-groups")
    # A clone under /root is out of nobody's reach without this capability, which containers commonly leave to root.
    reach = ("--inh-caps=+dac_override", "--ambient-caps=+dac_override")
    return (tool, *identity, *reach) if tool else ()


def _works(prefix: tuple[str, ...]) -> bool:
    attempt = [*prefix, "sh", "-c", 'test "$(id -u)" != 0']
    return subprocess.run(attempt, check=False, capture_output=True, timeout=10).returncode == 0  # noqa: S603
