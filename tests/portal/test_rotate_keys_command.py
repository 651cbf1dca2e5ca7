"""`manage.py rotate_keys`: what it prints, and how it ends."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from django.core.management import CommandError, call_command

from tenants.registry.models import TenantKey
from tests.conftest import Household, acting_as
from tests.tenants.rotation.conftest import age


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with acting_as("provisioner"):
        call_command("rotate_keys", *arguments)
    return capsys.readouterr().out


def test_one_tenant_gets_a_new_key(household: Household, capsys: pytest.CaptureFixture[str]) -> None:
    result = json.loads(run(capsys, "--tenant", household.slug, "--json"))
    assert result["seconds"] > 0
    del result["seconds"]
    assert result == {"rotated": 1, "items": 1, "retired": 0, "waiting": 1, "failed": {}, "left": 0}
    assert TenantKey.objects.filter(tenant=household.tenant).count() == 2


def test_what_is_due_is_finished(household: Household, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "--tenant", household.slug)
    age(household)
    with acting_as("provisioner"), suppress(CommandError):  # another test's tenant may hold what does not open
        call_command("rotate_keys", "--due")
    assert "old versions retired" in capsys.readouterr().out
    assert not TenantKey.objects.filter(tenant=household.tenant, version=1, retired_at=None).exists()


def test_an_unknown_tenant_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match="no tenant nobody"):
        run(capsys, "--tenant", "nobody")
