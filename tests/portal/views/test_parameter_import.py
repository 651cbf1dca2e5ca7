"""Importing on a page: what is previewed is stored, and until then nobody else can open it."""

from __future__ import annotations

import re
import time
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tenants.actions import parameter_drafts, parameters
from tenants.records.models import Parameter
from tenants.roles import Role
from tests.conftest import Household, NewPerson
from tests.portal.views.conftest import NewVisitor, Visitor, text

SECRET = "canary-value-c3e1"
FILE = f"ADDED={SECRET}\nKEPT=same\nCHANGED=new\n"


@pytest.fixture
def path(household: Household, deploy: uuid.UUID) -> str:
    with household.enter() as inside:
        for name, value in (("KEPT", "same"), ("CHANGED", "old")):
            parameters.set_parameter(inside, deploy, name=name, value=value)
    return f"parameters/{deploy}/import/"


def draft_of(owner: Visitor, path: str, content: str = FILE) -> str:
    page = owner.post(path, form="dotenv", content=content).content.decode()
    found = re.search(r'name="draft" value="([^"]+)"', page)
    assert found, page
    return found[1]


def test_what_is_previewed_is_imported(household: Household, owner: Visitor, path: str) -> None:
    answer = owner.post(path, form="dotenv", content=FILE)
    assert "Added (1) ADDED Changed (1) CHANGED Unchanged (1) KEPT" in text(answer)
    assert SECRET not in answer.content.decode()
    with household.enter():
        assert Parameter.objects.count() == 2
    assert owner.get(f"{path}save/").status_code == 302
    page = owner.after(owner.post(f"{path}save/", draft=draft_of(owner, path), reason="Moved"))
    assert "1 added, 1 changed, 1 left as they were." in page
    with household.enter() as inside:
        values = parameters.reveal_environment(inside, "core").values
    assert values == {"ADDED": SECRET, "CHANGED": "new", "KEPT": "same"}


def test_refused_lines_are_named_and_nothing_can_be_saved(owner: Visitor, path: str) -> None:
    file = SimpleUploadedFile("secrets.env", f"GOOD=1\n{SECRET}\n".encode())
    answer = owner.post(path, form="dotenv", content="", file=file)
    assert "Line 2 none" in text(answer)
    assert 'name="draft"' not in answer.content.decode()
    assert SECRET not in answer.content.decode()


@pytest.mark.parametrize(("form", "content"), [("dotenv", ""), ("json", "[]"), ("xml", "A=1"), ("yaml", "x" * 600_000)])
def test_a_file_that_can_not_be_read_is_refused(owner: Visitor, path: str, form: str, content: str) -> None:
    answer = owner.post(path, form=form, content=content)
    assert (answer.status_code, "Nothing was changed" in text(answer)) == (422, True) or "Refused" in text(answer)


def test_a_draft_opens_for_its_person_and_its_set_alone(
    household: Household, owner: Visitor, path: str, new_person: NewPerson, visit: NewVisitor
) -> None:
    draft = draft_of(owner, path)
    with household.enter() as inside:
        other = parameters.create_set(inside, name="other", description="", filters=[])
    maintainer = visit(household, household.join(new_person(), Role.MAINTAINER))
    for who, where, sent in (
        (maintainer, f"{path}save/", draft),
        (owner, f"parameters/{other.id}/import/save/", draft),
        (owner, f"{path}save/", f"{int(draft[:12]) + 60:012}{draft[12:]}"),
        (owner, f"{path}save/", "nonsense"),
        (owner, f"{path}save/", ""),
    ):
        assert "Nothing was imported." in who.after(who.post(where, draft=sent))
    with household.enter():
        assert Parameter.objects.count() == 2


def test_a_draft_ends(owner: Visitor, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    draft, later = draft_of(owner, path), time.time() + parameter_drafts.LIFETIME + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert "too old to be saved" in owner.after(owner.post(f"{path}save/", draft=draft))
