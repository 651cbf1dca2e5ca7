"""`manage.py drift`: what it prints, and how it ends."""

from __future__ import annotations

import json

import psycopg
import pytest
from django.core.management import CommandError, call_command

from tests.conftest import Household, acting_as


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Return exit code and output."""
    code = 0
    try:
        with acting_as("provisioner"):
            call_command("drift", *arguments)
    except SystemExit as end:
        code = int(end.code or 0)
    return code, capsys.readouterr().out


def test_no_drift_is_success(household: Household, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--tenant", household.slug) == (0, "1 tenants compared: no drift\n")


def test_drift_is_failure_until_it_is_repaired(
    household: Household, administrator: psycopg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    name = household.tenant.schema
    administrator.execute(f"ALTER ROLE {name} SET work_mem = '1GB'; ALTER ROLE {name} BYPASSRLS")
    code, shown = run(capsys, "--tenant", household.slug)
    assert code == 1
    assert "setting work_mem" in shown
    assert f'ALTER ROLE "{name}" NOBYPASSRLS;' in shown
    code, shown = run(capsys, "--tenant", household.slug, "--repair")
    assert code == 1
    assert "1 differences left, 1 repaired" in shown
    administrator.execute(f"ALTER ROLE {name} NOBYPASSRLS; ALTER ROLE {name} SET work_mem = '1GB'")
    code, shown = run(capsys, "--tenant", household.slug, "--repair", "--json")
    (finding,) = json.loads(shown)["findings"]
    assert (code, finding["repaired"], finding["live"]) == (0, True, "1GB")


def test_an_unknown_tenant_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match="no tenant nobody"):
        run(capsys, "--tenant", "nobody")
