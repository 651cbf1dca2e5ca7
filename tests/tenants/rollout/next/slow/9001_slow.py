"""Takes its time in every schema."""

from django.db import migrations

from tests.tenants.rollout.next import LAST


class Migration(migrations.Migration):
    dependencies = [("records", LAST)]
    operations = [migrations.RunSQL("SELECT pg_sleep(0.6)")]
