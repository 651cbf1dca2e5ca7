"""Rotations that are killed, cut off, or run beside writers that have not heard of them: nothing is ever lost."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest
from django.db import connections
from django.test import override_settings

from portal.demo.embedded import Stack
from secrets_vault import Keyring, KeyServiceUnavailable, blob, describe, seal
from tenants.actions import parameter_search, parameters, ssh_keys
from tenants.compartment import Compartment
from tenants.databases.base import close_compartments
from tenants.keyrings import key_service, keyring_of
from tenants.records.models import KeyUse, SSHKey
from tenants.records.sealed import SEALED
from tenants.registry.models import TenantKey
from tenants.rotation import campaign, rewrapping, versions
from tests.conftest import Household, acting_as
from tests.portal.api.conftest import new_token, text_of
from tests.tenants.rotation.conftest import ACTOR, age, attempts_of, opened, sealed, turn


def test_killed_at_any_statement_nothing_is_lost_and_the_next_goes_on(furnished: Household, stack: Stack) -> None:
    attempts = attempts_of("killed", furnished, stack.environment("provisioner"))
    assert all(intact for _, intact, _, _ in attempts)
    assert sum(killed for killed, *_ in attempts) > 8
    assert any(len(by_version) == 2 for _, _, by_version, _ in attempts), "some were killed between two batches"
    with furnished.enter() as inside:
        assert attempts[-1][2:] == [{"2": len(sealed(inside))}, [2]]


def test_a_writer_with_the_old_key_is_refused_once_it_is_closed(household: Household) -> None:
    """What the cache of another process does: it seals under version 1 and has not committed when that is closed."""
    with household.enter() as inside:
        stale = keyring_of(household.tenant.id)
        turn(household, "test")
        versions.close(inside, [1])
        key = SSHKey(name="late", kind="ssh-ed25519", bits=256)
        with pytest.raises(KeyServiceUnavailable):
            _store_late(inside, stale, key)
        assert not SSHKey.objects.filter(name="late").exists()
        ssh_keys.generate_key(inside, name="late", filters=[])
        assert KeyUse.objects.get(version=1).uses == 1


def test_a_key_for_digests_is_not_left_under_a_closed_version(household: Household) -> None:
    """It is made where somebody only searches as well; what was left would never open, and nothing could be stored."""
    stale = keyring_of(household.tenant.id)
    turn(household, "test")
    age(household)
    assert turn(household).retired == (1,)
    with household.enter() as inside:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("tenants.compartment.keyring_of", lambda _: stale)  # as another process may remember it
            with pytest.raises(KeyServiceUnavailable):
                parameter_search.find_value(inside, "guess")
        kept = parameters.create_set(inside, name="kept", description="", filters=[])
        parameters.set_parameter(inside, kept.id, name="NAME", value="value")


def _store_late(inside: Compartment, stale: Keyring, key: SSHKey) -> None:
    with inside.transaction():
        key.sealed = seal(stale, inside.place("ssh_keys.sealed", key.id, 1), b"late")
        inside.uses[stale.current.version] += 1
        key.save(force_insert=True)


def test_closing_waits_for_whoever_is_about_to_commit(household: Household) -> None:
    """A writer that has counted its use commits first; the last pass sees what it stored."""

    def close() -> None:
        with household.enter() as inside:
            versions.close(inside, [1])
        close_compartments()
        connections.close_all()

    with ThreadPoolExecutor(1) as threads, household.enter() as inside:
        with inside.transaction():
            key = SSHKey(name="late", kind="ssh-ed25519", bits=256)
            key.sealed = inside.seal(inside.place("ssh_keys.sealed", key.id, 1), b"late")
            key.save(force_insert=True)
            inside.note_uses()
            closing = threads.submit(close)
            time.sleep(0.3)
            assert not closing.done()
        closing.result(60)


def test_the_running_portal_loses_nothing_while_its_keys_are_older(household: Household, portal_url: str) -> None:
    """Its processes remember version 1 for minutes; it is retired far sooner than it ever would be."""
    headers = {"Authorization": f"Bearer {text_of(new_token(household))}"}
    stored = []

    def store(name: str) -> int:
        answer = httpx.post(
            f"{portal_url}/api/v1/tenants/{household.slug}/ssh-keys",
            json={"name": name, "filters": []},
            headers=headers,
            timeout=30,
        )
        stored.extend([name] * (answer.status_code == 201))
        return answer.status_code

    assert {store(f"before-{number}") for number in range(6)} == {201}
    turn(household, "test")
    age(household)
    assert turn(household).retired == (1,)
    statuses = [store(f"after-{number}") for number in range(12)]
    assert set(statuses) <= {201, 503}
    assert statuses.count(503) <= 2, "each of the two processes is told once"
    with household.enter() as inside:
        opened(inside)
        assert set(SSHKey.objects.values_list("name", flat=True)) == set(stored)
        assert {describe(value).key_version for value in sealed(inside).values()} == {2}


def test_two_rotations_at_once_make_one_version(furnished: Household) -> None:
    with furnished.enter() as inside, acting_as("provisioner"):
        first = versions.fresh_keyring(furnished.tenant.id)
        assert versions.add_version(furnished.tenant.id, ACTOR, "test") == 2
        # The slower one has not heard of version 2, and finds nothing that is older than its own.
        assert rewrapping.rewrap_all(inside.alias, first).rewrapped == 0
        versions.close(inside, [1])
        third = versions.fresh_keyring(furnished.tenant.id)
        assert rewrapping.rewrap_all(inside.alias, third).rewrapped > 0


def test_a_rotation_that_was_overtaken_stores_nothing(furnished: Household) -> None:
    """It was rewrapping to version 2 when another rotation was so far as to close that one."""
    turn(furnished, "test")
    column = next(column for column in SEALED if column.purpose == "ssh_keys.sealed")
    with furnished.enter() as inside:
        before = sealed(inside)
        versions.close(inside, [2])
        row = SSHKey.objects.get()
        change = (row.id, bytes(row.sealed or b"")[blob.WRAPPING], bytes(80))
        with pytest.raises(rewrapping.SupersededError):
            rewrapping._store(inside.alias, 2, column, [change])
        assert sealed(inside) == before


def test_a_value_that_is_replaced_while_its_batch_is_wrapped_stays(furnished: Household) -> None:
    column = next(column for column in SEALED if column.purpose == "ssh_keys.sealed")
    with acting_as("provisioner"):
        versions.add_version(furnished.tenant.id, ACTOR, "test")
    keyring, done = keyring_of(furnished.tenant.id), rewrapping.Pass()
    with furnished.enter() as inside:
        batch = next(rewrapping._batches(inside.alias, column, keyring.current.version))
        (row,) = SSHKey.objects.all()
        place = inside.place("ssh_keys.sealed", row.id, 1)
        SSHKey.objects.update(sealed=inside.seal(place, b"replaced"))
        rewrapping._rewrap(inside.alias, keyring, column, batch, done)
        row.refresh_from_db()
        assert inside.open(place, bytes(row.sealed or b"")) == b"replaced"
        assert done.rewrapped == 0


def test_a_slice_ends_in_time_and_the_next_goes_on(furnished: Household) -> None:
    age(furnished, timedelta(days=400))
    with acting_as("provisioner"):
        assert campaign.rotate_due(seconds=0.0)
        for _ in range(20):
            if not campaign.rotate_due(seconds=60.0):
                break
    with furnished.enter() as inside:
        assert {describe(value).key_version for value in sealed(inside).values()} == {2}


def test_a_key_service_that_is_away_changes_nothing(furnished: Household) -> None:
    with override_settings(KEY_SERVICE="local:/nonexistent"), acting_as("provisioner"):
        key_service.cache_clear()
        try:
            with pytest.raises(KeyServiceUnavailable):
                turn(furnished, "test")
        finally:
            key_service.cache_clear()
    assert TenantKey.objects.filter(tenant=furnished.tenant).count() == 1
