"""From one key service to another: what was killed goes on, all opens meanwhile, and the keys stay the same."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from portal.demo.embedded import Stack
from secrets_vault import KeyServiceDenied
from tenants import certificates
from tenants.keyrings import forget_keyring, key_service, keyring_of
from tenants.registry.models import TenantKey
from tenants.rotation import key_services
from tests.conftest import Household, NewTenant, acting_as
from tests.tenants.operations.conftest import acts
from tests.tenants.rotation.conftest import ACTOR, age, attempts_of, furnish, opened, turn


@pytest.fixture
def veteran(former: str, new_tenant: NewTenant) -> Iterator[Household]:
    """A tenant from the former key service's days, with a retired version, a replaced and a current one."""
    with override_settings(KEY_SERVICE=former):
        key_service.cache_clear()
        house = new_tenant()
        with house.enter() as inside:
            furnish(inside)
        turn(house, "test")
        age(house)
        turn(house)
        turn(house, "test")
        forget_keyring(house.tenant.id)
    key_service.cache_clear()
    yield house
    forget_keyring(house.tenant.id)
    TenantKey.objects.using("owner").filter(tenant=house.tenant).exclude(key_service=key_service().key_id).delete()


@pytest.fixture
def changing(former: str, veteran: Household) -> Iterator[None]:
    with override_settings(KEY_SERVICE_OTHERS=[former]):
        key_service.cache_clear()
        yield
    key_service.cache_clear()


def command(*arguments: str) -> None:
    with acting_as("provisioner"):
        call_command("change_key_service", *arguments)


def services(house: Household) -> Counter[str]:
    return Counter(TenantKey.objects.filter(tenant=house.tenant).values_list("key_service", flat=True))


def test_killed_at_any_statement_every_key_opens_and_the_next_goes_on(
    veteran: Household, former: str, stack: Stack
) -> None:
    environment = {**stack.environment("provisioner"), "BULKHEAD_KEY_SERVICE_OTHERS": former}
    attempts = attempts_of("killed_change", veteran, environment)
    assert all(intact for _, intact, _ in attempts)
    assert sum(killed for killed, *_ in attempts) > 6
    assert any(len(by_service) == 2 for _, _, by_service in attempts), "some were killed between two versions"
    assert attempts[-1][2] == {key_service().key_id: 3}
    told = [act["subject"] for act in acts(veteran.tenant) if act["action"] == "key.rewrapped"]
    assert sorted(map(str, told)) == ["version 1", "version 2", "version 3"], "each once, however often it was begun"


@pytest.mark.usefixtures("changing")
def test_everything_opens_and_the_former_is_not_needed_any_more(
    veteran: Household, capsys: pytest.CaptureFixture[str]
) -> None:
    (before,) = services(veteran)
    with veteran.enter() as inside:
        plain, notice = opened(inside), certificates.notice(inside)
    with override_settings(KEY_SERVICE_OTHERS=[]):
        key_service.cache_clear()
        forget_keyring(veteran.tenant.id)
        with pytest.raises(KeyServiceDenied):
            keyring_of(veteran.tenant.id)
    key_service.cache_clear()
    command("--json")
    result = json.loads(capsys.readouterr().out)
    assert (result["moved"], result["failed"], result["left"]) == (3, 0, {})
    assert services(veteran) == {key_service().key_id: 3}
    act = acts(veteran.tenant)[-1]
    assert act["detail"] == {"from": before, "to": key_service().key_id}
    with override_settings(KEY_SERVICE_OTHERS=[]):
        key_service.cache_clear()
        forget_keyring(veteran.tenant.id)
        with veteran.enter() as inside:
            assert opened(inside) == plain
            assert certificates.notice(inside)["keys"] == notice["keys"], "a notice of before is good afterwards"
    command()
    assert "may be emptied" in capsys.readouterr().out


@pytest.mark.usefixtures("changing")
def test_a_key_of_nobodys_is_named_and_holds_up_nothing(
    veteran: Household, household: Household, capsys: pytest.CaptureFixture[str]
) -> None:
    key = TenantKey.objects.using("provisioner").filter(tenant=household.tenant)
    real = key.get().key_service
    key.update(key_service="local:of-nobody", key_id=None)
    try:
        with pytest.raises(CommandError, match="1 keys are left"):
            command("--json")
    finally:
        key.update(key_service=real)
    result = json.loads(capsys.readouterr().out)
    assert result["failures"] == {f"{household.tenant.id} 1": "another key service wrapped this tenant's key"}
    assert result["left"] == {"local:of-nobody": 1}
    assert services(veteran) == {key_service().key_id: 3}


@pytest.mark.usefixtures("changing")
def test_the_id_of_a_key_from_an_earlier_release_is_found_out(household: Household) -> None:
    key = TenantKey.objects.using("provisioner").filter(tenant=household.tenant)
    before = key.get()
    key.update(key_id=None)
    with acting_as("provisioner"):
        (outcome,) = [one for one in key_services.change(ACTOR) if one.tenant == household.tenant.id]
    assert not outcome.moved
    after = key.get()
    assert bytes(after.key_id or b"") == bytes(before.key_id or b"") == keyring_of(household.tenant.id).current.id
    assert bytes(after.wrapped) == bytes(before.wrapped)
    key.update(key_id=None)
    turn(household, "test")
    assert key.filter(key_id=None).count() == 0, "a rotation finds it out as well"
