"""Many parameters at once: what is previewed is done, all of it, or nothing."""

from __future__ import annotations

import re
import uuid

import pytest
from django.conf import settings

from tenants.actions import parameters, repositories
from tests.conftest import Household
from tests.portal.views.conftest import Answer, Visitor, text

SECRET = "canary-value-a4d8"


@pytest.fixture
def ids(household: Household, deploy: uuid.UUID) -> dict[str, uuid.UUID]:
    with household.enter() as inside:
        return {
            name: parameters.set_parameter(inside, deploy, name=name, value="1").id for name in ("ONE", "TWO", "THREE")
        }


@pytest.fixture
def path(deploy: uuid.UUID) -> str:
    return f"parameters/{deploy}/many/"


def values(household: Household) -> dict[str, str]:
    with household.enter() as inside:
        return parameters.reveal_environment(inside, "core").values


def draft_in(answer: Answer) -> str:
    found = re.search(r'name="draft" value="([^"]+)"', answer.content.decode())
    assert found, text(answer)
    return found[1]


def test_many_are_previewed_then_changed_and_deleted(
    household: Household, owner: Visitor, path: str, ids: dict[str, uuid.UUID]
) -> None:
    form = {"content": f"ONE={SECRET}\nTHREE=1\nFOUR=4\n", "deletes": [ids["TWO"]]}
    with household.enter() as inside:
        repositories.create_repository(inside, name="late", url="", labels=[("team", "core")])
        base = parameters.create_set(inside, name="base", description="", filters=[])
        for name in ("FOUR", "TWO"):
            parameters.set_parameter(inside, base.id, name=name, value="base")
    answer = owner.post(path, **form)
    seen = text(answer)
    assert "Added (1) FOUR Changed (1) ONE Unchanged (1) THREE Deleted (1) TWO" in seen
    # `base` has both names for every repository: nobody gains or loses one, and it is said who wins.
    for name in ("core", "late"):
        moved = "FOUR comes from deploy, no more from base. TWO comes from base, no more from deploy."
        assert f"{name} nothing nothing {moved} FOUR : deploy wins over base." in seen
    assert SECRET not in answer.content.decode()
    assert values(household)["ONE"] == "1"
    saved = owner.after(owner.post(f"{path}save/", draft=draft_in(answer), reason="Tidy"))
    assert "1 added, 1 changed, 1 deleted, 1 left as they were." in saved
    assert values(household) == {"FOUR": "4", "ONE": SECRET, "THREE": "1", "TWO": "base"}


def test_who_gains_and_loses_names(owner: Visitor, path: str, ids: dict[str, uuid.UUID]) -> None:
    assert "core NEW ONE nothing" in text(owner.post(path, content="NEW=1", deletes=[ids["ONE"]]))


@pytest.mark.parametrize(
    ("content", "deletes", "said"),
    [
        (f"ONE=2\n{SECRET}\n", [], "Line 2 none Write NAME=value"),
        (f"TWO=2\nONE={SECRET}\n", ["ONE"], "Line 2 ONE This name is both set and deleted."),
    ],
)
def test_refused_lines_are_named_and_nothing_can_be_saved(
    owner: Visitor, path: str, ids: dict[str, uuid.UUID], content: str, deletes: list[str], said: str
) -> None:
    answer = owner.post(path, content=content, deletes=[ids[name] for name in deletes])
    assert said in text(answer)
    assert 'name="draft"' not in answer.content.decode()
    assert SECRET not in answer.content.decode()


@pytest.mark.parametrize(
    ("content", "said"), [("", "Enter values, or tick"), (f"N={SECRET}" * 30_000, "at most 512 KiB")]
)
def test_what_can_not_be_taken_as_a_whole_is_asked_for_again(
    owner: Visitor, path: str, ids: dict[str, uuid.UUID], content: str, said: str
) -> None:
    answer = owner.post(path, content=content)
    assert answer.status_code == 422
    assert said in text(answer)
    assert ("enter it again" in text(answer)) is bool(content), "the values are not given back"
    assert SECRET not in answer.content.decode()


def test_a_change_in_between_is_previewed_anew(
    household: Household, owner: Visitor, path: str, deploy: uuid.UUID, ids: dict[str, uuid.UUID]
) -> None:
    draft = draft_in(owner.post(path, content=f"ONE={SECRET}\nNEW={SECRET}\n"))
    with household.enter() as inside:
        parameters.set_parameter(inside, deploy, name="NEW", value="somebody else's")
    answer = owner.post(f"{path}save/", draft=draft, reason="Tidy")
    assert answer.status_code == 422
    assert "has changed the set meanwhile" in text(answer)
    assert "Added (0) none Changed (2) NEW ONE" in text(answer)
    assert 'value="Tidy"' in answer.content.decode()
    assert SECRET not in answer.content.decode()
    assert values(household)["NEW"] == "somebody else's"
    assert owner.post(f"{path}save/", draft=draft_in(answer), reason="Tidy").status_code == 302
    assert values(household)["NEW"] == SECRET


def test_what_is_gone_meanwhile_is_not_deleted_again(
    household: Household, owner: Visitor, path: str, deploy: uuid.UUID, ids: dict[str, uuid.UUID]
) -> None:
    draft = draft_in(owner.post(path, content=f"NEW={SECRET}", deletes=[ids["ONE"], ids["TWO"]]))
    with household.enter() as inside:
        parameters.delete_parameter(inside, deploy, ids["ONE"])
    answer = owner.post(f"{path}save/", draft=draft)
    assert answer.status_code == 422
    assert "Added (1) NEW" in text(answer)
    assert "Deleted (1) TWO" in text(answer)
    assert owner.post(f"{path}save/", draft=draft_in(answer)).status_code == 302
    assert values(household) == {"NEW": SECRET, "THREE": "1"}


def test_a_button_pressed_twice_deletes_once(owner: Visitor, path: str, ids: dict[str, uuid.UUID]) -> None:
    draft = draft_in(owner.post(path, content="", deletes=[ids["ONE"]]))
    first, second = (owner.post(f"{path}save/", draft=draft) for _ in range(2))
    assert first.status_code == 302
    assert "1 deleted, 0 left as they were. Nothing was changed. What should be deleted is gone" in owner.after(second)


def test_what_is_gone_can_not_be_ticked(
    household: Household, owner: Visitor, path: str, deploy: uuid.UUID, ids: dict[str, uuid.UUID]
) -> None:
    with household.enter() as inside:
        parameters.delete_parameter(inside, deploy, ids["ONE"])
    answer = owner.post(path, content="", deletes=[ids["ONE"]])
    assert (answer.status_code, str(ids["ONE"]) in answer.content.decode()) == (422, False)
    assert "Something that was ticked is gone already" in text(answer)


def test_as_much_as_is_taken_comes_from_a_browser(owner: Visitor, path: str) -> None:
    content = "\n".join(f"N{number}={'ü' * 20_000}" for number in range(13))
    assert "Added (13)" in text(owner.fill_in(path, content=content))


def test_a_reason_that_is_too_long_loses_nothing(household: Household, owner: Visitor, path: str) -> None:
    draft = draft_in(owner.post(path, content=f"ONE={SECRET}"))
    answer = owner.post(f"{path}save/", draft=draft, reason="x" * 201)
    assert (answer.status_code, SECRET in answer.content.decode()) == (422, False)
    assert owner.post(f"{path}save/", draft=draft_in(answer)).status_code == 302
    assert values(household) == {"ONE": SECRET}


def test_a_draft_that_was_tampered_with_changes_nothing(
    household: Household, owner: Visitor, path: str, ids: dict[str, uuid.UUID]
) -> None:
    draft = draft_in(owner.post(path, content="ONE=2", deletes=[ids["TWO"]]))
    assert owner.get(f"{path}save/").status_code == 302
    for sent in (f"{draft[:-8]}AAAAAAAA", f"{int(draft[:12]) + 60:012}{draft[12:]}", "nonsense", ""):
        assert "Nothing was changed." in owner.after(owner.post(f"{path}save/", draft=sent))
    assert values(household) == dict.fromkeys(ids, "1")


def test_looking_is_limited_for_it_confirms_what_is_guessed(
    owner: Visitor, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.RATES, "lookups", "2/h")
    assert [owner.post(path, content="ONE=guess").status_code for _ in range(3)] == [200, 200, 429]


def test_an_empty_set_offers_nothing_to_delete(owner: Visitor, path: str) -> None:
    assert 'name="deletes"' not in owner.get(path).content.decode()
    assert owner.post(path, content="A=1").status_code == 200
