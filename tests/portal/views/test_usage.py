"""The page of usage, its file, and what limits look like in a browser."""

from __future__ import annotations

import csv
import io
import re
from datetime import date

import pytest

from portal.views.usage import harmless
from portal.views.usage_charts import charts
from tenants.actions import repositories
from tenants.actions.usage import Day, Sums
from tenants.roles import Role
from tests.conftest import Household, NewPerson
from tests.portal.views.conftest import NewVisitor, Visitor, text
from tests.tenants.test_limits import allow, read

pytestmark = pytest.mark.usefixtures("one_day")  # what is used is counted by days


@pytest.fixture
def used(household: Household) -> Household:
    """Two readings, of which the owner, who calls themselves a formula, did all."""
    household.owner.email = '=HYPERLINK("//evil")'
    household.owner.save()
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[])
        read(inside)
        read(inside)
    return household


def test_a_new_tenant_has_used_nothing(owner: Visitor) -> None:
    page = text(owner.get("usage/"))
    assert "Nothing was used in these 30 days" in page
    assert "CSV" not in page


def test_charts_have_words_and_a_table_beside_them(used: Household, owner: Visitor) -> None:
    answer = owner.get("usage/", days="7")
    content = answer.content.decode()
    shown = re.findall(r'<svg class="bars".*?</svg>', content, re.DOTALL)
    assert len(shown) == 6
    for chart in shown:
        title, about = re.findall(r'<(?:title|desc) id="([a-z-]+)"', chart)
        assert f'aria-labelledby="{title} {about}"' in chart
    assert "Secret reads by day" in content
    assert re.search(r"<rect [^>]*><title>\d+ \w+ \d{4}: 2</title>", shown[1])
    assert re.search(r"By day .* 0 2 0 0 bytes 0 1 By person", text(answer))
    assert " style=" not in content
    assert "<style" not in content


def test_the_file_holds_no_formula(used: Household, owner: Visitor) -> None:
    answer = owner.get("usage/usage.csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{used.slug}-usage-30-days.csv"'
    [line] = csv.DictReader(io.StringIO(answer.content.decode()))
    assert (line["person"], line["person_id"]) == ("'" + used.owner.email, str(used.owner.id))
    assert (line["reads"], line["builds"], line["acts"]) == ("2", "0", "3")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", " ="], ids=repr)
def test_what_begins_a_formula_is_quoted(start: str) -> None:
    assert harmless(f"{start}1") == f"'{start}1"
    assert harmless(f"a{start}1") == f"a{start}1"


def test_only_who_may_read_the_log_sees_people(used: Household, new_person: NewPerson, visit: NewVisitor) -> None:
    member = visit(used, used.join(new_person(), Role.MEMBER))
    page = text(member.get("usage/"))
    assert "Secret reads" in page
    assert "By person" not in page
    assert member.get("usage/usage.csv").status_code == 403
    assert "By person" in text(visit(used, used.join(new_person(), Role.AUDITOR)).get("usage/"))


@pytest.mark.parametrize(
    "days", ["0", "367", "-1", "x", "٣", "", "9" * 5000], ids=["0", "367", "-1", "x", "arabic", "none", "long"]
)
def test_what_is_no_number_of_days_is_refused(owner: Visitor, days: str) -> None:
    assert {owner.get(path, days=days).status_code for path in ("usage/", "usage/usage.csv")} == {422}


def test_limits_are_shown_and_warned_of(used: Household, owner: Visitor) -> None:
    allow(used, reads_a_day=2, repositories=50)
    for path in ("", "usage/"):
        page = text(owner.get(path))
        assert "Near the limit Secret reads today: 2 of 2 (100 %). What is more is refused until 00:00 UTC." in page
        assert "Repositories: 1 of 50" not in page
    assert "Repositories 1 50 2 % Secret reads a day 2 2 100 %" in page


def test_a_full_tenant_is_told_why(used: Household, owner: Visitor) -> None:
    allow(used, repositories=1)
    answer = owner.post("repositories/new/", name="more", url="", labels="")
    assert answer.status_code == 403
    assert "limit on repositories set for this tenant (1): delete what is not needed" in text(answer)


def test_bars_are_in_proportion_and_none_is_lost() -> None:
    days = [Day(date(2026, 1, number), Sums(builds=builds), 0) for number, builds in ((1, 1), (2, 0), (3, 500))]
    builds, *_ = charts(days)
    assert [(bar.x, bar.y, bar.height, bar.words) for bar in builds.bars] == [
        (1, 980, 20, "1 Jan 2026: 1"),
        (21, 0, 1000, "3 Jan 2026: 500"),
    ]
    assert builds.about == ("Builds by day, 1 Jan 2026 to 3 Jan 2026: 501. The most in one day: 500, on 3 Jan 2026.")
