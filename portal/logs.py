"""Log lines as JSON objects of a few named parts. What a message was made from is left out where it may quote data.

An exception's own message may hold a row ("Key (name)=(…) already exists") and is never written: its class, its
SQLSTATE and the places it passed are. Query strings, cookies, headers and bodies are not among the parts.
"""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Any, Final

from portal import incidents

# These put what a client sent into their messages: a Host header, a CSRF reason with the Referer.
QUOTING: Final = ("django.security", "django.server", "social", "urllib3", "httpx")
_DEPTH: Final = 12


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            "incident": getattr(record, "incident", "") or incidents.current.get(),
        }
        line |= getattr(record, "parts", {})
        if record.exc_info and record.exc_info[1]:
            line["error"] = _error(record.exc_info[1])
        return json.dumps({name: value for name, value in line.items() if value or value == 0})


def _message(record: logging.LogRecord) -> str:
    if record.name.startswith(QUOTING):
        return f"(what {record.name} says quotes the request)"
    if record.exc_info and not record.name.startswith(("portal", "tenants", "secrets_vault", "django.request")):
        return str(record.msg)  # the template, without what would be put in: often the exception itself
    return record.getMessage()


def _error(error: BaseException) -> dict[str, Any]:
    cause = error.__cause__
    return {
        "kind": f"{type(error).__module__}.{type(error).__qualname__}",
        "sqlstate": getattr(cause, "sqlstate", None),
        "through": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in _frames(error)],
        "because": _error(cause) if cause is not None else None,
    }


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    return traceback.extract_tb(error.__traceback__)[-_DEPTH:]


def configuration(level: str) -> dict[str, Any]:
    """Return Django's LOGGING: one handler to standard error, and no library louder than its warnings."""
    quiet = ("asyncio", "httpcore", "httpx", "urllib3", "social", "kombu", "amqp")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "portal.logs.JsonLines"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            **{name: {"level": "WARNING"} for name in quiet},
            # Django's own configuration gives these handlers of their own: a mail to administrators, a plain stream.
            "django": {"handlers": [], "level": level, "propagate": True},
            # Every request has its line from portal.middleware already; this one adds what failed.
            "django.request": {"level": "ERROR"},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
        },
    }
