"""Ends the transaction it runs in, in words that no pattern looks for."""

from django.db import migrations

from tests.tenants.rollout.next import LAST


class Migration(migrations.Migration):
    dependencies = [("records", LAST)]
    operations = [migrations.RunSQL("DO $$BEGIN END$$ /* and */; /* then */ COMMIT")]
