"""The portal without scripts: everything still works, one page at a time."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.journeys.conftest import NewVisitor


def test_what_a_build_needs_goes_in(visitor: NewVisitor) -> None:
    person = visitor(scripts=False)
    person.sign_in("no-mfa")
    slug = person.create_tenant("Quiet Works")
    person.go(f"/t/{slug}/repositories/new/")
    person.fill(name="core", labels="os=linux")
    person.press("Add the repository")
    person.go(f"/t/{slug}/parameters/new/")
    person.fill(name="deploy", filters="os=linux")
    person.press("Preview")
    person.sees("Builds of 1 repository receive this")
    person.press("Add the set")
    person.fill(name="TOKEN", value="a value")
    person.press("Seal the value")
    person.sees("TOKEN was sealed as version 1.")


def test_the_menus_open(visitor: NewVisitor) -> None:
    person = visitor(scripts=False)
    person.sign_in("no-mfa")
    person.go("/tenants/")
    person.page.locator('[popovertarget="account-menu"]').click()
    person.page.get_by_role("link", name="Session and tokens").click()
    person.sees("This session")
    person.page.locator('[popovertarget="account-menu"]').click()
    person.page.get_by_role("banner").get_by_role("button", name="Sign out").click()
    expect(person.page.get_by_role("button", name="Continue with GitHub")).to_be_visible()
