"""Values among imported rows obey the rules that every door enforces on what customers enter.

A build's environment and known hosts, a label filter's reach, a key that somebody copies and a link on a page are made
of them, so nobody may bring in by file what nobody could have typed.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from datetime import date
from typing import Any, Final

from django.db.models import Model
from psycopg import sql

from tenants import ssh_formats, validation
from tenants.actions.parameter_reminders import checked_day
from tenants.errors import Invalid
from tenants.provisioning.acting import as_provisioner
from tenants.records import models
from tenants.records.labels import filter_pairs, pairs, stored, stored_filters
from tenants.ssh_formats.container import Reader
from tenants.transfer.archive import member_of
from tenants.transfer.errors import BadArchive
from tenants.transfer.tables import stream

Check = Callable[..., bool]
"""Whether the values of some columns, as text, are what our own code would have stored."""

_PUBLIC: Final = re.compile(r"([a-z0-9@.-]{1,64}) ([A-Za-z0-9+/]+={0,2})(?: [^\x00-\x1f\x7f]*)?")
_FINGERPRINT: Final = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_PRINCIPAL: Final = re.compile(r"[!-~]{1,500}")
_USED: Final = re.compile(r"[a-z][a-z0-9._:-]{0,31}")


def _labels(text: str) -> bool:
    labels = json.loads(text)
    return bool(stored(validation.labels(pairs(labels))) == labels)


def _filters(text: str) -> bool:
    filters = json.loads(text)
    return bool(stored_filters(validation.filters(filter_pairs(filters))) == filters)


def _same(rule: Callable[[str], str]) -> Check:
    """Whether a value is what a rule makes of it."""
    return lambda text: rule(text) == text


def _one_of(values: Collection[str]) -> Check:
    return lambda text: text in values


def _each(rule: Callable[[str], object]) -> Check:
    """Whether it is a list of texts that a rule takes."""

    def check(text: str) -> bool:
        values = json.loads(text)
        return isinstance(values, list) and all(isinstance(value, str) and bool(rule(value)) for value in values)

    return check


def _or_nothing(check: Check) -> Check:
    return lambda text: text is None or check(text)


def _day(text: str) -> bool:
    return bool(checked_day(date.fromisoformat(text)))


def _natural(text: str) -> bool:
    return int(text) >= 0


def _public(line: str, fingerprint: str, kind: str = "ssh-ed25519") -> bool:
    """Whether it is one key on one line, and what is shown of it is its own."""
    found = _PUBLIC.fullmatch(line)
    blob = base64.b64decode(found[2], validate=True) if found else b""
    told = bool(found) and found[1] == kind and Reader(blob).string() == kind.encode()  # type: ignore[index]  # found
    return told and ssh_formats.fingerprint(blob) == fingerprint


_name: Final = _same(validation.name)
_variable: Final = _same(validation.variable)
_remark: Final = _same(validation.remark)


def _line(text: str) -> bool:
    return validation.title_or_nothing(text, "line", longest=255) == text


RULES: Final[Mapping[type[Model], Mapping[tuple[str, ...], Check]]] = {
    models.Build: {
        ("repository_name",): _name,
        ("revision",): _line,
        ("outcome",): _one_of(models.Build.Outcome.values),
        ("override_names",): _each(_variable),
    },
    models.KeyUse: {("uses",): _natural},
    models.Parameter: {
        ("name",): _variable,
        ("description",): _remark,
        ("kind",): _one_of(models.Parameter.Kind.values),
        ("expires_on",): _or_nothing(_day),
    },
    models.ParameterSet: {("name",): _name, ("description",): _remark, ("filters",): _filters},
    models.ParameterVersion: {("reason",): _line},
    models.Repository: {("name",): _name, ("url",): _same(validation.repository_url), ("labels",): _labels},
    models.SSHAuthority: {("public", "fingerprint"): _public},
    models.SSHCertificate: {
        ("key_id",): _line,
        ("principals",): _each(_PRINCIPAL.fullmatch),
        ("fingerprint",): lambda text: bool(_FINGERPRINT.fullmatch(text)),
    },
    models.SSHKey: {
        ("name",): _name,
        ("description",): _remark,
        ("filters",): _filters,
        ("public", "fingerprint", "kind"): _public,
        ("comment",): _line,
        ("known_hosts",): _same(ssh_formats.known_hosts),
    },
    models.Usage: {
        ("day",): _day,
        ("kind",): lambda text: bool(_USED.fullmatch(text)),
        ("count",): _natural,
        ("bytes",): _natural,
    },
    models.UsageHead: {("one",): _one_of({"true"}), ("position",): _natural},
}


def check_rows(schema: str, using: str) -> None:
    """Raise BadArchive for the first value that no door would have let in."""
    for model, rules in RULES.items():
        meta = model._meta
        names = [str(meta.pk.column), *(name for columns in rules for name in columns)]
        texts = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in names)
        statement = sql.SQL("SELECT {} FROM {}").format(texts, sql.Identifier(schema, meta.db_table))
        with as_provisioner(using), closing(stream(statement, using)) as found:
            for identity, *values in found:
                rest = iter(values)
                for columns, check in rules.items():
                    if not _holds(check, [next(rest) for _ in columns]):
                        where = " and ".join(columns)
                        raise BadArchive(member_of(meta.db_table), f"{where} of {identity} is not what may stand there")


def _holds(check: Check, values: list[Any]) -> bool:
    try:
        return check(*values)
    except (Invalid, ValueError, TypeError, AttributeError, RecursionError):  # of any JSON at all, not ours alone
        return False
