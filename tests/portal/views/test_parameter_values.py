"""Values by text and by file, with a reason, a description and a date."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tenants.actions import parameters
from tenants.records.models import Parameter
from tests.conftest import Household
from tests.portal.views.conftest import Visitor, text

SECRET = "canary-value-7d20"


def test_a_file_is_a_value(household: Household, owner: Visitor, deploy: uuid.UUID) -> None:
    file = SimpleUploadedFile("ca.pem", f"{SECRET}\n".encode())
    owner.after(owner.post(f"parameters/{deploy}/put/", name="CA", value="", file=file, reason="First"))
    assert "sealed file" in text(owner.get(f"parameters/{deploy}/"))
    with household.enter() as inside:
        assert parameters.reveal_environment(inside, "core").values == {"CA": f"{SECRET}\n"}


def test_lines_end_as_they_were_typed(household: Household, owner: Visitor, deploy: uuid.UUID) -> None:
    """A browser sends CRLF for each; a key with it is another one, and is not found by the one that leaked."""
    owner.after(owner.post(f"parameters/{deploy}/put/", name="KEY", value=f"{SECRET}\r\nsecond\r\n"))
    with household.enter() as inside:
        assert parameters.reveal_environment(inside, "core").values == {"KEY": f"{SECRET}\nsecond\n"}
    answer = owner.post("parameters/search/value/", value=f"{SECRET}\r\nsecond\r\n")
    assert "Stored in 1 version" in text(answer)


def test_a_file_is_found_by_its_lines_however_they_end(owner: Visitor, deploy: uuid.UUID) -> None:
    for name, content in (("UNIX", "{}\nsecond"), ("WINDOWS", "{}\r\nsecond"), ("OTHER", "{} second")):
        file = SimpleUploadedFile("key", content.format(SECRET).encode())
        owner.after(owner.post(f"parameters/{deploy}/put/", name=name, value="", file=file))
    found = text(owner.post("parameters/search/value/", value=f"{SECRET}\r\nsecond"))
    assert "Stored in 2 versions" in found
    assert "OTHER" not in found
    longest = f"{SECRET}{chr(10) * 65_000}"  # with CRLF it would be longer than any value is
    assert "No parameter holds this value" in text(owner.post("parameters/search/value/", value=longest))


@pytest.mark.parametrize(
    ("content", "value", "said"),
    [
        (b"\xff\xfe", "", "not text in UTF-8"),
        (b"x" * 65_537, "", "Or a file : Enter at most 64 KiB."),
        (SECRET.encode(), SECRET, "not both"),
    ],
)
def test_a_file_that_is_no_value_is_refused(
    owner: Visitor, deploy: uuid.UUID, content: bytes, value: str, said: str
) -> None:
    file = SimpleUploadedFile("value", content)
    answer = owner.post(f"parameters/{deploy}/put/", name="CA", value=value, file=file)
    assert answer.status_code == 422
    assert said in text(answer)
    assert SECRET not in answer.content.decode()


def test_a_file_is_asked_for_again(owner: Visitor, deploy: uuid.UUID) -> None:
    """No browser gives it back either: sent without, the form would store an empty value."""
    for path in ("put", "import"):
        answer = owner.post(f"parameters/{deploy}/{path}/", file=SimpleUploadedFile("ca.pem", SECRET.encode()))
        assert answer.status_code == 422
        assert "Or a file : enter it again" in text(answer)


def test_a_file_never_touches_the_disk(household: Household, owner: Visitor, deploy: uuid.UUID) -> None:
    large = SimpleUploadedFile("value", b"x" * 3_000_000)  # where Django's own handlers make a temporary file
    assert owner.post(f"parameters/{deploy}/put/", name="CA", value="", file=large).status_code in {400, 413}
    with household.enter():
        assert not Parameter.objects.exists()


@pytest.mark.usefixtures("one_day")
def test_dates_remind_and_descriptions_stay(household: Household, owner: Visitor, deploy: uuid.UUID) -> None:
    soon = (datetime.now(UTC) + timedelta(days=3)).date()
    put, first = f"parameters/{deploy}/put/", {"description": "For S3", "expires_on": soon.isoformat()}
    owner.after(owner.post(put, name="KEY", value=SECRET, **first))
    page = owner.after(owner.post(put, name="KEY", value=f"{SECRET}2"))
    assert "For S3" in page
    assert "expires in 3 days" in page
    assert "Expiring soon" in text(owner.get())
    with household.enter():
        parameter = Parameter.objects.get().id
    edit = f"parameters/{deploy}/{parameter}/edit/"
    assert f'value="{soon.isoformat()}"' in owner.get(edit).content.decode()
    assert owner.post(edit, description="", expires_on="soon").status_code == 422
    passed = (soon - timedelta(days=30)).isoformat()
    page = owner.after(owner.post(edit, description="For R2", expires_on=passed))
    assert "For R2" in page
    assert "expired" in page
    owner.after(owner.post(edit, description="", expires_on=""))
    assert "Expiring soon" not in text(owner.get())
