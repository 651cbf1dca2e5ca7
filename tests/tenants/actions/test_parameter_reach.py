"""What the preview says is what saving does."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenants.actions import parameters, repositories
from tenants.actions.parameter_reach import Contest, Switch, preview_reach
from tenants.actions.precedence import matches
from tenants.errors import Invalid, NotFound
from tenants.records.labels import Pair, stored, stored_filters
from tests.conftest import Household
from tests.tenants.actions.test_parameters import CORE, LINUX, add


def test_who_gains_and_who_loses(household: Household) -> None:
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[LINUX])
        repositories.create_repository(inside, name="both", url="", labels=[LINUX, CORE])
        repositories.create_repository(inside, name="other", url="", labels=[])
        repositories.create_repository(inside, name="web", url="", labels=[CORE])
        set_id = add(inside, "set", [[LINUX]], A="1", B="2")
        seen = preview_reach(inside, [[CORE]], set_id=set_id)
        assert (seen.everything, seen.more) == (False, False)
        assert {each.name: (each.reached, each.gains, each.loses) for each in seen.repositories} == {
            "api": (False, [], ["A", "B"]),
            "both": (True, [], []),
            "web": (True, ["A", "B"], []),
        }
        everywhere = preview_reach(inside, [], set_id=set_id)
        assert everywhere.everything
        assert [each.name for each in everywhere.repositories] == ["api", "both", "other", "web"]
        new = preview_reach(inside, [[LINUX]])
        assert [(each.name, each.reached) for each in new.repositories] == [("api", True), ("both", True)]


def test_what_wins_is_said_before_it_does(household: Household) -> None:
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[LINUX, CORE])
        add(inside, "base", [], A="base", Z="base")
        set_id = add(inside, "special", [[LINUX]], A="special", B="special")
        add(inside, "rival", [[CORE]], A="rival")
        [api] = preview_reach(inside, [[LINUX, CORE]], set_id=set_id).repositories
        assert api.switches == [Switch("A", before="rival", after="special")]
        assert api.conflicts == [Contest("A", ["special", "rival", "base"])]
        [api] = preview_reach(inside, [[("os", "none")]], set_id=set_id).repositories
        assert (api.gains, api.loses, api.switches) == ([], ["B"], [])
        parameters.change_set(inside, set_id, name="special", description="", filters=[[LINUX, CORE]])
        environment = parameters.reveal_environment(inside, "api")
        assert environment.values["A"] == "special"
        assert environment.conflicts == {"A": ["special", "rival", "base"]}


def test_deleted_rivals_do_not_count_and_bad_filters_are_refused(household: Household) -> None:
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[])
        gone = add(inside, "gone", [], A="1")
        set_id = add(inside, "set", [], A="2")
        assert preview_reach(inside, [], set_id=set_id).repositories[0].conflicts
        parameters.delete_set(inside, gone)
        assert not preview_reach(inside, [], set_id=set_id).repositories[0].conflicts
        with pytest.raises(NotFound):
            preview_reach(inside, [], set_id=gone)
        with pytest.raises(Invalid):
            preview_reach(inside, [[]], set_id=set_id)


labels = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy")), max_size=3)


@given(carried=labels, filters=st.lists(labels.filter(bool), max_size=3))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_python_matches_as_the_definition_says(carried: list[Pair], filters: list[list[Pair]]) -> None:
    """test_parameters.py shows the same of the database."""
    expected = not filters or any(set(alternative) <= set(carried) for alternative in filters)
    assert matches(stored_filters(filters), set(stored(carried))) == expected
