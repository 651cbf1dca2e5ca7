"""Signing in that ends otherwise: refused with advice, and displaced by a newer sign-in."""

from __future__ import annotations

from tests.journeys.conftest import NewVisitor


def test_an_unverified_address_is_refused_with_advice(visitor: NewVisitor) -> None:
    uma = visitor()
    uma.sign_in("unverified-email")
    uma.sees("has not verified")
    uma.shoot("50-refused")
    uma.go("/sign-in/")
    uma.shoot("51-sign-in")


def test_an_older_browser_is_told_of_a_newer_sign_in(visitor: NewVisitor) -> None:
    older, newer = visitor(), visitor()
    older.sign_in("no-mfa")
    newer.sign_in("no-mfa")
    newer.sees("This sign-in ended your session in another browser")
    newer.shoot("52-newer")
    older.go("/tenants/")
    older.sees("You signed in somewhere else")
    older.shoot("53-displaced")
    older.press("That wasn't me")
    older.sees("The other session has ended")
    older.shoot("54-frozen")
