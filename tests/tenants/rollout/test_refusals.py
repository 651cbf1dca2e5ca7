"""What can't be brought to tenants safely is refused, with what would be right, before anything runs."""

from __future__ import annotations

import psycopg
import pytest

from tenants.provisioning.fitness import judge_statement
from tenants.provisioning.line import UnfitMigrationError
from tenants.provisioning.render import rehearse
from tenants.rollout.waves import waves
from tests.tenants.rollout.conftest import Fleet, Roll, line_of, slugs, versions
from tests.tenants.rollout.next import LAST
from tests.tenants.rollout.targets import targets


@pytest.mark.parametrize(
    ("package", "told"),
    [
        ("mixed", "9001_mixed mixes RunPython with other operations. Give RunPython a migration of its own"),
        ("concurrent", "9001_concurrent is not atomic"),
        ("clumsy", "9001_clumsy does not run: ALTER TABLE repositorys"),
    ],
)
def test_it_is_refused_before_anything_runs(fleet: Fleet, roll: Roll, package: str, told: str) -> None:
    households = fleet(1)
    with pytest.raises(UnfitMigrationError, match=told):
        roll(package, slugs(households))
    assert versions(households) == [LAST]


@pytest.mark.parametrize(
    "statement",
    ["COMMIT", "SELECT 1;\n  commit;", "ROLLBACK;", "BEGIN;", "begin transaction", "START TRANSACTION", "END;"],
)
def test_a_statement_that_ends_the_transaction_is_refused(statement: str) -> None:
    with pytest.raises(UnfitMigrationError, match="transaction of its own"):
        judge_statement("0009_x", statement)


def test_a_function_is_no_transaction() -> None:
    judge_statement("0009_x", "CREATE FUNCTION f() RETURNS trigger AS $$\nBEGIN\n  RETURN NEW;\nEND;\n$$;")
    judge_statement("0009_x", "ALTER TABLE x ADD CONSTRAINT y UNIQUE (z);")


def test_a_rehearsal_leaves_nothing(administrator: psycopg.Connection) -> None:
    rehearse(line_of("additive"), using="provisioner")
    found = administrator.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'rehearsal%'")
    assert found.fetchall() == []


def test_waves_are_canaries_a_tenth_and_the_rest() -> None:
    sizes = [(wave.name, len(wave.targets)) for wave in waves(targets(201), 1)]
    assert sizes == [("canaries", 1), ("a tenth", 20), ("the rest", 180)]
    assert [wave.name for wave in waves(targets(1), 1)] == ["canaries"]
    assert [len(wave.targets) for wave in waves(targets(3), 5)] == [3]


def test_who_failed_last_time_goes_first() -> None:
    first, *_ = waves(targets(9, failed={5}), 1)
    assert [target.slug for target in first.targets] == ["t0005"]
