"""A tenant's key is replaced: what changes, what does not, and when the old one is refused."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.apps import apps
from django.db import DataError, connections, models
from django.test import override_settings

from secrets_vault import UnknownKeyVersion, blob, describe, seal
from tenants.actions import parameters
from tenants.databases.router import RECORDS
from tenants.keyrings import keyring_of
from tenants.records.models import AuditRow, KeyUse, ParameterVersion
from tenants.records.sealed import NOT_SEALED, SEALED
from tenants.registry.models import Tenant, TenantKey, TenantState
from tenants.rotation import campaign, due
from tenants.rotation.rewrapping import BATCH
from tests.conftest import Household, acting_as
from tests.tenants.rotation.conftest import age, opened, sealed, turn
from tests.tenants.statements import use_everything


def test_no_column_of_bytes_is_forgotten() -> None:
    """A new one is declared sealed, or it is said what it holds instead."""
    columns = {
        f"{model._meta.db_table}.{field.column}"
        for model in apps.get_app_config(RECORDS).get_models()
        for field in model._meta.get_fields()
        if isinstance(field, models.BinaryField)
    }
    declared = {column.purpose for column in SEALED}
    assert columns == declared | NOT_SEALED.keys()
    assert not declared & NOT_SEALED.keys()


def test_every_item_key_is_wrapped_anew_and_no_payload_changes(furnished: Household) -> None:
    with furnished.enter() as inside:
        before, plain = sealed(inside), opened(inside)
        assert {purpose for purpose, _ in before} == {column.purpose for column in SEALED}
    outcome = turn(furnished, "test")
    assert (outcome.added, outcome.items, outcome.waiting, outcome.failure) == (2, len(before), True, "")
    with furnished.enter() as inside:
        after = sealed(inside)
        assert after.keys() == before.keys()
        for at, value in after.items():
            assert describe(value).key_version == 2
            assert value[blob.WRAPPING] != before[at][blob.WRAPPING]
            assert value[: blob.WRAPPING.start] + value[blob.WRAPPING.stop :] == (
                before[at][: blob.WRAPPING.start] + before[at][blob.WRAPPING.stop :]
            )
        assert opened(inside) == plain


def test_what_the_actions_seal_is_found_at_its_place(
    household: Household, neighbour: Household, no_worker: None
) -> None:
    use_everything(household, neighbour)
    for house in (household, neighbour):
        assert turn(house, "test").failure == ""
        with house.enter() as inside:
            assert {describe(value).key_version for value in sealed(inside).values()} <= {2}


def test_an_old_version_is_retired_once_every_process_knows_the_new_one(furnished: Household) -> None:
    with furnished.enter() as inside:
        before = sealed(inside)
    turn(furnished, "test")
    assert turn(furnished).waiting, "too early"
    age(furnished)
    assert turn(furnished).retired == (1,)
    assert list(TenantKey.objects.filter(tenant=furnished.tenant, retired_at=None).values_list("version")) == [(2,)]
    with furnished.enter() as inside:
        opened(inside)
        row = ParameterVersion.objects.get(id=min(int(key) for at, key in before if at == "parameter_versions.sealed"))
        old = before["parameter_versions.sealed", str(row.id)]
        with pytest.raises(UnknownKeyVersion):
            inside.open(inside.place("parameter_versions.sealed", row.parameter_id, row.version), old)
    assert not turn(furnished).waiting


def test_each_step_is_in_the_tenants_log(furnished: Household) -> None:
    turn(furnished, "age")
    age(furnished)
    turn(furnished)
    with furnished.enter():
        rows = [json.loads(row.entry) for row in AuditRow.objects.filter(entry__contains='"action":"key.')]
    assert [(row["action"], row["subject"], row["detail"]) for row in sorted(rows, key=lambda row: row["action"])] == [
        ("key.added", "version 2", {"reason": "age"}),
        ("key.retired", "version 1", {}),
    ]


def test_uses_are_counted_where_values_are_stored(household: Household) -> None:
    with household.enter() as inside:
        kept = parameters.create_set(inside, name="build", description="", filters=[])
        uses = KeyUse.objects.get(version=1).uses  # its first is the private half of the sealing key
        for name in ("A", "B"):
            parameters.set_parameter(inside, kept.id, name=name, value="value")
        stored = len(sealed(inside))
        assert KeyUse.objects.get(version=1).uses == stored > uses
    turn(household, "test")
    with household.enter():
        assert KeyUse.objects.get(version=2).uses == stored


def test_what_is_rolled_back_is_counted_with_what_is_stored_next(household: Household) -> None:
    with household.enter() as inside:
        place = inside.place("parameter_versions.sealed", household.owner.id, 1)
        with pytest.raises(DataError), inside.transaction():
            ParameterVersion.objects.filter(sealed=inside.seal(place, b"never stored")).update(version=2**40)
        assert KeyUse.objects.get(version=1).uses == 1
        with inside.transaction():
            inside.seal(place, b"stored")
        assert KeyUse.objects.get(version=1).uses == 3


def test_a_late_value_under_the_old_key_is_found_by_the_last_pass(furnished: Household) -> None:
    stale = keyring_of(furnished.tenant.id)
    turn(furnished, "test")
    with furnished.enter() as inside:
        row = ParameterVersion.objects.order_by("id").first()
        assert row is not None
        place = inside.place("parameter_versions.sealed", row.parameter_id, row.version)
        ParameterVersion.objects.filter(id=row.id).update(sealed=seal(stale, place, b"late"))
    age(furnished)
    outcome = turn(furnished)
    assert (outcome.items, outcome.retired) == (1, (1,))
    with furnished.enter() as inside:
        row.refresh_from_db()
        assert inside.open(place, bytes(row.sealed)) == b"late"


def test_an_item_that_does_not_open_keeps_its_key_and_holds_up_no_other(furnished: Household) -> None:
    with furnished.enter() as inside:
        broken = ParameterVersion.objects.order_by("id").values_list("id", flat=True)[0]
        with connections[inside.alias].cursor() as cursor:  # a byte of the wrapped item key
            cursor.execute(
                "UPDATE parameter_versions SET sealed = set_byte(sealed, 50, 255 - get_byte(sealed, 50)) WHERE id = %s",
                [broken],
            )
        others = len(sealed(inside)) - 1
    outcome = turn(furnished, "test")
    assert outcome.items == others
    assert outcome.failure == f"1 items do not open: parameter_versions.sealed {broken}"
    age(furnished)
    assert turn(furnished).retired == ()
    assert TenantKey.objects.filter(tenant=furnished.tenant, retired_at=None).count() == 2


def test_more_than_a_batch_is_rewrapped(household: Household) -> None:
    with household.enter() as inside:
        kept = parameters.create_set(inside, name="build", description="", filters=[])
        made = parameters.set_parameter(inside, kept.id, name="A", value="value")
        count = 2 * BATCH + 1
        rows = [
            ParameterVersion(
                parameter_id=made.id,
                version=number,
                author="test",
                sealed=inside.seal(inside.place("parameter_versions.sealed", made.id, number), b"value"),
            )
            for number in range(2, count + 1)
        ]
        ParameterVersion.objects.bulk_create(rows)
        stored = len(sealed(inside))
    assert turn(household, "test").items == stored
    with household.enter() as inside:
        assert {describe(value).key_version for value in sealed(inside).values()} == {2}


def test_a_suspended_tenant_rotates_too(furnished: Household) -> None:
    Tenant.objects.using("provisioner").filter(id=furnished.tenant.id).update(state=TenantState.SUSPENDED)
    outcome = turn(furnished, "test")
    assert (outcome.added, outcome.failure) == (2, "")


def test_a_destroyed_tenant_is_nothing_to_rotate(furnished: Household) -> None:
    gone = Household(Tenant(id=furnished.owner.id), furnished.owner)
    assert turn(gone).failure == ""


def test_keys_come_of_age(furnished: Household) -> None:
    with acting_as("provisioner"), override_settings(KEY_ROTATION_DAYS=1):
        assert furnished.tenant.id not in due.aged()
        age(furnished, timedelta(days=1))
        assert furnished.tenant.id in due.aged()
        assert (furnished.tenant.id, "age") in list(campaign.work())


def test_use_alone_forces_a_rotation(furnished: Household) -> None:
    with furnished.enter():
        uses = KeyUse.objects.get(version=1).uses
    with acting_as("provisioner"):
        with override_settings(KEY_MAX_USES=uses + 1):
            assert furnished.tenant.id not in due.worn()
        with override_settings(KEY_MAX_USES=uses):
            assert furnished.tenant.id in due.worn()
            assert (furnished.tenant.id, "use") in list(campaign.work())
