"""On a narrow screen the navigation is a menu, and by keyboard everything is reached."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.journeys.conftest import NewVisitor


def test_the_navigation_opens_over_the_page(visitor: NewVisitor) -> None:
    person = visitor()
    person.sign_in("no-mfa")
    slug = person.create_tenant("Narrow Works")
    person.page.set_viewport_size({"width": 390, "height": 844})
    audit = person.page.get_by_role("link", name="Audit log")
    expect(audit).to_be_hidden()
    person.page.get_by_role("button", name="Navigation of Narrow Works").click()
    expect(audit).to_be_visible()
    assert person.faults() == []
    audit.click()
    person.page.wait_for_url(f"**/t/{slug}/audit/")


def test_a_keyboard_gets_past_the_bar(visitor: NewVisitor) -> None:
    person = visitor()
    person.go("/docs/")
    person.page.keyboard.press("Tab")
    expect(person.page.get_by_role("link", name="Skip to the content")).to_be_focused()
    person.page.keyboard.press("Enter")
    person.page.keyboard.press("Tab")
    expect(person.page.get_by_role("main").get_by_role("link").first).to_be_focused()


def test_an_error_takes_the_focus_and_leads_to_its_field(visitor: NewVisitor) -> None:
    person = visitor()
    person.sign_in("no-mfa")
    person.go("/tenants/new/")
    person.press("Create the tenant")
    expect(person.page.get_by_role("alert")).to_be_focused()
    person.page.get_by_role("alert").get_by_role("link", name="Name").click()
    expect(person.page.get_by_label("Name")).to_be_focused()
