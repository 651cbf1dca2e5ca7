"""The records' migrations and, after them, those that a benchmark writes into a directory of its own.

Both sides read this package: the tables that they migrate are the same by construction.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from tenants.records import migrations as frozen

ADDED: Final = Path(os.environ["BENCH_MIGRATIONS"]) if os.environ.get("BENCH_MIGRATIONS") else None
__path__ = [*frozen.__path__, *([str(ADDED)] if ADDED else [])]

_MIGRATION: Final = """\
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("records", "{last}")]
    operations = [
        migrations.AddField("repository", "note_{number}", models.CharField(max_length=100, null=True)),
    ]
"""


def add(directory: Path, number: int) -> str:
    """Write the next additive migration (a nullable column) into `directory`; return its name."""
    known = sorted(
        path.stem for folder in (Path(frozen.__file__ or "").parent, directory) for path in folder.glob("[0-9]*.py")
    )
    name = f"9{number:03}_note"
    (directory / f"{name}.py").write_text(_MIGRATION.format(last=known[-1], number=number))
    return name
