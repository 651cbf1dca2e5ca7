"""Harbour Works signed up by contract; its owner is GitHub's user 1001."""

from django.db import migrations

from tenants.operations import CreateTenant


class Migration(migrations.Migration):
    dependencies = [("registry", "0001_initial"), ("records", "0002_audit_chain")]
    operations = [CreateTenant("harbour-works", name="Harbour Works", owner=("github", "1001"))]
