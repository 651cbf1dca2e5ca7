"""The reference's process."""

from __future__ import annotations

import django

from tests.benchmarks.scale.contestant import serve

django.setup()

from tests.benchmarks.scale.requests import served  # noqa: E402 - Django first

if __name__ == "__main__":
    serve({"served": served})
