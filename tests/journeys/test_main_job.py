"""The main job in a real browser: from the front page to a message that is gone."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import NewVisitor, Person

SECRET = "s3cr3t-value-that-no-page-shows"


@pytest.mark.usefixtures("no_backlog")
def test_from_the_front_page_to_a_message_that_is_gone(visitor: NewVisitor) -> None:
    mara, ole = visitor(), visitor()
    mara.go("/")
    mara.shoot("01-front")
    mara.sign_in("owner")
    acme = _make_a_tenant(mara)
    _add_a_repository(mara, acme)
    _add_a_parameter_set(mara, acme)
    _generate_a_key(mara, acme)

    ole.sign_in("member", "Bitbucket")
    northwind = ole.create_tenant("Northwind Turbines")
    _connect(mara, acme, ole, northwind)
    _send(mara, acme, northwind)
    _read(ole, northwind, acme)
    _admit(mara, acme, visitor())
    _let_a_command_line_in(mara, acme)
    _look_around(mara, acme)


def _make_a_tenant(mara: Person) -> str:
    mara.go("/tenants/")
    mara.shoot("02-tenants")
    mara.go("/tenants/new/")
    mara.fill(name="Acme Rail", slug="No Such Address!")
    mara.press("Create the tenant")
    expect(mara.page.get_by_role("alert")).to_contain_text("Address")
    expect(mara.page.locator('[name="name"]')).to_have_value("Acme Rail")
    mara.shoot("03-new-tenant-with-an-error")
    slug = mara.create_tenant("Acme Rail")
    mara.sees("Next steps")
    mara.shoot("04-overview")
    return slug


def _add_a_repository(mara: Person, slug: str) -> None:
    mara.go(f"/t/{slug}/repositories/")
    mara.shoot("05-no-repositories")
    for name, labels in (
        ("signalling-core", "os=linux\nteam=core"),
        ("interlocking-simulator", "os=linux\nteam=simulation\ntier=experimental"),
    ):
        mara.go(f"/t/{slug}/repositories/new/")
        mara.fill(name=name, url=f"https://example.org/acme/{name}", labels=labels)
        mara.press("Add the repository")
        mara.sees(f"{name} was added.")
    mara.shoot("06-repositories")


def _add_a_parameter_set(mara: Person, slug: str) -> None:
    mara.go(f"/t/{slug}/parameters/new/")
    mara.fill(name="production-deploy", description="Targets and credentials of the live region")
    mara.press("Add the set")
    expect(mara.page.get_by_role("alert")).to_contain_text("confirm that every repository")
    mara.shoot("07-empty-filter-asks")
    mara.page.locator('[name="filters"]').press_sequentially("os=linux, team=core\ntier=release")
    mara.sees("Builds of 1 repository receive this")
    mara.sees("signalling-core")
    mara.shoot("08-filter-preview")
    mara.press("Add the set")
    mara.sees("Now give it values.")
    for name in ("DEPLOY_TOKEN", "REGISTRY_PASSWORD"):
        mara.fill(name=name, value=SECRET)
        mara.press("Seal the value")
        mara.sees(f"{name} was sealed as version 1.")
    assert SECRET not in mara.page.content()
    mara.shoot("09-parameter-set")
    mara.go(f"/t/{slug}/parameters/")
    mara.shoot("10-parameter-sets")


def _generate_a_key(mara: Person, slug: str) -> None:
    mara.go(f"/t/{slug}/ssh-keys/import/")
    mara.shoot("11-import-a-key")
    mara.go(f"/t/{slug}/ssh-keys/generate/")
    mara.fill(name="deploy-signalling", filters="team=core")
    mara.press("Generate the key")
    expect(mara.page.get_by_label("Public half")).to_have_value(re.compile("^ssh-ed25519 AAAA"))
    mara.shoot("12-key")


def _connect(mara: Person, acme: str, ole: Person, northwind: str) -> None:
    mara.go(f"/t/{acme}/connections/new/")
    mara.fill(other_slug=northwind)
    mara.page.get_by_label("We send to them").check()
    mara.shoot("13-propose")
    mara.press("Propose the connection")
    mara.sees("waits for them")
    ole.go(f"/t/{northwind}/connections/")
    ole.sees("waits for you")
    ole.shoot("14-connections")
    ole.page.get_by_role("button", name="Accept the connection with").click()
    ole.sees("active")


def _send(mara: Person, acme: str, northwind: str) -> None:
    mara.go(f"/t/{acme}/messages/new/")
    mara.sees("Put in only what the receiver needs")
    mara.page.get_by_label("To", exact=True).select_option(northwind)
    mara.fill(payload='{"release": "2026.11", "artefacts": ["turbine-fw-4.2.bin"]}', reads="1")
    mara.shoot("15-compose")
    mara.press("Seal and send")
    mara.sees("on its way")
    mara.shoot("16-sent")


def _read(ole: Person, northwind: str, acme: str) -> None:
    inbox = ole.page.get_by_role("main").get_by_role("link", name=acme)
    for _ in range(300):
        ole.go(f"/t/{northwind}/messages/")
        if inbox.count():
            break
        ole.page.wait_for_timeout(250)
    ole.shoot("17-inbox")
    inbox.click()
    assert "2026.11" not in ole.page.content()
    ole.shoot("18-envelope")
    envelope = ole.page.url
    ole.press("Read the message")
    ole.sees('"release": "2026.11"')
    ole.shoot("19-content")
    answer = ole.page.goto(envelope)
    assert answer is not None
    assert answer.status == 410
    ole.sees("This message is gone")
    ole.shoot("20-gone")


def _admit(mara: Person, acme: str, ines: Person) -> None:
    ines.sign_in("outsider")
    ines.go(f"/t/{acme}/")
    ines.sees("There is nothing here")
    ines.go("/tenants/")
    ines.fill(slug=acme, note="I look after the simulator builds.")
    ines.press("Ask to join")
    ines.sees("its members see your request and decide")
    mara.go(f"/t/{acme}/members/")
    mara.sees("I look after the simulator builds.")
    mara.shoot("21-somebody-asks")
    mara.follow("Admit Otto Outsider")
    mara.shoot("22-admit")
    mara.press("Admit")
    mara.sees("is a member now.")
    mara.shoot("23-members")


def _let_a_command_line_in(mara: Person, acme: str) -> None:
    asked = httpx.post(
        f"{mara.origin}/oauth/device/code", data={"client_id": "bulkhead-cli", "device_name": "build-7"}, timeout=60
    ).json()
    mara.go("/device/")
    mara.fill(user_code=asked["user_code"])
    mara.press("Continue")
    mara.sees(asked["user_code"])
    mara.shoot("24-device-question")
    for choice in mara.page.get_by_role("radio", name=acme).all():  # asked of who is in several tenants
        choice.check()
    mara.press("Allow")
    mara.sees("Connected")
    mara.shoot("25-device-connected")


def _look_around(mara: Person, acme: str) -> None:
    for number, (path, name) in enumerate(
        (
            (f"/t/{acme}/", "overview-done"),
            (f"/t/{acme}/audit/", "audit"),
            (f"/t/{acme}/usage/", "usage"),
            ("/account/", "account"),
            ("/device/", "device"),
            ("/docs/", "documents"),
            ("/docs/roles/", "roles"),
            ("/docs/threat-model/", "threat-model"),
            ("/docs/keys/", "keys"),
            ("/nowhere/", "not-found"),
        ),
        26,
    ):
        mara.go(path)
        mara.shoot(f"{number}-{name}")
    mara.go(f"/t/{acme}/")
    mara.page.get_by_role("button", name="Acme Rail").click()
    mara.shoot("40-switcher")
    mara.go("/account/")
    mara.page.get_by_role("button", name="Olivia Owner").click()
    mara.shoot("41-account-menu")
