"""The connection of one compartment, kept warm in its thread, refused to everybody outside (Django backend)."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import local
from typing import Any, Final

from django.conf import settings
from django.db import connections
from django.db.backends.postgresql import base

from tenants.databases.current import OutsideCompartmentError, entered

# A connection idle for longer is asked whether it still lives before it is used: a server restarted meanwhile.
CHECK_AFTER_SECONDS: Final = 15.0


class _Warm(local):
    """This thread's open compartments, least recently used first."""

    def __init__(self) -> None:
        self.wrappers: OrderedDict[str, DatabaseWrapper] = OrderedDict()

    def use(self, wrapper: DatabaseWrapper) -> None:
        self.wrappers[wrapper.alias] = wrapper
        self.wrappers.move_to_end(wrapper.alias)
        while len(self.wrappers) > settings.COMPARTMENT_CONNECTIONS:
            idle = next((other for other in self.wrappers.values() if not other.in_atomic_block), None)
            if idle is None or idle is wrapper:
                return  # nested compartments in open transactions: bounded by the nesting itself
            self.forget(idle.alias)

    def forget(self, alias: str) -> None:
        wrapper = self.wrappers.pop(alias, None)
        if wrapper is not None:
            wrapper.close()
            del connections[alias]


warm: Final = _Warm()


def close_compartments() -> None:
    """Close this thread's warm connections: before it ends, or before the process forks."""
    for alias in list(warm.wrappers):
        warm.forget(alias)


class DatabaseWrapper(base.DatabaseWrapper):
    def __init__(self, settings_dict: dict[str, Any], alias: str = "") -> None:
        super().__init__(settings_dict, alias)
        self._used_at = 0.0
        # Every statement passes here, also one over a cursor that somebody kept.
        self.execute_wrappers.append(self._execute_inside)

    def _execute_inside(self, execute: Callable[..., Any], *statement: Any) -> Any:
        self._require_entered()
        return execute(*statement)

    def _require_entered(self) -> None:
        if entered.alias() != self.alias:
            raise OutsideCompartmentError(self.alias)

    def _cursor(self, name: str | None = None) -> Any:
        # And here before anything is connected, also for one that names the alias itself (`using(…)`).
        self._require_entered()
        now = time.monotonic()
        if self.connection is not None and not self.in_atomic_block and self._doubtful(now) and not self.is_usable():
            self.close()
        self._used_at = now
        warm.use(self)
        return super()._cursor(name)  # type: ignore[misc]  # django-stubs leaves out the method

    def _doubtful(self, now: float) -> bool:
        return self.errors_occurred or now - self._used_at > CHECK_AFTER_SECONDS
