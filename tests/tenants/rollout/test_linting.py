"""`make check` stops a migration that the release before it, which serves on meanwhile, would fail on."""

from __future__ import annotations

import pytest
from django.test import override_settings

from deploy.migrations import lint
from tests.conftest import acting_as
from tests.tenants.rollout.conftest import modules_of


def test_unsafe_migrations_are_named_with_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    with acting_as("owner"), override_settings(MIGRATION_MODULES=modules_of("unsafe")):
        assert lint() == 1
    told = capsys.readouterr().out
    assert "(records, 9001_unsafe)... ERR" in told
    for wrong in ("DROPPING columns", "RENAMING columns", "NOT NULL constraint", "whose default is Django's alone"):
        assert wrong in told
    assert "0001_initial" not in told


@pytest.mark.parametrize("package", ["additive", "code"])
def test_additive_migrations_and_data_migrations_are_safe(package: str) -> None:
    with acting_as("owner"), override_settings(MIGRATION_MODULES=modules_of(package)):
        assert lint() == 0
