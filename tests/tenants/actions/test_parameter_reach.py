"""What a preview says is what the change does."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest

from tenants.actions import parameter_deletion as deletion
from tenants.actions import parameter_reach, parameters, reach_changes, repositories, ssh_keys
from tenants.actions.parameter_reach import ReachPreview, preview_names, preview_reach, preview_set
from tenants.actions.reach_changes import MOST_SETS, Contest, Switch
from tenants.actions.repository_reach import preview_labels
from tenants.errors import Invalid, NotFound
from tenants.records.models import Parameter, ParameterSet, Repository
from tests.conftest import Household
from tests.tenants.actions.test_parameters import CORE, LINUX, add
from tests.tenants.computing import computing


def said(seen: ReachPreview) -> dict[str, tuple[list[str], list[str]]]:
    return {each.name: (each.gains, each.loses) for each in seen.repositories}


def test_who_gains_and_who_loses(household: Household) -> None:
    with household.enter() as inside:
        for name, labels in (("api", [LINUX]), ("both", [LINUX, CORE]), ("other", []), ("web", [CORE])):
            repositories.create_repository(inside, name=name, url="", labels=labels)
        set_id = add(inside, "set", [[LINUX]], A="1", B="2")
        seen = preview_reach(inside, [[CORE]], set_id=set_id)
        assert (seen.everything, seen.more) == (False, 0)
        assert said(seen) == {"api": ([], ["A", "B"]), "web": (["A", "B"], [])}
        everywhere = preview_reach(inside, [], set_id=set_id)
        assert everywhere.everything
        assert said(everywhere) == {"other": (["A", "B"], []), "web": (["A", "B"], [])}


def test_what_wins_is_said_before_it_does(household: Household) -> None:
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[LINUX, CORE])
        add(inside, "base", [], A="base", Z="base")
        set_id = add(inside, "special", [[LINUX]], A="special", B="special")
        add(inside, "rival", [[CORE]], A="rival")
        [api] = preview_reach(inside, [[LINUX, CORE]], set_id=set_id).repositories
        assert api.switches == [Switch("A", before="rival", after="special")]
        assert api.conflicts == [Contest("A", ["special", "rival", "base"], 0)]
        [api] = preview_reach(inside, [[("os", "none")]], set_id=set_id).repositories
        assert (api.gains, api.loses, api.switches) == ([], ["B"], [])
        parameters.change_set(inside, set_id, name="special", description="", filters=[[LINUX, CORE]])
        environment = parameters.reveal_environment(inside, "api")
        assert environment.values["A"] == "special"
        assert environment.conflicts == {"A": ["special", "rival", "base"]}
        # A conflict that stands and stays is no change.
        for filters in ([[LINUX, CORE]], [[LINUX, CORE], [("os", "none")]]):
            assert not preview_reach(inside, filters, set_id=set_id).repositories


def test_names_that_come_and_go_and_sets_too(household: Household) -> None:
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[LINUX])
        add(inside, "base", [], A="base")
        set_id = add(inside, "special", [[LINUX]], A="special", B="special")
        found = {row.parameter.name: row.parameter_id for row in parameters.list_parameters(inside, set_id)}
        [api] = preview_names(inside, set_id, added=["C"], deleted=[found["A"]]).repositories
        assert (api.gains, api.loses, api.switches) == (["C"], [], [Switch("A", "special", "base")])
        assert not preview_names(inside, set_id, added=["B"]).repositories
        [gone] = preview_set(inside, set_id).repositories
        assert (gone.gains, gone.loses, gone.switches) == ([], ["B"], [Switch("A", "special", "base")])
        deletion.delete_set(inside, set_id)
        [back] = preview_set(inside, set_id).repositories
        assert (back.gains, back.loses, back.switches) == (["B"], [], [Switch("A", "base", "special")])
        assert back.conflicts == [Contest("A", ["special", "base"], 0)]


def test_labels_say_what_a_repository_gains_and_loses(household: Household) -> None:
    with household.enter() as inside:
        add(inside, "linux", [[LINUX]], A="1", B="1")
        add(inside, "core", [[CORE]], B="2", C="2")
        ssh_keys.generate_key(inside, name="deploy", filters=[[LINUX]])
        made = repositories.create_repository(inside, name="api", url="", labels=[LINUX])
        seen = preview_labels(inside, [CORE], repository_id=made.id)
        assert (seen.change.gains, seen.change.loses) == (["C"], ["A"])
        assert seen.change.switches == [Switch("B", "linux", "core")]
        assert (seen.keys_gained, seen.keys_lost) == ([], ["deploy"])
        new = preview_labels(inside, [LINUX])
        assert (new.change.gains, new.keys_gained) == (["A", "B"], ["deploy"])
        assert not preview_labels(inside, [LINUX], repository_id=made.id).change.entries
        with pytest.raises(Invalid):
            preview_labels(inside, [("no name", "")])


def test_deleted_rivals_do_not_count_and_bad_filters_are_refused(household: Household) -> None:
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[])
        gone = add(inside, "gone", [], A="1")
        set_id = add(inside, "set", [[LINUX]], A="2")
        assert preview_reach(inside, [], set_id=set_id).repositories[0].conflicts
        parameters.delete_set(inside, gone)
        assert not preview_reach(inside, [], set_id=set_id).repositories[0].conflicts
        with pytest.raises(NotFound):
            preview_reach(inside, [], set_id=gone)
        with pytest.raises(Invalid):
            preview_reach(inside, [[]], set_id=set_id)


def test_an_answer_is_cut_and_says_by_how_much(household: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    with household.enter() as inside:
        for number in range(4):
            repositories.create_repository(inside, name=f"api-{number}", url="", labels=[LINUX])
        set_id = add(inside, "set", [], A="1", B="2", C="3")
        monkeypatch.setattr(parameter_reach, "MOST", 3)
        monkeypatch.setattr(reach_changes, "MOST_ENTRIES", 4)
        seen = preview_reach(inside, [[CORE]], set_id=set_id)
        assert (list(said(seen)), seen.more) == (["api-0"], 3)


class Titles(dict[str, str]):
    """Names of sets; `asked` counts for how many a name was looked up."""

    asked = 0

    def get(self, key: str, default: Any = None) -> Any:
        self.asked += 1
        return super().get(key, default)


def test_many_names_in_many_sets_are_previewed_at_once(household: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    titles, found = parameter_reach._titles, Titles()

    def counted(sets: Collection[str]) -> Titles:
        found.update(titles(sets))
        return found

    monkeypatch.setattr(parameter_reach, "_titles", counted)
    with household.enter() as inside:
        Repository.objects.bulk_create(Repository(name=f"api-{number}", labels=["os=linux"]) for number in range(100))
        sets = ParameterSet.objects.bulk_create(
            ParameterSet(name=f"set-{number}", filters=[["os=linux"]]) for number in range(20)
        )
        Parameter.objects.bulk_create(
            Parameter(set=each, name=f"NAME_{number}") for each in sets for number in range(100)
        )
        wins = max(sets, key=lambda each: each.id)  # all are as new as each other
        with computing() as seconds:
            seen = preview_reach(inside, [], set_id=wins.id)
            assert seconds() < 5
        assert 0 < found.asked <= 100 * 2 * len(sets), "for each repository before and after, not for each name"
        assert sum(each.entries for each in seen.repositories) <= 100 * (1 + MOST_SETS)
        assert seen.more == 99
