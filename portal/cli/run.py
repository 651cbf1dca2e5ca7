"""`run`: a command as one build of a repository, with exactly the parameters that match, decrypted here alone.

    start the build → unwrap its key with the build's own token → open the environment → run, mask → end the build

This process stays beside the command to mask what it prints, to take its files away and to end the build; the command's
exit code, its signals and its standard input are its own. A signal that comes before there is a command ends the build
and then this process, as it would have without asking.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final

import typer

from portal.cli import client, handover, output, overrides
from portal.cli.agent import Key, agent
from portal.cli.build import Environment, Outcome, Running
from portal.cli.child import Child, end_as, ending_as_told
from portal.cli.failures import Code, Failure
from portal.cli.files import files
from portal.cli.options import Portal, Tenant
from portal.cli.overrides import Override, Revision, TimeToLive
from portal.cli.signals import Signals, Told
from portal.cli.variables import DANGEROUS, NAME

EXPIRES_SOON: Final = timedelta(days=7)


def run(  # noqa: PLR0917 - typer reads options from parameters
    command: Annotated[list[str], typer.Argument(metavar="CMD…", help="The command and its arguments, after --.")],
    repository: Annotated[
        str,
        typer.Option("--repository", "-r", metavar="NAME", help="The repository whose labels decide what matches."),
    ] = "",
    build: Annotated[
        str,
        typer.Option(
            metavar="FILE|-",
            envvar="BULKHEAD_BUILD",
            help="Run a build that `build start` started, with what it wrote and without any sign-in.",
        ),
    ] = "",
    revision: Revision = "",
    override: Override = None,
    ttl: TimeToLive = 3600,
    mask: Annotated[
        bool, typer.Option("--mask/--no-mask", help="Mask the values in the output; --no-mask keeps the terminal.")
    ] = True,
    ssh_agent: Annotated[
        bool,
        typer.Option("--ssh-agent", help="Give the command an SSH agent with the keys that match; it ends with it."),
    ] = False,
    ssh_certificate: Annotated[
        bool,
        typer.Option(
            "--ssh-certificate",
            help="Give that agent a new key with a certificate for this build, renewed while it runs.",
        ),
    ] = False,
    allow_override: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Let a parameter set this variable all the same. Repeatable."),
    ] = None,
    portal: Portal = None,
    tenant: Tenant = None,
) -> None:
    """Run a command as a build, with the parameters that match a repository in its environment.

    A name that isn't a valid variable, that is set here to another value, or that makes programs load, run or trust
    something else (PATH, LD_PRELOAD, GIT_…, HTTPS_PROXY …) stops everything before the command starts, unless
    --allow-override names it. The list of such names is a net, not a wall: let only those write parameters who may
    decide what the command does.

    In the output, values and their common encodings (base64, hex, URLs, JSON, shells) become ***; of a value of
    several lines, each line. The command then writes into pipes and sees no terminal. Masking helps against mishaps
    and promises nothing against intent: what is cut by colours, compressed, hashed or otherwise encoded, what is
    shorter than 4 bytes, and what is written to files or sent elsewhere is not masked.

    The command runs as this user, and can do what this user can: where somebody is signed in, read the file of their
    access tokens and call the portal in their name, for other repositories too. A command that isn't trusted with that
    runs where nobody is signed in, with --build. Variables BULKHEAD_… but the portal and the tenant are not handed on.

    Of a parameter that is a file, the variable holds a path. The file is this user's alone, in memory where the system
    has such a place (XDG_RUNTIME_DIR, /dev/shm), and is removed when the command has ended.
    """
    if bool(repository) == bool(build) or (build and (revision or override or portal or tenant)):
        raise Failure(Code.USAGE, "say --repository, or --build alone: a build that is handed over knows the rest")
    asked = {"revision": revision, "overrides": overrides.read(override or ()), "ttl": ttl}
    ssh = _SSH(keys=ssh_agent, certificate=ssh_certificate)
    wanted = _Wanted(command, mask=mask, ssh=ssh, allowed=frozenset(allow_override or ()))
    with ending_as_told() as signals:
        if build:
            running = Running(*handover.read(build))
        else:
            running = Running.start(client.signed_in(portal, tenant), repository=repository, **asked)
        code = _as_build(running, wanted, signals)
    end_as(code)


@dataclass(frozen=True, slots=True)
class _SSH:
    """What the agent is to hold: with nothing there is none."""

    keys: bool
    certificate: bool


@dataclass(frozen=True, slots=True)
class _Wanted:
    command: list[str]
    mask: bool
    ssh: _SSH
    allowed: frozenset[str]


def _as_build(build: Running, wanted: _Wanted, signals: Signals) -> int:
    """Return how the command ended; the build has ended as well, whatever is raised."""
    outcome = Outcome.FAILED
    try:
        code = _run(build, wanted, signals)
        if code == 0:
            outcome = Outcome.SUCCEEDED
        elif signals.ending:
            outcome = Outcome.CANCELLED
    except Told:
        outcome = Outcome.CANCELLED
        raise
    finally:
        build.end(outcome, signals)
    return code


def _run(build: Running, wanted: _Wanted, signals: Signals) -> int:
    signals.heed()
    found = build.environment()
    _refuse(found, wanted.allowed)
    _warn(found)
    signals.heed()
    contents = {name: found.values[name] for name in found.files}
    with files(contents) as paths, _agent(build, wanted.ssh) as agents:
        # Values as UTF-8 whatever the locale: so they are stored, and so they are masked.
        values = {name.encode(): value.encode() for name, value in found.values.items()}
        environment = {**_encoded(_inherited()), **values, **_encoded({**paths, **agents})}
        child = Child(wanted.command, environment, found.values.values() if wanted.mask else None, signals)
        return child.wait()


def _inherited() -> Mapping[str, str]:
    """Return what the command has of this process's environment: nothing that is, or says where there is, a token."""
    ours = {name for name in os.environ if name.startswith("BULKHEAD_")} - {"BULKHEAD_PORTAL", "BULKHEAD_TENANT"}
    return {name: value for name, value in os.environ.items() if name not in ours}


def _encoded(variables: Mapping[str, str]) -> Mapping[bytes, bytes]:
    """Return them as this process itself has or would have them."""
    return {os.fsencode(name): os.fsencode(value) for name, value in variables.items()}


def _warn(found: Environment) -> None:
    for name, sets in found.conflicts.items():
        output.complain(f"warning: {name} is defined by {_listing(sets)}; the value is that of {sets[0]}")
    today = datetime.now(UTC).date()
    for name, text in found.expires_on.items():
        day = date.fromisoformat(text)
        if day < today:
            output.complain(f"warning: {name} expired on {day}; replace it")
        elif day - today <= EXPIRES_SOON:
            output.complain(f"warning: {name} expires on {day}; replace it")


def _agent(build: Running, wanted: _SSH) -> AbstractContextManager[dict[str, str]]:
    """Hold the build's SSH keys in an agent of its own; where a key has several generations, all of them."""
    if not (wanted.keys or wanted.certificate):
        return nullcontext({})
    keys = build.ssh_keys() if wanted.keys else []
    held = [Key(key["name"], key["known_hosts"], key["private_key"]) for key in keys]
    return agent(held, certify=build.certify if wanted.certificate else None)


def _refuse(found: Environment, allowed: frozenset[str]) -> None:
    values = found.values
    invalid = sorted(name for name in values if not NAME.fullmatch(name))
    if invalid:
        raise Failure(Code.FAILED, f"no environment variable can be called {_listing(invalid)}; nothing was run")
    unsafe = sorted(name for name in values if DANGEROUS.fullmatch(name) and name not in allowed)
    if unsafe:
        raise Failure(Code.FAILED, f"programs act on {_listing(unsafe)}; nothing was run ({_hint(unsafe)})")
    taken = sorted(name for name in values if name not in allowed and _is_taken(name, found))
    if taken:
        raise Failure(Code.FAILED, f"{_listing(taken)} is set here to another value; nothing was run ({_hint(taken)})")
    if any("\x00" in value for value in values.values()):
        raise Failure(Code.FAILED, "a value holds a NUL character, which no environment can; nothing was run")


def _is_taken(name: str, found: Environment) -> bool:
    """Whether it is set here to something else; the path of a file is always something else."""
    return name in os.environ and (name in found.files or os.environ[name] != found.values[name])


def _hint(names: Iterable[str]) -> str:
    return "to allow it: " + " ".join(f"--allow-override {name}" for name in names)


def _listing(names: Iterable[str]) -> str:
    return ", ".join(names)


def add_to(app: typer.Typer) -> None:
    settings = {"allow_interspersed_args": False}  # what follows the command is the command's own
    app.command(context_settings=settings)(run)
