"""What a vault's keepers look at, at both widths, in either scheme: nothing is wrong with any of its pages."""

from __future__ import annotations

from tests.journeys.conftest import JUDGED, NewVisitor, Person


def judge(person: Person, name: str) -> None:
    """Let axe-core judge the page as `shoot` does, without a picture."""
    for width, height, scheme in JUDGED:
        person.page.set_viewport_size({"width": width, "height": height})
        person.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        if person.page.evaluate("document.documentElement.scrollWidth") > width:
            person.complaints.append(f"{name} at {width} pixels scrolls sideways")
        person.complaints += [f"{name} at {width} pixels, {scheme}: {fault}" for fault in person.faults()]
    person.page.set_viewport_size({"width": 1280, "height": 860})


def test_pages_of_the_vault(visitor: NewVisitor) -> None:
    person = visitor()
    person.sign_in("no-mfa")
    here = f"/t/{person.create_tenant('Vault Works')}"
    person.go(f"{here}/parameters/new/")
    person.fill(name="deploy", filters="os=linux")
    person.press("Add the set")
    for name, value in (("TOKEN", "one"), ("TOKEN", "two"), ("OLD", "three")):
        person.fill(name=name, value=value)
        person.press("Seal the value")
        person.sees(f"{name} was sealed")
    pages = person.page.url.removeprefix(person.origin)

    judge(person, "set")
    person.page.get_by_role("link", name="History of TOKEN").or_(
        person.page.get_by_role("link", name="TOKEN")
    ).first.click()
    person.sees("Version")
    judge(person, "history")
    person.go(f"{pages}many/")
    person.fill(content="TOKEN=three\nNEW LINE")
    judge(person, "bulk")
    person.press("Preview")
    person.sees("Line 2")
    judge(person, "bulk refused")
    person.follow("Enter it again")
    person.fill(content="TOKEN=three\nNEW=one")
    person.page.get_by_label("OLD").check()
    person.press("Preview")
    person.sees("What is deleted leaves this set.")
    judge(person, "bulk preview")
    person.press("Apply all of it")
    person.sees("1 added, 1 changed, 1 deleted")
    person.go(f"{pages}deleted/")
    person.sees("OLD")
    judge(person, "deleted")
    person.go(f"{pages}import/")
    person.page.locator("textarea").first.fill("NEWER=one\nTOKEN=three\n")
    person.page.locator('main button[type="submit"]').first.click()
    person.sees("NEWER")
    judge(person, "import preview")
    person.go(f"{here}/parameters/search/?text=TOKEN")
    person.sees("TOKEN")
    judge(person, "search")


def test_pages_of_keys_and_oversight(visitor: NewVisitor) -> None:
    person = visitor()
    person.sign_in("no-mfa")
    here = f"/t/{person.create_tenant('Oversight Works')}"
    person.go(f"{here}/ssh-keys/generate/")
    person.fill(name="deploy", filters="os=linux")
    person.press("Generate the key")
    person.follow("Rotate")
    person.press("Make the next generation")
    person.page.get_by_role("link", name="Retire generation 1").click()
    person.press("Retire the generation")
    person.sees("Generation 1 was retired.")
    judge(person, "generations")
    person.follow("History")
    person.sees("ssh_key.rotated")
    judge(person, "history of a key")
    for _ in range(2):
        person.go(f"{here}/ssh-authorities/new/")
        person.page.locator("main button.button-danger").click()
    person.sees("next")
    judge(person, "authority")
    for page in ("builds", "keys", "usage"):
        person.go(f"{here}/{page}/")
        judge(person, page)
