"""Fails in every schema, the empty one too."""

from django.db import migrations

from tests.tenants.rollout.next import LAST


class Migration(migrations.Migration):
    dependencies = [("records", LAST)]
    operations = [migrations.RunSQL("ALTER TABLE repositorys ADD COLUMN note text")]
