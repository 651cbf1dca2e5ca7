"""The documents: what they say is what the code does."""

from __future__ import annotations

from pathlib import Path

import pytest

from portal.pages import matrix
from portal.pages.threats import THREATS, Threat
from tenants.roles import BUILD_GRANTS, GRANTS, Permission, Role
from tests.portal.views.conftest import NewVisitor, text

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("path", ["/docs/", "/docs/roles/", "/docs/threat-model/", "/docs/keys/", "/docs/events/"])
def test_anybody_may_read_them(path: str, visit: NewVisitor) -> None:
    assert visit().get(path).status_code == 200


def test_the_matrix_is_the_code(visit: NewVisitor) -> None:
    rows = [row for group in matrix.groups() for row in group.rows]
    assert [row.permission for row in rows] == sorted(Permission)
    holders = {role.value: GRANTS[role] for role in Role} | {"build": BUILD_GRANTS}
    assert {
        (row.permission, holder) for row in rows for holder, granted in zip(holders, row.cells, strict=True) if granted
    } == {(permission, holder) for holder, permissions in holders.items() for permission in permissions}
    page = text(visit().get("/docs/roles/"))
    assert page.replace("unless granted", "").count("granted") == sum(map(len, holders.values()))
    assert all(permission in page and role.description in page for permission in Permission for role in Role)


@pytest.mark.parametrize("threat", THREATS, ids=lambda threat: threat.ids)
def test_every_proof_exists(threat: Threat) -> None:
    assert threat.tests
    assert all((ROOT / test).is_file() for test in threat.tests)
