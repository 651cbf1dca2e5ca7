"""Sessions as rows keyed by the person: one live session by construction (Django session engine).

    cookie `__Host-bulkhead` = handle, 256 random bits
    row    person (key) │ SHA-256(handle) │ AES-256-GCM(payload) │ created, seen │ address, browser

The newest sign-in replaces the row. Every later write of an older browser names its own digest besides the person, so
that it meets no row: an in-flight save can't revive a session and a displaced sign-out can't end the new one. Limits
are judged by the database's clock. An anonymous visitor has no row, whatever is put into `request.session`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.db.models.functions import Now

from portal.signin import sealing
from tenants.registry.models import DeviceGrant, Displaced, Person, Session

COOKIE: Final = "__Host-bulkhead"
IDLE: Final = timedelta(minutes=30)
ABSOLUTE: Final = timedelta(hours=12)
TOUCH_AFTER: Final = timedelta(minutes=1)  # a row is not written at every request only to say that it was seen
_USE: Final = "session"


@dataclass(frozen=True)
class Previous:
    """The session in another browser that a sign-in ended."""

    address: str | None
    browser: str
    seen_at: datetime


class SessionStore(SessionBase):
    """The session that a handle opens; `person` is None when it opens none."""

    def __init__(self, session_key: str | None = None) -> None:
        handle = session_key if session_key and sealing.is_handle(session_key) else None
        super().__init__(handle)
        self.person: Person | None = None
        self.started: Session | None = None

    def load(self) -> dict[str, Any]:
        """Read the live session and its person in one query, and note that it was seen."""
        row = _opened_by(self._digest()) if self.session_key else None
        payload = sealing.unseal(_USE, self._handle(), bytes(row.payload)) if row else None
        if row is None or payload is None:
            return {}
        self.person, self.started = row.person, row
        if row.stale:  # type: ignore[attr-defined]  # annotated by _live
            self._mine().update(seen_at=Now())
        return payload

    def open(self) -> Person | None:
        """Return the person whose live session this is; without a handle, nobody is asked."""
        if self.session_key:
            self._session_cache: dict[str, Any] = self.load()
        return self.person

    def save(self, must_create: bool = False) -> None:
        """Write the payload if this is still the person's session; otherwise write nothing, and revive nothing."""
        if self.person is None:
            return
        self._mine().update(payload=sealing.seal(_USE, self._handle(), dict(self.items())))

    def delete(self, session_key: str | None = None) -> None:
        """End this session and no other: a displaced browser's sign-out finds nothing to end."""
        if session_key is None and self.session_key:
            Session.objects.filter(handle_digest=self._digest()).delete()
        self.person = self.started = None

    def exists(self, session_key: str) -> bool:
        return sealing.is_handle(session_key) and _opened_by(sealing.digest(session_key)) is not None

    def create(self) -> None:
        """Do nothing: a session is made by signing in (`start`), never for a visitor."""

    def begin(self, person: Person, address: str, browser: str) -> Previous | None:
        """Start the person's session under a fresh handle; return what is known of another browser's that it ended."""
        own, self._session_key = self._digest(), sealing.new_handle()
        self._session_cache = {}
        self.person = person
        sealed = sealing.seal(_USE, self._handle(), {})
        new = Session(
            person=person, handle_digest=self._digest(), payload=sealed, address=address or None, browser=browser
        )
        return _replace(new, own)

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Keep this session from being ended by another browser meanwhile; False if it already was.

        What is granted inside is committed before whoever ends the session looks for what to take back.
        """
        with transaction.atomic():
            yield self._mine().select_for_update(no_key=True).first() is not None

    def _handle(self) -> str:
        return self.session_key or ""

    def _digest(self) -> bytes:
        return sealing.digest(self._handle())

    def _mine(self) -> QuerySet[Session]:
        return Session.objects.filter(person=self.person, handle_digest=self._digest())


def displaced(handle: str) -> Displaced | None:
    """Return the note that a newer sign-in left for the browser with `handle`, while its session would have lived."""
    if not sealing.is_handle(handle):
        return None
    notes = Displaced.objects.filter(handle_digest=sealing.digest(handle), displaced_at__gt=Now() - ABSOLUTE)
    return notes.select_related("person").first()


def shut_out(note: Displaced) -> None:
    """End all that acts for the person whose session was displaced: "that wasn't me". A note does so once.

    Grants come before the tokens: who redeems one at this moment holds its row, so that the freeze is younger than the
    token. The lock lets that token's foreign key through, and holds back sign-ins.
    """
    with transaction.atomic():
        person = Person.objects.select_for_update(no_key=True).get(pk=note.person_id)
        Session.objects.filter(person=person).delete()
        DeviceGrant.objects.filter(person=person, state=DeviceGrant.State.APPROVED).update(
            state=DeviceGrant.State.DENIED
        )
        Person.objects.filter(pk=person.pk).update(tokens_frozen_at=Now())
        note.delete()


def _replace(new: Session, own: bytes) -> Previous | None:
    """Put `new` in the place of the person's session, if any, and leave a note for the browser that had it.

    `own` is the digest of what the signing-in browser held before: it is not told about itself.
    """
    with transaction.atomic():
        # A person's sign-ins queue up here; what refers to the person (a grant, a token) needs not wait.
        Person.objects.select_for_update(no_key=True).get(pk=new.person_id)
        old = _live().filter(person=new.person_id).exclude(handle_digest=own).first()
        if old is not None:
            Displaced.objects.create(
                handle_digest=old.handle_digest,
                person_id=new.person_id,
                by_address=new.address,
                by_browser=new.browser,
            )
        Displaced.objects.filter(person=new.person_id, displaced_at__lte=Now() - ABSOLUTE).delete()
        written = [field.name for field in Session._meta.fields if not field.primary_key]
        Session.objects.bulk_create([new], update_conflicts=True, unique_fields=["person"], update_fields=written)
    return Previous(old.address, old.browser, old.seen_at) if old else None


def _live() -> QuerySet[Session]:
    stale = ExpressionWrapper(Q(seen_at__lte=Now() - TOUCH_AFTER), output_field=BooleanField())
    live = Session.objects.filter(seen_at__gt=Now() - IDLE, created_at__gt=Now() - ABSOLUTE)
    return live.annotate(stale=stale)


def _opened_by(digest: bytes) -> Session | None:
    return _live().filter(handle_digest=digest).select_related("person").first()
