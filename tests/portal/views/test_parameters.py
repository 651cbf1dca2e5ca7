"""The pages of parameter sets: values go in and never come out."""

from __future__ import annotations

import re
import uuid

import pytest

from tenants.actions import parameters
from tenants.records.models import Parameter, ParameterSet
from tests.conftest import Household
from tests.portal.views.conftest import Visitor, text

SECRET = "canary-value-0b51"


def test_a_set_is_added(household: Household, owner: Visitor) -> None:
    filters = "os=linux, team=core\n\ntier=release\n"
    answer = owner.post("parameters/new/", name="deploy", description="Targets", filters=filters)
    assert "Now give it values." in owner.after(answer)
    with household.enter():
        assert ParameterSet.objects.get().filters == [["os=linux", "team=core"], ["tier=release"]]


def test_an_empty_filter_is_asked_about(household: Household, owner: Visitor) -> None:
    answer = owner.post("parameters/new/", name="deploy", filters="  \n")
    assert answer.status_code == 422
    assert "confirm that every repository should receive this" in text(answer)
    with household.enter():
        assert not ParameterSet.objects.exists()
    owner.after(owner.post("parameters/new/", name="deploy", filters="", everyone="on"))
    assert "every repository" in text(owner.get("parameters/"))
    with household.enter():
        made = ParameterSet.objects.get()
    assert re.search(r'name="everyone"[^>]* checked', owner.get(f"parameters/{made.id}/edit/").content.decode())


def test_a_preview_saves_nothing(household: Household, owner: Visitor, deploy: uuid.UUID) -> None:
    answer = owner.post("parameters/new/", name="new", filters="os=linux", preview="1")
    assert answer.status_code == 200
    assert "Builds of 1 repository receive this core" in text(answer)
    with household.enter():
        assert ParameterSet.objects.count() == 1


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ("os=linux", "Builds of 1 repository receive this core"),
        ("os=linux\nteam=docs", "Builds of 2 repositories receive this core docs"),
        ("os=linux, team=docs", "No repository matches yet."),
        ("OS=linux", "No repository matches yet."),
        ("", "builds of every repository receive this"),
        ("os", "write each label as name=value"),
        ("os=lin ux", "may hold letters, digits"),
    ],
)
def test_what_is_typed_is_previewed(owner: Visitor, deploy: uuid.UUID, filters: str, said: str) -> None:
    answer = owner.get("parameters/preview/", filters=filters)
    assert said in text(answer)
    assert "<html" not in answer.content.decode()


def test_the_preview_asks_with_the_filters_alone(owner: Visitor) -> None:
    page = owner.get("ssh-keys/import/").content.decode()
    assert page.count("hx-get=") == 1
    assert "hx-post" not in page
    assert "hx-include" not in page


def test_a_set_is_changed(household: Household, owner: Visitor, deploy: uuid.UUID) -> None:
    assert "team=core</textarea>" in owner.get(f"parameters/{deploy}/edit/").content.decode()
    owner.after(owner.post(f"parameters/{deploy}/edit/", name="live", description="", filters="team=docs"))
    with household.enter():
        assert (ParameterSet.objects.get().name, ParameterSet.objects.get().filters) == ("live", [["team=docs"]])


def test_a_value_goes_in_and_never_comes_out(household: Household, owner: Visitor, deploy: uuid.UUID) -> None:
    for version in (1, 2):
        page = owner.after(owner.post(f"parameters/{deploy}/put/", name="TOKEN", value=SECRET))
        assert f"TOKEN was sealed as version {version}." in page
    pages = (
        "parameters/",
        f"parameters/{deploy}/",
        f"parameters/{deploy}/?name=TOKEN",
        f"parameters/{deploy}/edit/",
        "audit/",
    )
    assert all(SECRET not in owner.get(path).content.decode() for path in pages)
    with household.enter() as inside:
        assert parameters.reveal_environment(inside, "core").values == {"TOKEN": SECRET}


def test_a_refused_value_is_not_given_back(owner: Visitor, deploy: uuid.UUID) -> None:
    answer = owner.post(f"parameters/{deploy}/put/", name="NOT A NAME", value=SECRET)
    assert answer.status_code == 422
    assert 'value="NOT A NAME"' in answer.content.decode()
    assert SECRET not in answer.content.decode()
    assert owner.get(f"parameters/{deploy}/put/").status_code == 302


def test_a_value_keeps_its_spaces_and_may_be_empty(household: Household, owner: Visitor, deploy: uuid.UUID) -> None:
    owner.after(owner.post(f"parameters/{deploy}/put/", name="SPACED", value="  a b\n"))
    owner.after(owner.post(f"parameters/{deploy}/put/", name="EMPTY", value=""))
    with household.enter() as inside:
        assert parameters.reveal_environment(inside, "core").values == {"SPACED": "  a b\n", "EMPTY": ""}


def test_a_parameter_is_deleted_after_being_asked(household: Household, owner: Visitor, deploy: uuid.UUID) -> None:
    owner.after(owner.post(f"parameters/{deploy}/put/", name="TOKEN", value=SECRET))
    with household.enter():
        parameter = Parameter.objects.get().id
    assert "Delete TOKEN ?" in text(owner.get(f"parameters/{deploy}/{parameter}/delete/"))
    assert "TOKEN was deleted." in owner.after(owner.post(f"parameters/{deploy}/{parameter}/delete/"))
    with household.enter():
        assert not Parameter.objects.filter(deleted_at=None).exists()


def test_a_set_is_deleted_after_being_asked(household: Household, owner: Visitor, deploy: uuid.UUID) -> None:
    assert "shredded" in text(owner.get(f"parameters/{deploy}/delete/"))
    assert "deploy was deleted." in owner.after(owner.post(f"parameters/{deploy}/delete/"))
    with household.enter():
        assert not ParameterSet.objects.filter(deleted_at=None).exists()


def test_a_preview_says_who_gains_and_loses_what(household: Household, owner: Visitor, deploy: uuid.UUID) -> None:
    with household.enter() as inside:
        other = parameters.create_set(inside, name="docs-only", description="", filters=[[("team", "docs")]])
        parameters.set_parameter(inside, deploy, name="TOKEN", value=SECRET)
        parameters.set_parameter(inside, other.id, name="TOKEN", value=SECRET)
    said = text(owner.get("parameters/preview/", filters="team=docs", set=str(deploy)))
    assert "core nothing TOKEN nothing" in said
    assert "docs nothing nothing TOKEN : docs-only wins over deploy." in said
    page = owner.post(f"parameters/{deploy}/edit/", name="deploy", description="", filters="team=docs", preview="1")
    assert "docs-only wins over deploy." in text(page)
    assert f"preview/?set={deploy}" in page.content.decode()
    same = text(owner.get("parameters/preview/", filters="team=core", set=str(deploy)))
    assert "No build would get other names than now" in same


@pytest.mark.parametrize(("known", "status"), [("nonsense", 200), ("7af902f2-5097-41b1-af1d-9cd40f69008c", 404)])
def test_a_preview_for_no_set_says_nothing(owner: Visitor, known: str, status: int) -> None:
    answer = owner.get("parameters/preview/", filters="team=docs", set=known)
    assert answer.status_code == status
    assert "What saving changes" not in text(answer)
