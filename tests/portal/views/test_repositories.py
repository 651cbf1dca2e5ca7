"""The pages of repositories."""

from __future__ import annotations

import uuid

import pytest

from tenants.actions import repositories
from tenants.records.models import Repository
from tenants.roles import Role
from tests.conftest import Household, NewPerson
from tests.portal.views.conftest import NewVisitor, Visitor, text

NEW = {"name": "core", "url": "https://example.org/core", "labels": "os=linux\n\n team = core \n"}


@pytest.fixture
def core(household: Household) -> uuid.UUID:
    with household.enter() as inside:
        made = repositories.create_repository(inside, name="core", url="", labels=[("os", "linux")])
    return made.id


def test_it_is_added(household: Household, owner: Visitor) -> None:
    assert "core was added." in owner.after(owner.post("repositories/new/", **NEW))
    with household.enter():
        assert Repository.objects.get(name="core").labels == ["os=linux", "team=core"]


def test_what_was_typed_comes_back_with_what_would_be_right(household: Household, owner: Visitor) -> None:
    answer = owner.post("repositories/new/", name="core", url="ftp://example.org", labels="os=linux\nteam=core")
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Enter an https:// or ssh:// address" in text(answer)
    assert 'href="#id_url"' in page
    assert 'aria-invalid="true"' in page
    assert 'aria-describedby="id_url_helptext id_url_error"' in page
    assert 'id="id_url_error"' in page
    assert 'value="ftp://example.org"' in page
    assert "os=linux\nteam=core</textarea>" in page
    with household.enter():
        assert not Repository.objects.exists()


@pytest.mark.parametrize("labels", ["os", "=linux", "os=linux\nteam"])
def test_a_label_has_a_name_and_a_value(owner: Visitor, labels: str) -> None:
    answer = owner.post("repositories/new/", name="core", labels=labels)
    assert answer.status_code == 422
    assert "write each label as name=value" in text(answer)


def test_nothing_at_all_is_explained(owner: Visitor) -> None:
    answer = owner.post("repositories/new/")
    assert answer.status_code == 422
    assert "This field is required." in text(answer)


def test_a_name_is_used_once(owner: Visitor, core: uuid.UUID) -> None:
    answer = owner.post("repositories/new/", **NEW)
    assert answer.status_code == 422
    assert "exists already" in text(answer)


def test_it_is_changed(household: Household, owner: Visitor, core: uuid.UUID) -> None:
    assert "os=linux</textarea>" in owner.get(f"repositories/{core}/").content.decode()
    owner.after(owner.post(f"repositories/{core}/", name="kernel", url="", labels=""))
    with household.enter():
        assert (Repository.objects.get().name, Repository.objects.get().labels) == ("kernel", [])


def test_it_is_deleted_after_being_asked(household: Household, owner: Visitor, core: uuid.UUID) -> None:
    asked = text(owner.get(f"repositories/{core}/delete/"))
    assert "Delete core?" in asked
    with household.enter():
        assert Repository.objects.exists()
    assert "core was deleted." in owner.after(owner.post(f"repositories/{core}/delete/"))
    with household.enter():
        assert not Repository.objects.exists()


def test_a_neighbours_is_not_found(neighbour: Household, core: uuid.UUID, visit: NewVisitor) -> None:
    stranger = visit(neighbour)
    assert stranger.get(f"repositories/{core}/").status_code == 404
    assert stranger.post(f"repositories/{core}/delete/").status_code == 404


def test_a_member_sees_them_without_a_way_to_change_them(
    household: Household, core: uuid.UUID, new_person: NewPerson, visit: NewVisitor
) -> None:
    member = visit(household, household.join(new_person(), Role.MEMBER))
    page = member.get("repositories/")
    assert "core" in text(page)
    assert f"repositories/{core}/" not in page.content.decode()
    assert "Add a repository" not in text(page)


def test_a_list_comes_in_pages(household: Household, owner: Visitor) -> None:
    with household.enter() as inside:
        for number in range(51):
            repositories.create_repository(inside, name=f"r{number:02}", url="", labels=[])
    first = owner.get("repositories/")
    assert "r49" in text(first)
    assert "r50" not in text(first)
    second = text(owner.get("repositories/", after="r49"))
    assert "r50" in second
    assert "r49" not in second


def test_a_page_that_nobody_handed_out_is_refused(owner: Visitor) -> None:
    assert owner.get("connections/", after="1 OR 1=1").status_code == 422
    assert owner.get("audit/", after="x").status_code == 422


def test_names_are_shown_as_text(household: Household, owner: Visitor) -> None:
    owner.after(owner.post("repositories/new/", name="a", url="https://example.org/<b>&", labels=""))
    assert "<b>" not in owner.get("repositories/").content.decode()
