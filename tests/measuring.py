"""Processes that no coverage is taken of: those that do much, over lines that other tests measure."""

from __future__ import annotations

import os
from typing import Final

_MEASURING: Final = "COVERAGE_"  # how coverage.py's variables begin, by which it measures processes that are started


def unmeasured() -> dict[str, str]:
    """Return this process's environment without them: measuring takes about as long as the work itself."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_MEASURING)}
