"""Changes a table and rewrites its rows at once."""

from django.db import migrations, models

from tests.tenants.rollout.next import LAST


class Migration(migrations.Migration):
    dependencies = [("records", LAST)]
    operations = [
        migrations.AddField("repository", "note", models.CharField(max_length=100, null=True)),
        migrations.RunPython(migrations.RunPython.noop, migrations.RunPython.noop),
    ]
