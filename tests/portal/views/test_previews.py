"""What pages say of a change before it is made: whose builds gain or lose which names."""

from __future__ import annotations

import uuid

import pytest
from django.conf import settings

from tenants.actions import parameter_deletion, parameters, repositories
from tenants.records.models import Parameter, Repository
from tests.conftest import Household
from tests.portal.views.conftest import Visitor, text

NOTHING = "No build would get other names than now"


@pytest.fixture
def token(household: Household, deploy: uuid.UUID) -> uuid.UUID:
    with household.enter() as inside:
        return parameters.set_parameter(inside, deploy, name="TOKEN", value="1").id


def test_labels_of_a_repository(household: Household, owner: Visitor, deploy: uuid.UUID, token: uuid.UUID) -> None:
    with household.enter():
        core = Repository.objects.get(name="core")
    typed = owner.get("repositories/preview/", repository=str(core.id), labels="os=linux")
    assert "core nothing TOKEN" in text(typed)
    assert "<html" not in typed.content.decode()
    assert NOTHING in text(owner.get("repositories/preview/", repository=str(core.id), labels="\n".join(core.labels)))
    assert "write each label as name=value" in text(owner.get("repositories/preview/", labels="os"))
    shown = owner.post(f"repositories/{core.id}/", name="other", url="", labels="", preview="1")
    assert "core nothing TOKEN" in text(shown)
    new = owner.post("repositories/new/", name="new", url="", labels="\n".join(core.labels), preview="1")
    assert "This one TOKEN nothing" in text(new)
    with household.enter():
        assert list(Repository.objects.filter(name__in=["core", "new", "other"])) == [core]


def test_a_name_that_is_typed(owner: Visitor, deploy: uuid.UUID, token: uuid.UUID) -> None:
    path = f"parameters/{deploy}/preview/"
    assert "core NEW nothing" in text(owner.get(path, name="NEW"))
    for name in ("TOKEN", "NOT A NAME", ""):
        assert not text(owner.get(path, name=name))
    page = owner.get(f"parameters/{deploy}/").content.decode()
    assert page.count("hx-get=") == 1
    assert "hx-include" not in page


def test_deleting_and_restoring(household: Household, owner: Visitor, deploy: uuid.UUID, token: uuid.UUID) -> None:
    for path in (f"parameters/{deploy}/{token}/delete/", f"parameters/{deploy}/delete/"):
        assert "core nothing TOKEN" in text(owner.get(path))
    with household.enter() as inside:
        parameters.delete_parameter(inside, deploy, token)
    assert "core TOKEN nothing" in text(owner.get(f"parameters/{deploy}/{token}/restore/"))
    assert owner.get(f"parameters/{deploy}/restore/").status_code == 404
    with household.enter() as inside:
        assert Parameter.objects.get(id=token).deleted_at
        parameter_deletion.restore_parameter(inside, deploy, token)
        parameters.delete_set(inside, deploy)
    assert "core TOKEN nothing" in text(owner.get(f"parameters/{deploy}/restore/"))


def test_an_import(household: Household, owner: Visitor, deploy: uuid.UUID, token: uuid.UUID) -> None:
    with household.enter() as inside:
        repositories.create_repository(inside, name="bare", url="", labels=[])
    answer = text(owner.post(f"parameters/{deploy}/import/", form="dotenv", content="TOKEN=2\nNEW=3\n"))
    assert "What this changes" in answer
    assert "core NEW nothing" in answer


def test_asking_is_limited(owner: Visitor, deploy: uuid.UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.RATES, "previews", "3/h")
    asked = ("repositories/preview/", "parameters/preview/", f"parameters/{deploy}/preview/", "repositories/preview/")
    assert [owner.get(path).status_code for path in asked] == [200, 200, 200, 429]
