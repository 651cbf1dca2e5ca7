"""Rewrites rows by Python: every repository's note says how often this ran."""

from typing import Any

from django.db import migrations


def count(apps: Any, schema_editor: Any) -> None:
    repositories = apps.get_model("records", "Repository").objects
    for repository in repositories.all():
        repository.note = f"{repository.note}+{schema_editor.connection.settings_dict['USER']}"
        repository.save()
        if repository.name == "stumble":
            raise ValueError("stumbled")


class Migration(migrations.Migration):
    dependencies = [("records", "9001_additive")]
    operations = [migrations.RunPython(count, migrations.RunPython.noop)]
