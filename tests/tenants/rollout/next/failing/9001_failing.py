"""Fits an empty schema, and tenants without a repository called `bad`."""

from django.db import migrations, models

from tests.tenants.rollout.next import LAST


class Migration(migrations.Migration):
    dependencies = [("records", LAST)]
    operations = [
        migrations.AddField("repository", "note", models.CharField(max_length=100, null=True)),
        migrations.AddConstraint(
            "repository", models.CheckConstraint(condition=~models.Q(name="bad"), name="repositories_not_bad")
        ),
    ]
