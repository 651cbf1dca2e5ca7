"""`manage.py prove_isolation`: what it prints, and its exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from portal.demo.embedded import Stack
from tenants.isolation.areas import attempts
from tests.conftest import Household, acting_as


def run(*arguments: str) -> str:
    out = StringIO()
    with acting_as("worker"):
        call_command("prove_isolation", *arguments, stdout=out)
    return out.getvalue()


def test_a_table_says_what_held(household: Household, neighbour: Household) -> None:
    said = run("--tenant", household.slug, "--tenant", neighbour.slug)
    assert said.splitlines()[0].split() == ["Area", "Attempts", "Held", "Escaped", "Unclear", "Known"]
    assert "Other tenants" in said
    assert "2 of 2 compartments are closed." in said


def test_json_is_complete(household: Household) -> None:
    tenant, summary = map(json.loads, run("--tenant", household.slug, "--json").splitlines())
    assert tenant["tenant"] == household.slug
    assert tenant["closed"] is True
    assert [row["key"] for row in tenant["attempts"]] == [attempt.key for attempt in attempts()]
    assert {"area", "tried", "outcome", "answer", "said"} <= tenant["attempts"][0].keys()
    assert summary["tenants"] == 1
    assert summary["escaped"] == summary["unclear"] == summary["not_closed"] == 0
    assert summary["held"] + summary["known"] == len(attempts())


def test_an_escape_ends_it_with_an_error(household: Household, stack: Stack) -> None:
    """As an operator runs it: a process of its own, with the worker's role."""
    import psycopg  # noqa: PLC0415

    schema = household.tenant.schema
    with psycopg.connect(**stack.administrator(), dbname="bulkhead", autocommit=True) as administrator:  # type: ignore[arg-type]  # psycopg's stubs want each by name
        administrator.execute(f"GRANT CREATE ON SCHEMA {schema} TO {schema}")
    done = subprocess.run(
        [sys.executable, "manage.py", "prove_isolation", "--tenant", household.slug],
        env={**os.environ, **stack.environment("worker")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert f"{household.slug}: escaped: Create a table in the own schema" in done.stdout
    assert "0 of 1 compartments are closed." in done.stdout
    assert "1 of 1 compartments were not proven closed." in done.stderr


def test_an_unknown_tenant_is_named() -> None:
    with pytest.raises(CommandError, match="There is no tenant nowhere"):
        run("--tenant", "nowhere")


def test_a_process_that_may_not_store_it_says_so(household: Household) -> None:
    with pytest.raises(CommandError, match="could not go on: permission denied"):
        call_command("prove_isolation", "--tenant", household.slug, stdout=StringIO())
