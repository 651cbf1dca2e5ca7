"""Backups of a destroyed tenant don't open: the documented dumps hold no wrapped key, and nothing else opens them."""

from __future__ import annotations

import os
import re
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from portal.demo import postgres
from portal.demo.embedded import Stack
from secrets_vault import Keyring, KeyServiceDenied, Place, VaultError, WrappedKey, open_sealed
from tenants.keyrings import forget_keyring, key_service, keyring_of, wrapped_keys
from tenants.registry.models import Tenant, TenantKey
from tests.conftest import NO_LIMITS, Household, as_own_role
from tests.tenants.operations.conftest import destroy, suspend

GUIDE: Final = Path(__file__).parents[3] / "deploy" / "database" / "BACKUPS.md"
COMMANDS: Final = re.findall(r"```sh\n(.+?)\n```", GUIDE.read_text(), re.DOTALL)
Dump = Callable[..., Path]


@pytest.fixture
def environment(stack: Stack, tmp_path: Path) -> dict[str, str]:
    server = {f"PG{name.upper()}": value for name, value in stack.administrator().items()}
    path = f"{postgres.binaries()}{os.pathsep}{os.environ['PATH']}"
    return {**server, "PATH": path, "BACKUPS": str(tmp_path)}


@pytest.fixture
def dump(environment: dict[str, str], tmp_path: Path) -> Dump:
    """Run the guide's command that writes this file, as it stands there, narrowed by what is `also` said."""

    def dump(name: str, also: str = "", **more: str) -> Path:
        (command,) = (command for command in COMMANDS if f"/{name}" in command)
        subprocess.run(["sh", "-euc", f"{command} {also}"], env={**environment, **more}, check=True, timeout=120)
        return tmp_path / name

    return dump


@pytest.fixture
def scratch(administrator: psycopg.Connection, stack: Stack) -> Iterator[str]:
    """An empty database elsewhere."""
    name = f"scratch_{uuid.uuid4().hex[:8]}"
    administrator.execute(f"CREATE DATABASE {name}")
    yield name
    administrator.execute(f"DROP DATABASE {name} WITH (FORCE)")


def restore(path: Path, database: str, environment: dict[str, str]) -> None:
    command = ["pg_restore", "--no-owner", "--no-acl", f"--dbname={database}", str(path)]
    subprocess.run(command, env=environment, check=True, timeout=120)


def restored_secret(tenant: Tenant, database: str, stack: Stack) -> tuple[Place, bytes]:
    """Return the one parameter's ciphertext, and where it stood."""
    rows = sql.SQL("SELECT sealed, parameter_id, version FROM {}.parameter_versions")
    with psycopg.connect(make_conninfo(**{**stack.administrator(), "dbname": database})) as connection:
        ((sealed, item, version),) = connection.execute(rows.format(sql.Identifier(tenant.schema))).fetchall()
    return Place(tenant.id, "parameter_versions.sealed", item, version), sealed


def readable(path: Path, environment: dict[str, str]) -> str:
    """Return a dump as SQL text: what is compressed can't be searched."""
    done = subprocess.run(
        ["pg_restore", "--file=-", str(path)], env=environment, check=True, capture_output=True, text=True, timeout=120
    )
    return done.stdout


def test_only_the_keys_dump_holds_wrapped_keys(stocked: Household, dump: Dump, environment: dict[str, str]) -> None:
    tenant = stocked.tenant
    (key,) = wrapped_keys(tenant.id)
    # The test database has hundreds of tenants: the registry and one schema show the same.
    main = dump("main.dump", also=f"--schema=registry --schema={tenant.schema}")
    for path, held in (
        (main, False),
        (dump("tenant.dump", SCHEMA=tenant.schema), False),
        (dump("keys.dump"), True),
    ):
        assert (key.wrapped.hex() in readable(path, environment)) is held, path
    assert f"COPY {tenant.schema}.parameter_versions" in readable(main, environment)
    assert "tenant_keys_id_seq" in readable(dump("keys.dump"), environment)  # keys made later are numbered on
    assert key.wrapped.hex() not in dump("roles.sql").read_text()


def test_a_backup_opens_before_and_never_after(
    stocked: Household,
    neighbour: Household,
    dump: Dump,
    scratch: str,
    environment: dict[str, str],
    stack: Stack,
) -> None:
    tenant, kept = stocked.tenant, wrapped_keys(stocked.tenant.id)
    backup = dump("tenant.dump", SCHEMA=tenant.schema)
    suspend(tenant)
    destroy(tenant)
    restore(backup, scratch, environment)
    where, sealed = restored_secret(tenant, scratch, stack)
    # With the wrapped key, which this test alone put aside, it would open: nothing else is missing.
    assert open_sealed(Keyring.open(key_service(), tenant.id, kept), where, sealed) == b"kittiwake"
    forget_keyring(tenant.id)
    with pytest.raises(KeyServiceDenied):
        keyring_of(tenant.id)
    with pytest.raises(VaultError):
        open_sealed(keyring_of(neighbour.tenant.id), where, sealed)
    for row in TenantKey.objects.order_by("-created_at")[:50]:
        other = WrappedKey(1, row.key_service, bytes(row.wrapped))
        with pytest.raises(VaultError):  # what is wrapped for one tenant does not unwrap for another
            open_sealed(Keyring.open(key_service(), tenant.id, [other]), where, sealed)


def test_one_tenants_lock_does_not_keep_a_dump_waiting(
    household: Household, environment: dict[str, str], stack: Stack
) -> None:
    """The minute that the guide says is a second here."""
    role = household.tenant.schema
    dumps = [command for command in COMMANDS if command.startswith("pg_dump ")]
    assert all("--lock-wait-timeout=60s" in command for command in dumps)
    (main,) = (command.replace("=60s", "=1s") for command in dumps if "/main.dump" in command)
    with as_own_role(household.tenant, stack, options=NO_LIMITS) as thief:
        thief.execute("LOCK TABLE repositories IN ACCESS EXCLUSIVE MODE")
        line = ["sh", "-euc", f"{main} --schema={role}"]
        done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode != 0
    assert "canceling statement due to" in done.stderr
    assert f"LOCK TABLE {role}." in done.stderr
