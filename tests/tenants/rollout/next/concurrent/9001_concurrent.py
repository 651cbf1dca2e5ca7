"""Builds an index outside any transaction."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

from tests.tenants.rollout.next import LAST


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("records", LAST)]
    operations = [AddIndexConcurrently("repository", models.Index(fields=["url"], name="repositories_url"))]
