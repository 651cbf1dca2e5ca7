"""Uploaded files stay in memory: what somebody uploads here is a secret, and a temporary file would be a copy of it."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import MemoryFileUploadHandler


class InMemory(MemoryFileUploadHandler):
    def handle_raw_input(self, *args: Any, **kwargs: Any) -> None:
        """Raises RequestDataTooBig for a request above FILE_UPLOAD_MAX_MEMORY_SIZE, before any of it is kept."""
        super().handle_raw_input(*args, **kwargs)
        if not self.activated:
            raise RequestDataTooBig
