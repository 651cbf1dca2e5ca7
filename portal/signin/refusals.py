"""Why a sign-in is refused: one page for each, in words that say which account and e-mail address to use."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum


class Reason(StrEnum):
    ANSWER = "answer"
    DECLINED = "declined"
    DOMAIN = "domain"
    EMAIL_MISSING = "email-missing"
    EMAIL_UNVERIFIED = "email-unverified"
    EXPIRED = "expired"
    PROVIDER_DOWN = "provider-down"


_HEADINGS = {
    Reason.ANSWER: "{provider} did not say who you are",
    Reason.DECLINED: "You declined at {provider}",
    Reason.DOMAIN: "This e-mail address is not let in",
    Reason.EMAIL_MISSING: "Your {provider} account has no e-mail address",
    Reason.EMAIL_UNVERIFIED: "Your e-mail address is not verified",
    Reason.EXPIRED: "This sign-in is no longer under way",
    Reason.PROVIDER_DOWN: "{provider} can't be reached",
}

_ADVICE = {
    Reason.ANSWER: "Its answer had no usable account in it. Begin again, or use the other provider.",
    Reason.DECLINED: "Nothing was shared with us and nothing was changed. You can begin again whenever you like.",
    Reason.DOMAIN: (
        "{login} at {provider} has the primary address {email}. Only addresses at {domains} are let in here. Make such "
        "an address your primary one at {provider}, or sign in with an account that has one."
    ),
    Reason.EMAIL_MISSING: (
        "We know people by a verified e-mail address, and {login} shows none. Add one to the account at {provider}, "
        "make it the primary one and verify it; then begin again."
    ),
    Reason.EMAIL_UNVERIFIED: (
        "{provider} has not verified {email}, the primary address of {login}. Open the message that {provider} sent "
        "there and confirm it, or make a verified address the primary one; then begin again."
    ),
    Reason.EXPIRED: (
        "It took longer than ten minutes, was finished already, or was begun in another browser. Nothing was changed. "
        "Begin again in this browser."
    ),
    Reason.PROVIDER_DOWN: (
        "It did not answer in time. Nothing was changed. Try again in a minute, or use the other provider."
    ),
}


class Refusal(Exception):  # noqa: N818 - a verdict that ends on a page
    """A sign-in that ends here, with what to do about it. Carries nothing technical."""

    def __init__(
        self, reason: Reason, provider: str, *, login: str = "", email: str = "", domains: Sequence[str] = ()
    ) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self._words = {
            "provider": provider,
            "login": login or "the account",
            "email": email,
            "domains": " or ".join(domains),
        }

    @property
    def heading(self) -> str:
        return _HEADINGS[self.reason].format(**self._words)

    @property
    def advice(self) -> str:
        return _ADVICE[self.reason].format(**self._words)

    @property
    def status(self) -> int:
        return {Reason.PROVIDER_DOWN: 503, Reason.EXPIRED: 400, Reason.ANSWER: 502}.get(self.reason, 403)
