"""Runs a management command in a Django that has started already, and prints the seconds that the command took.

python -m tests.benchmarks.scale.command migrate_tenants
"""

from __future__ import annotations

import sys
from io import StringIO

import django

from tests.benchmarks.scale.contestant import timed

if __name__ == "__main__":
    django.setup()
    from django.core.management import call_command

    seconds = timed(lambda: call_command(*sys.argv[1:], stdout=StringIO()))
    print(seconds)  # noqa: T201 - whoever started this reads it
