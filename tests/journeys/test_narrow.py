"""On a narrow screen the navigation is a menu, and by keyboard everything is reached."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.journeys.conftest import NewVisitor

ALL = """[...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, [tabindex="0"]')]
         .filter(control => control.checkVisibility({visibilityProperty: true}))"""
CONTROLS = f"{ALL}.length"
TOO_WIDE = "element => element.scrollWidth - element.clientWidth"
# Which control has the focus, and whether an outline within the window says so.
FOCUSED = f"""(() => {{
    const {{top, bottom, width}} = document.activeElement.getBoundingClientRect();
    const outlined = getComputedStyle(document.activeElement).outlineStyle !== "none";
    return [{ALL}.indexOf(document.activeElement), outlined && width > 0 && top >= 0 && bottom <= innerHeight + 1];
}})()"""


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


def test_long_names_stay_within_the_page(visitor: NewVisitor) -> None:
    person = visitor()
    person.sign_in("no-mfa")
    slug = person.create_tenant(f"Donaudampfschifffahrtsgesellsch{' Works' * 11}")
    person.go(f"/t/{slug}/repositories/new/")
    person.fill(name="x" * 100)
    person.press("Add the repository")
    person.go(f"/t/{slug}/parameters/search/value/")
    person.fill(value="nowhere")
    person.press("Find the value")
    for page, width in (("usage", 730), ("audit", 320), ("audit", 390), ("audit", 1280)):
        person.page.set_viewport_size({"width": width, "height": 844})
        person.go(f"/t/{slug}/{page}/")
        assert person.page.evaluate(f"({TOO_WIDE})(document.documentElement)") == 0, (page, width)
    assert person.page.evaluate(f"({TOO_WIDE})(document.querySelector('.plate'))") == 0, "the tenant beside the page"


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


def test_a_keyboard_reaches_every_control_and_shows_where_it_is(visitor: NewVisitor) -> None:
    person = visitor()
    person.sign_in("no-mfa")
    slug = person.create_tenant("Keyboard Works")
    person.page.emulate_media(reduced_motion="reduce")  # the page is where it scrolls to at once
    for path in (f"/t/{slug}/", f"/t/{slug}/ssh-keys/import/", f"/t/{slug}/members/", "/account/"):
        person.go(path)
        controls = person.page.evaluate(CONTROLS)
        reached = []
        for _ in range(controls):
            person.page.keyboard.press("Tab")
            reached.append(person.page.evaluate(FOCUSED))
        assert all(seen for _, seen in reached), (path, reached)
        assert len({place for place, _ in reached}) == controls, (path, reached)
