"""Recompiles the locks (`make locks`), or with `--check` says which no longer match pyproject.toml.

A lock's first line holds a hash of what it was compiled from, so that checking needs neither a resolver nor a network.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path
from typing import Any

LOCKS = Path(__file__).parent
PROJECT = LOCKS.parents[1] / "pyproject.toml"
KEY_SERVICES = ["aws", "vault", "google", "azure"]
# Lock name → whether it holds the project's own dependencies, which of its extras, and which dependency groups.
# A deployment installs `runtime`, or the one in its place that also has the client of its key service.
CONTENTS: dict[str, tuple[bool, list[str], list[str]]] = {
    "installer": (False, [], ["installer"]),
    "development": (True, KEY_SERVICES, ["development"]),
    "runtime": (True, [], []),
    **{f"runtime-{extra}": (True, [extra], []) for extra in KEY_SERVICES},
    "bench": (True, [], ["embedded", "bench"]),
}
OPTIONS = [
    "--universal",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-annotate",
    "--no-header",
    "--python-version=3.11",
]


def main() -> int:
    if "--check" not in sys.argv[1:]:
        for name in CONTENTS:
            compile_lock(name)
    complaints = [complaint for name in CONTENTS for complaint in faults(name)]
    for complaint in complaints:
        sys.stderr.write(f"{complaint}\n")
    return 1 if complaints else 0


def header(name: str) -> str:
    """Return the first line of a lock: the SHA-256 of what pyproject.toml says of its contents."""
    return f"# Compiled by `make locks` from inputs {hashlib.sha256(json.dumps(inputs(name)).encode()).hexdigest()}"


def inputs(name: str) -> list[str]:
    document: dict[str, Any] = tomllib.loads(PROJECT.read_text(encoding="utf-8"))
    with_project, extras, groups = CONTENTS[name]
    required = list(document["project"]["dependencies"]) if with_project else []
    for extra in extras:
        required += document["project"]["optional-dependencies"][extra]
    for group in groups:
        required += _members(document["dependency-groups"], group)
    return [document["project"]["requires-python"], *OPTIONS, *sorted(set(required))]


def _members(groups: dict[str, list[Any]], name: str) -> list[str]:
    found: list[str] = []
    for member in groups[name]:
        found += [member] if isinstance(member, str) else _members(groups, member["include-group"])
    return found


def faults(name: str) -> list[str]:
    """Return what is wrong with a lock: stale, an address in it, or a requirement without a hash."""
    path = LOCKS / f"{name}.txt"
    first, _, body = path.read_text(encoding="utf-8").partition("\n") if path.exists() else ("", "", "")
    found = [] if first == header(name) else [f"{path.name} is stale: run `make locks`"]
    if "://" in body:
        found.append(f"{path.name} holds a download address: requirements are names, versions and hashes")
    pins = re.split(r"\n(?=\S)", body.strip())
    return found + [f"{path.name}: {pin.split()[0]} has no hash" for pin in pins if pin and "--hash=sha256:" not in pin]


def compile_lock(name: str) -> None:
    path = LOCKS / f"{name}.txt"
    with_project, extras, groups = CONTENTS[name]
    command = [f"{sysconfig.get_path('scripts')}/uv", "pip", "compile", "--quiet", *OPTIONS, "--output-file", str(path)]
    command += [str(PROJECT)] if with_project else []
    for extra in extras:
        command += ["--extra", extra]
    for group in groups:
        command += ["--group", f"{PROJECT}:{group}"]
    # What is deployed and what is measured has the versions that are tested.
    tested = name in {"installer", "development"}
    command += [] if tested else ["--constraints", str(LOCKS / "development.txt")]
    subprocess.run([*command, *sys.argv[1:]], check=True)  # noqa: S603 - uv, with our own arguments
    path.write_text(f"{header(name)}\n{path.read_text(encoding='utf-8')}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
