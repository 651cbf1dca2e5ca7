"""The portal as a web server serves it, but no request finds a key that an earlier one unwrapped.

`granian --interface wsgi tests.tenants.rotation.forgetful:application`. Each asks the key services, as the first one
after the minutes for which keys are remembered does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from portal import wsgi
from tenants import keyrings

if TYPE_CHECKING:
    from wsgiref.types import StartResponse


def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    with keyrings._lock:
        keyrings._keyrings.clear()
    return wsgi.application(environ, start_response)
