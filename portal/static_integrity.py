"""Static files whose manifest also records a Subresource Integrity digest, computed when they are collected."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cached_property
from typing import Any

from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

CHECKED = (".css", ".js")


class IntegrityStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise has no types
    """Names each file by its content and keeps `sha384-…` of every style and script in the manifest.

    The digest is taken at build, never at serving: a file changed afterwards is one that browsers refuse.
    """

    def save_manifest(self) -> None:
        super().save_manifest()
        manifest = json.loads(self.read_manifest())
        manifest["integrity"] = {
            name: self._digest(stored) for name, stored in self.hashed_files.items() if name.endswith(CHECKED)
        }
        self.manifest_storage.delete(self.manifest_name)
        self.manifest_storage._save(self.manifest_name, ContentFile(json.dumps(manifest).encode()))  # noqa: SLF001 - as Django's own save_manifest does: no alternative name
        self.__dict__.pop("digests", None)

    @cached_property
    def digests(self) -> dict[str, str]:
        content = self.read_manifest()
        stored: dict[str, Any] = json.loads(content) if content else {}
        return dict(stored.get("integrity", {}))

    def integrity(self, name: str) -> str:
        """Return the `integrity` attribute of a collected style or script; KeyError when it is not collected."""
        return self.digests[name]

    def _digest(self, stored: str) -> str:
        with self.open(stored) as file:
            return "sha384-" + base64.b64encode(hashlib.sha384(file.read()).digest()).decode()
