"""Rows that no door would have written don't come in by file, even sealed and with digests that fit."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta

import psycopg
import pytest
from django.apps import apps
from django.db import connections, models, transaction

from tenants.actions import builds, repositories
from tenants.records.models import Build
from tenants.registry.due import database_now
from tenants.registry.models import Certificate, TenantRequest
from tenants.transfer import BadArchive, Taken, TransferError, checks
from tenants.transfer.rows import RULES
from tests.conftest import Household, NewPerson
from tests.tenants.transfer.conftest import Import
from tests.tenants.transfer.forging import Forgery


def _altered_log(forgery: Forgery) -> None:
    lines = forgery.lines("audit")
    lines[0][2] = lines[0][2].replace("tenant.created", "tenant.invented")
    forgery.put("audit", lines)


def _cut_log(forgery: Forgery) -> None:
    forgery.put("audit", forgery.lines("audit")[:-1])


def _log_without_beginning(forgery: Forgery) -> None:
    forgery.put("audit", forgery.lines("audit")[1:])


def _unsettled_head(forgery: Forgery) -> None:
    forgery.change("audit_head", "position", "1")


def _two_heads(forgery: Forgery) -> None:
    (head,) = forgery.lines("audit_head")
    forgery.put("audit_head", [head, ["f", *head[1:]]])


def _hidden_rows(forgery: Forgery) -> None:
    forgery.parts["tables/repositories.copy"] += b"\\.\n" + b"hidden\n"


def _half_a_line(forgery: Forgery) -> None:
    forgery.parts["tables/repositories.copy"] = forgery.parts["tables/repositories.copy"][:-1]


def _no_text(forgery: Forgery) -> None:
    forgery.parts["tables/repositories.copy"] = forgery.parts["tables/repositories.copy"].replace(b"web", b"\xff\xfe")


def _wide_row(forgery: Forgery) -> None:
    forgery.put("repositories", [[*line, "more"] for line in forgery.lines("repositories")])


def _change(table: str, column: str, value: str) -> Callable[[Forgery], None]:
    return lambda forgery: forgery.change(table, column, value)


def _doubled(table: str, column: str) -> Callable[[Forgery], None]:
    def change(forgery: Forgery) -> None:
        index, lines = forgery.table(table)["columns"].index(column), forgery.lines(table)
        for line in lines:
            line[index] += f"\\n{line[index]}"
        forgery.put(table, lines)

    return change


def _counted_ahead(forgery: Forgery) -> None:
    forgery.put("usage_head", [["t", "99999"]])


ROWS: dict[str, tuple[str, Callable[[Forgery], None]]] = {
    "an entry of the log changed": ("audit", _altered_log),
    "the log cut off": ("audit", _cut_log),
    "the log without its first row": ("audit", _log_without_beginning),
    "the log's time changed": ("audit", _change("audit", "at", "2020-01-01 00:00:00+00")),
    "a head that is not the end": ("audit_head", _unsettled_head),
    "two heads": ("audit_head", _two_heads),
    "rows behind an end": ("repositories", _hidden_rows),
    "half a line": ("repositories", _half_a_line),
    "bytes that are no text": ("repositories", _no_text),
    "a column too many": ("repositories", _wide_row),
    "no UUID": ("repositories", _change("repositories", "id", "\x1b[2J")),
    "no JSON": ("repositories", _change("repositories", "labels", "{")),
    "labels that are none": ("repositories", _change("repositories", "labels", '["os"]')),
    "labels of another form": ("repositories", _change("repositories", "labels", '{"os": "linux"}')),
    "labels of numbers": ("repositories", _change("repositories", "labels", "[1]")),
    "labels that are deep": ("repositories", _change("repositories", "labels", "[" * 3000 + "]" * 3000)),
    "a name that can't be addressed": ("repositories", _change("repositories", "name", "../x")),
    "an address that runs": ("repositories", _change("repositories", "url", "javascript:alert(1)")),
    "an empty alternative": ("parameter_sets", _change("parameter_sets", "filters", "[[]]")),
    "filters that are none": ("parameter_sets", _change("parameter_sets", "filters", '"x"')),
    "a variable that is none": ("parameters", _change("parameters", "name", "LD PRELOAD")),
    "a date that no clock shows": ("parameters", _change("parameters", "expires_on", "infinity")),
    "a kind that is none": ("parameters", _change("parameters", "kind", "folder")),
    "a reason of two lines": ("parameter_versions", _change("parameter_versions", "reason", "one\\ntwo")),
    "a host behind a key": ("ssh_keys", _change("ssh_keys", "known_hosts", "* ssh-rsa AAAA\\nHost *\\n")),
    "two public keys": ("ssh_keys", _doubled("ssh_keys", "public")),
    "another key's fingerprint": ("ssh_keys", _change("ssh_keys", "fingerprint", "SHA256:" + "A" * 43)),
    "two authorities in one": ("ssh_authorities", _doubled("ssh_authorities", "public")),
    "a certificate for two names at once": (
        "ssh_certificates",
        _change("ssh_certificates", "principals", '["root,admin x"]'),
    ),
    "a certificate whose name breaks the line": ("ssh_certificates", _change("ssh_certificates", "key_id", "a\\nb")),
    "a build that came to no end": ("builds", _change("builds", "outcome", "endless")),
    "a build of a name that breaks out": ("builds", _change("builds", "override_names", '["A;B"]')),
    "a build of no repository's name": ("builds", _change("builds", "repository_name", "\\nx")),
    "a build of an endless time": ("builds", _change("builds", "ends_by", "infinity")),
    "acts that make up for others": ("usage", _change("usage", "count", "-5")),
    "acts of no day": ("usage", _change("usage", "day", "infinity")),
    "a count that is ahead of the log": ("usage_head", _counted_ahead),
    "uses that make up for others": ("key_uses", _change("key_uses", "uses", "-4000000000")),
    "a lookup key that doesn't open": ("lookup_secrets", _change("lookup_secrets", "sealed", "\\\\x00")),
    "a row of nobody": ("parameters", _change("parameters", "set_id", str(uuid.uuid4()))),
    "an endless time": ("repositories", _change("repositories", "created_at", "infinity")),
    "a time that Python can't tell": ("repositories", _change("repositories", "created_at", "20000-01-01 00:00:00+00")),
    "a sealing key that doesn't open": ("sealing_secrets", _change("sealing_secrets", "sealed", "\\\\x00")),
    "a sealing key of another version": ("sealing_secrets", _change("sealing_secrets", "version", "2")),
}


# Who did something, and why a message was refused: words that are shown, escaped, and that nothing else is made of.
WORDS = {"author", "changed_by", "deleted_by", "peer", "refused", "started_by"}
# PostgreSQL types these; times, the log and what is sealed are checked as such (tenants/transfer/checks.py).
TYPED = (
    *(models.AutoField, models.BinaryField, models.BooleanField, models.DateTimeField, models.ForeignKey),
    *(models.PositiveIntegerField, models.PositiveSmallIntegerField, models.UUIDField),
)


def test_no_column_is_without_a_rule() -> None:
    """A column of text, JSON, days or numbers that is added gets one, or says here why not."""
    without = {
        f"{model._meta.db_table}.{field.column}"
        for model in apps.get_app_config("records").get_models()
        for field in model._meta.local_concrete_fields
        if not isinstance(field, TYPED)
        and field.column not in WORDS
        and not any(field.column in columns for columns in RULES.get(model, {}))
    }
    assert without == {"audit.position", "audit.entry", "audit_head.position"}


@pytest.mark.parametrize(("table", "change"), ROWS.values(), ids=ROWS.keys())
def test_a_row_is_refused(
    bring: Import, forgery: Forgery, nothing_changes: None, table: str, change: Callable[[Forgery], None]
) -> None:
    change(forgery)
    with pytest.raises(TransferError) as refused:
        bring(forgery.written())
    assert str(refused.value).isprintable()
    if isinstance(refused.value, BadArchive):
        assert refused.value.part in {f"tables/{table}.copy", "keys"}


def test_the_keys_must_be_those_of_the_rows(bring: Import, forgery: Forgery, nothing_changes: None) -> None:
    """Another tenant's identity over these rows: the key opens nothing that was sealed for the first."""
    forgery.manifest["tenant"] = str(uuid.uuid4())
    with pytest.raises(BadArchive, match="don't open"):
        bring(forgery.written())


@pytest.fixture
def taken(forgery: Forgery, new_person: NewPerson) -> Iterator[None]:
    """Somebody waits for a tenant of this address."""
    request = TenantRequest.objects.create(slug="plain", name="Plain", person=new_person())
    yield
    TenantRequest.objects.using("provisioner").filter(id=request.id).update(state="failed")


def test_an_address_that_is_taken_stays(
    household: Household, taken: None, nothing_changes: None, bring: Import, forgery: Forgery
) -> None:
    for wishes in ({"slug": household.slug}, {"slug": "plain"}, {}):
        with pytest.raises(Taken, match="--slug"):
            bring(forgery.written(), **wishes)


def test_a_running_build_ends_no_later_than_any_other(household: Household) -> None:
    with household.enter() as inside:
        repositories.create_repository(inside, name="api", url="", labels=[])
        builds.start_build(inside, repository="api", revision="", overrides={}, ttl=600)
        Build.objects.update(ends_by="2190-01-01T00:00:00Z")
        with transaction.atomic(using="owner"):
            checks.check_times(household.tenant.schema, "owner")
        assert Build.objects.get().ends_by <= database_now() + timedelta(seconds=builds.MAX_TTL)


def test_a_tenant_that_was_destroyed_here_stays_destroyed(bring: Import, forgery: Forgery) -> None:
    certificate = Certificate(tenant_id=forgery.manifest["tenant"], slug=f"t{uuid.uuid4().hex[:8]}", document="x")
    certificate.save(using="owner", force_insert=True)
    try:
        with pytest.raises(Taken, match="destroyed here"):
            bring(forgery.written())
    finally:
        certificate.delete(using="owner")


def test_a_failure_at_any_statement_leaves_nothing(bring: Import, forgery: Forgery, nothing_changes: None) -> None:
    """One statement in nine is made to fail; the last is the log's, after which it would be committed."""
    archive, failures = forgery.written(), 0
    while True:
        breaking = _Breaking(failures + 1)
        with connections["owner"].execute_wrapper(breaking), pytest.raises(BrokenError):
            bring(archive)
        if breaking.at_the_end:
            break
        failures += 9
    assert failures > 40


class BrokenError(Exception):
    pass


class _Breaking:
    def __init__(self, after: int) -> None:
        self._left, self.at_the_end = after, False

    def __call__(self, execute: Callable[..., object], statement: str, *rest: object) -> object:
        self._left -= 1
        if self._left == 0:
            raise BrokenError
        done = execute(statement, *rest)
        self.at_the_end = "tenant.imported" in statement
        if self.at_the_end:
            raise BrokenError
        return done


def test_administrators_see_no_trace(administrator: psycopg.Connection, forgery: Forgery) -> None:
    found = administrator.execute("SELECT count(*) FROM registry.tenants WHERE id = %s", [forgery.manifest["tenant"]])
    assert found.fetchone() == (0,)
