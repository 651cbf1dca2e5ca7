"""Rotating an SSH key: a new generation beside the old, until the old is retired and its private half shredded."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

from tenants import ssh_formats
from tenants.actions import repositories, ssh_keys
from tenants.errors import Invalid, LimitReached
from tenants.limits import Thing
from tenants.pagination import PageRequest
from tenants.records.models import AuditRow, SSHKey
from tenants.ssh_formats import Algorithm
from tests.conftest import Household, at_once

HOST = f"git.example.org {ssh_formats.generate('').public}\n"


def test_rotation_keeps_the_old_beside_the_new(household: Household) -> None:
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[("a", "b")])
        first = ssh_keys.generate_key(inside, name="deploy", filters=[[("a", "b")]], known_hosts=HOST, description="d")
        second = ssh_keys.rotate_key(inside, first.id)
        assert (second.generation, second.filters, second.known_hosts) == (2, first.filters, first.known_hosts)
        assert [key.fingerprint for key in ssh_keys.reveal_keys(inside, "api")] == [
            second.fingerprint,
            first.fingerprint,
        ]
        assert len(ssh_keys.list_keys(inside, PageRequest()).items) == 1
        assert SSHKey.objects.filter(used_at=None).count() == 0
        [entry] = AuditRow.objects.filter(entry__contains='"ssh_key.revealed"')
        assert first.fingerprint in entry.entry
        assert second.fingerprint in entry.entry

        ssh_keys.retire_key(inside, first.id)
        assert SSHKey.objects.get(id=first.id).sealed is None
        assert [key.generation for key in ssh_keys.reveal_keys(inside, "api")] == [2]
        for wrong in (first.id, second.id):
            with pytest.raises(Invalid):
                ssh_keys.retire_key(inside, wrong)
        ssh_keys.delete_key(inside, second.id)
        assert not SSHKey.objects.exists()


def test_the_newest_may_be_retired_and_the_number_is_not_given_again(household: Household) -> None:
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[])
        first = ssh_keys.generate_key(inside, name="deploy", filters=[])
        second = ssh_keys.rotate_key(inside, first.id)
        ssh_keys.retire_key(inside, second.id)
        assert ssh_keys.get_named(inside, "deploy").id == first.id
        assert "PRIVATE" in ssh_keys.reveal_key(inside, "api", "deploy")
        for generation in (3, 4, 5):
            assert ssh_keys.rotate_key(inside, first.id).generation == generation
        with pytest.raises(Invalid) as refusal:
            ssh_keys.rotate_key(inside, first.id)
    assert "retire the old ones" in refusal.value.fields["name"]


def test_one_of_two_rotations_at_once_is_told(household: Household) -> None:
    with household.enter() as inside:
        first = ssh_keys.generate_key(inside, name="deploy", filters=[])

    def rotate() -> int:
        with household.enter() as inside:
            try:
                return ssh_keys.rotate_key(inside, first.id).generation
            except Invalid:
                return 0

    assert sorted(at_once(rotate, times=2)) in ([0, 2], [2, 3])


def test_retirements_at_once_leave_one(household: Household) -> None:
    with household.enter() as inside:
        first = ssh_keys.generate_key(inside, name="deploy", filters=[])
        ids = [first.id, ssh_keys.rotate_key(inside, first.id).id]

    def retire() -> None:
        with household.enter() as inside, suppress(Invalid):
            ssh_keys.retire_key(inside, ids.pop())

    at_once(retire, times=2)
    with household.enter():
        assert SSHKey.objects.filter(retired_at=None).count() == 1


def test_rsa_is_made_where_a_host_needs_it(household: Household) -> None:
    with household.enter() as inside:
        key = ssh_keys.generate_key(inside, name="old host", filters=[], algorithm=Algorithm.RSA_4096)
    assert (key.kind, key.bits) == ("ssh-rsa", 4096)


def test_what_is_refused_costs_no_key(household: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    with household.enter() as inside:
        key = ssh_keys.generate_key(inside, name="deploy", filters=[])
        for _ in range(ssh_keys.MAX_LIVE - 1):
            ssh_keys.rotate_key(inside, key.id)
        monkeypatch.setattr(ssh_formats, "generate", lambda *_: pytest.fail("one of these takes seconds"))
        with pytest.raises(Invalid, match="name"):
            ssh_keys.rotate_key(inside, key.id, algorithm=Algorithm.RSA_4096)
        with pytest.raises(Invalid, match="name"):
            ssh_keys.generate_key(inside, name="deploy", filters=[], algorithm=Algorithm.RSA_4096)
        full = replace(inside, limits={Thing.SSH_KEYS: 1})
        with pytest.raises(LimitReached):
            ssh_keys.generate_key(full, name="other", filters=[], algorithm=Algorithm.RSA_4096)
