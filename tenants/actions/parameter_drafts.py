"""What is being imported or changed, between its preview and its saving: sealed, and kept by the browser alone.

Neither a session nor a table holds it. It opens for the person who sent it, for the set it was sent for, and for
`LIFETIME`; the tenant's key seals it like everything else, so what is left in a browser's history is of no use.
"""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from datetime import datetime
from typing import Final
from uuid import UUID

from secrets_vault import BadCiphertext, Place
from tenants.actions.parameter_plan import Wanted
from tenants.compartment import Compartment, requires
from tenants.errors import Invalid
from tenants.importing import Format
from tenants.roles import Permission

LIFETIME: Final = 15 * 60  # seconds

_DIGITS: Final = 12  # of the second in which it ends


@requires(Permission.PARAMETERS_WRITE)
def seal_draft(compartment: Compartment, set_id: UUID, wanted: Wanted) -> str:
    """Return the draft for a field of a page; call it before the transaction of the preview, which counts it."""
    end = int(time.time()) + LIFETIME
    sealed = compartment.seal(_place(compartment, set_id, end), _packed(wanted))
    return f"{end:0{_DIGITS}}{urlsafe_b64encode(sealed).decode()}"


@requires(Permission.PARAMETERS_WRITE)
def open_draft(compartment: Compartment, set_id: UUID, draft: str) -> Wanted:
    """Return what was sealed. Raises Invalid({"draft": …}) for one that is too old, or was never made here."""
    end, encoded = draft[:_DIGITS], draft[_DIGITS:]
    if not (end.isascii() and end.isdigit()) or int(end) < time.time():
        raise _too_old()
    try:
        opened = compartment.open(_place(compartment, set_id, int(end)), urlsafe_b64decode(encoded.encode()))
    except (BadCiphertext, Error):
        raise _too_old() from None
    return _unpacked(opened.decode())


def _packed(wanted: Wanted) -> bytes:
    """Put the text behind a line of JSON as it is: escaped, it could become too long to be sent back."""
    head = {
        "form": wanted.form,
        "deletes": [str(each) for each in wanted.deletes],
        "seen": wanted.seen and wanted.seen.isoformat(),
    }
    return f"{json.dumps(head)}\n{wanted.text}".encode()


def _unpacked(packed: str) -> Wanted:
    line, _, text = packed.partition("\n")
    head = json.loads(line)
    seen = head["seen"] and datetime.fromisoformat(head["seen"])
    return Wanted(text, Format(head["form"]), tuple(map(UUID, head["deletes"])), seen)


def _place(compartment: Compartment, set_id: UUID, end: int) -> Place:
    return compartment.place(f"parameter_drafts.{compartment.actor.person_id}", set_id, end)


def _too_old() -> Invalid:
    return Invalid({"draft": "The preview is too old to be saved: enter it again."})
