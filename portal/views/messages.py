"""Messages: sealed envelopes that a GET only shows, and a POST opens."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import Final
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from portal.forms.base import explained
from portal.forms.messages import MessageForm
from portal.guards import MemberRequest, member
from portal.views.answers import asked, done, page, posted
from tenants.actions import messages
from tenants.actions.connections import list_consumers
from tenants.compartment import Compartment
from tenants.errors import Gone
from tenants.roles import Permission

# A string, a number or word, an array or object with nothing in it, or a mark.
_PART: Final = re.compile(r'"(?:[^"\\]|\\.)*+"|[^\s"\[\]{},:]++|\[\s*+\]|\{\s*+\}|[\[\]{},:]')


@require_safe
@member(Permission.MESSAGES_LIST)
def inbox(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    found = messages.list_inbox(compartment, asked(request))
    may_send = compartment.may(Permission.MESSAGES_SEND)
    return page(request, "messages/list.html", compartment=compartment, page=found, box="inbox", may_send=may_send)


@require_safe
@member(Permission.MESSAGES_LIST)
def sent(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    found = messages.list_sent(compartment, asked(request))
    may_send = compartment.may(Permission.MESSAGES_SEND)
    return page(request, "messages/list.html", compartment=compartment, page=found, box="sent", may_send=may_send)


@require_http_methods(["GET", "POST"])
@member(Permission.MESSAGES_SEND)
def new(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    consumers = list_consumers(compartment)
    form = MessageForm(posted(request), consumers=consumers)
    if form.is_valid():
        with explained(form):
            made = messages.send_message(compartment, **form.cleaned_data)
            return done(request, f"Sealed to {made.peer} and on its way.", "messages-sent", compartment)
    return page(request, "messages/new.html", compartment=compartment, form=form, has_connections=bool(consumers))


@require_safe
@member(Permission.MESSAGES_LIST)
def envelope(request: MemberRequest, compartment: Compartment, message: UUID) -> HttpResponse:
    """Show the outside: following a link, or a preview of one, opens nothing."""
    try:
        found = messages.get_envelope(compartment, message)
    except Gone:
        return _gone(request, compartment)
    may_read = compartment.may(Permission.MESSAGES_REVEAL)
    return page(request, "messages/envelope.html", compartment=compartment, message=found, may_read=may_read)


@require_http_methods(["POST"])
@member(Permission.MESSAGES_REVEAL)
def read(request: MemberRequest, compartment: Compartment, message: UUID) -> HttpResponse:
    try:
        opened = messages.read_message(compartment, message)
    except Gone:
        return _gone(request, compartment)
    content = laid_out(opened.text)
    return page(request, "messages/content.html", compartment=compartment, message=opened.envelope, content=content)


def laid_out(text: str) -> str:
    """Return JSON text over several lines, numbers and names as they were sent: read as values, some would change."""
    lines: list[str] = []
    depth = 0
    for part in _PART.findall(text):
        depth += (part in {"[", "{"}) - (part in {"]", "}"})
        before = f"\n{'  ' * depth}" if part in {"]", "}"} else ""
        after = f"\n{'  ' * depth}" if part in {"[", "{", ","} else " " if part == ":" else ""
        lines.append(f"{before}{_legible(part)}{after}")
    return "".join(lines)


def _legible(part: str) -> str:
    """Return a part of JSON with its escapes resolved where they can be: half of a surrogate pair is no character."""
    if not part.startswith('"'):
        return "".join(part.split())
    return json.dumps(json.loads(part), ensure_ascii=False).encode(errors="backslashreplace").decode()


def _gone(request: MemberRequest, compartment: Compartment) -> HttpResponse:
    """Say so on a page, or in place of the message where it vanishes while somebody looks at it."""
    template = "messages/gone_panel.html" if request.headers.get("HX-Request") == "true" else "messages/gone.html"
    return render(request, template, {"compartment": compartment}, status=HTTPStatus.GONE)
