"""What the release before this one, still running while tenants are migrated, would fail on."""

from django.db import migrations, models

from tests.tenants.rollout.next import LAST


class Migration(migrations.Migration):
    dependencies = [("records", LAST)]
    operations = [
        migrations.RemoveField("repository", "url"),
        migrations.RenameField("repository", "labels", "tags"),
        migrations.AddField("repository", "note", models.CharField(max_length=100, default="")),
    ]
