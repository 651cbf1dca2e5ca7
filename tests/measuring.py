"""Processes that no coverage is taken of: those that do much, over lines that other tests measure."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest

_MEASURING: Final = "COVERAGE_"  # how coverage.py's variables begin, by which it measures processes that are started


def unmeasured() -> dict[str, str]:
    """Return this process's environment without them: measuring takes about as long as the work itself."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_MEASURING)}


@contextmanager
def measuring_nothing() -> Iterator[None]:
    """Let no process that is started meanwhile measure, whoever starts it."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ.keys() - unmeasured().keys():
            patch.delenv(name)
        yield
