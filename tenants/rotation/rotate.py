"""One tenant's rotation: a new version, everything rewrapped, and the old versions retired once that is safe.

    add a version  →  rewrap in batches  →  (every process has heard of it)  →  close the old versions  →  a last pass
    that finds nothing left  →  retire them

Each step can be cut off and is found undone by the next run: nothing but the keys and the rows themselves says how far
it is. A version is closed where values are stored, in the transactions that count its uses, so what the last pass sees
is all there will ever be; only then is it retired.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import Error

from secrets_vault import BadCiphertext, Keyring, KeyServiceUnavailable, VaultError
from tenants.actor import Actor
from tenants.compartment import Compartment, enter_as_system
from tenants.errors import NotFound
from tenants.registry.models import Tenant
from tenants.rotation.rewrapping import Pass, SupersededError, rewrap_all
from tenants.rotation.versions import add_version, close, fresh_keyring, is_settled, retire

logger: Final = logging.getLogger(__name__)

_ENOUGH: Final = 10  # passes: writers that have not heard of the new key can't keep one busy for longer


@dataclass(slots=True)
class Outcome:
    """What became of one tenant's rotation this time."""

    tenant: UUID
    added: int | None = None  # the version that was made
    items: int = 0  # that were rewrapped
    retired: tuple[int, ...] = ()
    cut_off: bool = False  # the time was over before the work
    waiting: bool = False  # an old version is still there, until it is certain that nobody writes under it
    failure: str = ""

    @property
    def changed(self) -> bool:
        """Whether anything is otherwise than before."""
        return bool(self.added or self.items or self.retired)


def rotate(tenant_id: UUID, actor: Actor, *, reason: str = "", deadline: float | None = None) -> Outcome:
    """Make a new version if there is a `reason` for one, and bring what was begun as far as it can be brought.

    Runs as the provisioner or the owner. Raises KeyServiceUnavailable: others would fail too. `deadline` is of
    `time.monotonic`.
    """
    outcome = Outcome(tenant_id)
    try:
        if reason:
            outcome.added = add_version(tenant_id, actor, reason)
        with enter_as_system(tenant_id, actor, suspended=True) as inside:
            _finish(inside, actor, outcome, deadline)
    except (NotFound, Tenant.DoesNotExist):
        pass  # destroyed meanwhile
    except SupersededError:
        outcome.waiting = True
    except KeyServiceUnavailable:
        raise
    except BadCiphertext as error:  # what does not open of its values does not come here
        outcome.failure = f"one of its keys can't be unwrapped: {error}"
    except (Error, VaultError) as error:
        outcome.failure = str(error).partition("\n")[0][:200]  # the rest may quote a statement
    return outcome


def _finish(inside: Compartment, actor: Actor, outcome: Outcome, deadline: float | None) -> None:
    keyring = fresh_keyring(inside.tenant.id)
    old = sorted(set(keyring.versions) - {keyring.current.version})
    settled = is_settled(inside.tenant.id)
    if settled and old:
        close(inside, old)
    last = _rewrap(inside, keyring, outcome, deadline)
    if last.failed:
        outcome.failure = f"{last.failed} items do not open: {', '.join(last.named)}"
        logger.error("tenant %s keeps its old keys: %s", inside.tenant.id, outcome.failure)
    outcome.cut_off = last.cut_off
    if not old:
        return
    if settled and not last.rewrapped and not last.failed and not last.cut_off:
        retire(inside.tenant.id, old, actor)
        outcome.retired = tuple(old)
    else:
        outcome.waiting = True


def _rewrap(inside: Compartment, keyring: Keyring, outcome: Outcome, deadline: float | None) -> Pass:
    """Walk until a pass finds nothing to do or the time is over, and return the last."""
    for _ in range(_ENOUGH):
        done = rewrap_all(inside.alias, keyring, deadline=deadline)
        outcome.items += done.rewrapped
        if not done.rewrapped or done.cut_off:
            break
    return done
