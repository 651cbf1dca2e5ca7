"""`build`: start, list and end builds. And the build that `run` is: opened with its own token, ended."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Self
from uuid import UUID

import typer

from portal.cli import client, handover, output, overrides
from portal.cli.child import ending_as_told
from portal.cli.credentials import Credential
from portal.cli.failures import Code, Failure
from portal.cli.options import Json, Portal, Repository, Tenant
from portal.cli.overrides import Override, Revision, TimeToLive
from portal.cli.sealed import Ephemeral
from portal.cli.signals import Signals, Told

if TYPE_CHECKING:
    from portal.cli.jose import OctKey

EVENT: Final = "bulkhead.build.started/1"
ALGORITHMS: Final = ("dir", "A256GCM")

app = typer.Typer(help="Builds: what runs, and what ran.", no_args_is_help=True)


class Outcome(StrEnum):
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Environment:
    """Values by name; the sets that define a name, where several do, the one that won first; which values are files'
    contents; and the days, as ISO 8601 has them, when stored values expire."""

    values: dict[str, str] = field(repr=False)
    conflicts: dict[str, list[str]]
    files: list[str]
    expires_on: dict[str, str]


class Ended(Failure):
    """The build's own token is refused: it lives as long as the build."""


class Running:
    """A build, by its own token alone, and by its start event."""

    def __init__(self, own: Credential, event: Mapping[str, Any]) -> None:
        self.credential, self.event = own, event
        self._api = client.Api(own)
        self._path = f"builds/{client.part(event['build'])}"
        self._key: OctKey | None = None

    @classmethod
    def start(cls, by: client.Api, *, repository: str, **asked: Any) -> Self:
        """Start a build as the person who signed in. Its token and its key are in this process alone."""
        with client.naming(f"repository {repository} in {by.credential.tenant}"), _unheard(asked["ttl"]):
            key = Ephemeral()
            answer = by.post("builds", {"key": key.public(), "repository": repository, **asked})
            granted = key.open(answer["token"]["jwe"])
        event, tenant = answer["event"], by.credential.tenant
        named = (event["type"], event["tenant"], event["repository"], granted["build"])
        if named != (EVENT, tenant, repository, event["build"]):
            raise Failure(Code.FAILED, "the portal answered for another build")
        return cls(Credential(by.credential.portal, tenant, granted["token"], granted["expires_at"]), event)

    def environment(self) -> Environment:
        content = self._open(self.event["environment"])
        return Environment(
            content["values"], content["conflicts"], content.get("files", []), content.get("expires_on", {})
        )

    def ssh_keys(self) -> list[dict[str, Any]]:
        """Return the SSH keys that match: name, generation, public, known_hosts, private_key."""
        return list(self._open(self._post(f"{self._path}/ssh-keys", {})["jwe"])["keys"])

    def certify(self, public_key: str) -> dict[str, Any]:
        """Return a certificate that names this build's repository, and until when it is valid."""
        return dict(self._post("ssh-certificates", {"public_key": public_key}))

    def end(self, outcome: Outcome, signals: Signals) -> None:
        """End the build. What went wrong is told, and changes nothing of how the command ended."""
        signals.wait_anew()
        try:
            self._post(f"{self._path}/end", {"outcome": outcome.value})
        except Ended:
            output.complain("warning: the build had ended already: somebody ended it, or its time was up")
        except Failure as failure:
            output.complain(f"warning: the build was not ended, and ends by itself: {failure.message}")
        except Told:
            output.complain("warning: the portal has not said that the build has ended; else it ends by itself")
            raise

    def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Call as the build. Raises Ended where the portal knows its token no more."""
        try:
            return self._api.post(path, body)
        except Failure as failure:
            if failure.status != HTTPStatus.UNAUTHORIZED:
                raise
            raise Ended(failure.code, "the build has ended: somebody ended it, or its time was up") from None

    def _open(self, sealed: str) -> Mapping[str, Any]:
        from portal.cli import jose  # noqa: PLC0415 - see there

        try:
            content = jose.opened(sealed, self._unwrapped(), ALGORITHMS)
        except ValueError:
            raise Failure(Code.FAILED, "what the portal sent does not open with the build's key") from None
        if content["build"] != self.event["build"]:
            raise Failure(Code.FAILED, "the portal answered for another build")
        return dict(content)

    def _unwrapped(self) -> OctKey:
        from portal.cli import jose  # noqa: PLC0415 - see there

        if self._key is None:
            answer = self._post("crypto/decrypt-key", {"enc": self.event["enc"]})
            try:
                self._key = jose.OctKey.import_key(b64decode(answer["key"], validate=True))
            except NoBase64:
                raise Failure(Code.FAILED, "the portal sent no key") from None
        return self._key


@contextmanager
def _unheard(ttl: int) -> Iterator[None]:
    """Say what becomes of a build that the portal was asked for, and may have started, when nobody reads the answer."""
    try:
        yield
    except (Told, client.Unanswered):
        output.complain(
            "warning: the portal has not said whether it started the build. If it did, nobody has its token, and it "
            f"ends by itself after {ttl} seconds; `bulkhead build list` shows it, and `bulkhead build end` ends it now"
        )
        raise


@app.command()
def start(  # noqa: PLR0917 - typer reads options from parameters
    repository: Repository,
    revision: Revision = "",
    override: Override = None,
    ttl: TimeToLive = 3600,
    output_: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write to a new file, which only this user may read."),
    ] = None,
    portal: Portal = None,
    tenant: Tenant = None,
) -> None:
    """Start a build and print, as JSON, what `run --build` needs to be it: its start event and its own token.

    For a CI job: a step that is trusted starts the build, the job's step runs it, and no credential of a person's is
    where the job's commands run. Whoever reads what is printed has that build's values until it ends: keep it out of
    logs.
    """
    if output_ is not None and output_.exists():
        raise Failure(Code.FAILED, f"{output_} is there already; nothing was started")
    api = client.signed_in(portal, tenant)
    asked = {"revision": revision, "overrides": overrides.read(override or ()), "ttl": ttl}
    with ending_as_told() as signals:
        build = Running.start(api, repository=repository, **asked)
        try:
            signals.heed()
            handover.write(build.credential, build.event, output_, signals.heed)
        except BaseException:
            build.end(Outcome.CANCELLED, signals)
            raise


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option("--limit", min=1, max=100, help="How many, newest first.")] = 20,
    portal: Portal = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """List the last builds."""
    items = client.signed_in(portal, tenant).get("builds", size=limit)["items"]
    columns = {
        "Build": "id",
        "Repository": "repository",
        "Revision": "revision",
        "Outcome": "outcome",
        "Started": "started_at",
        "By": "started_by",
    }
    output.listing(items, columns, empty="There is no build yet.", raw=as_json)


@app.command()
def end(
    build: Annotated[UUID, typer.Argument(metavar="ID", help="The build's id, from `build list`.")],
    outcome: Annotated[Outcome, typer.Option("--outcome", help="What became of it.")] = Outcome.CANCELLED,
    portal: Portal = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """End a build whose command is gone: its key is shredded, and its token dies."""
    ended = client.signed_in(portal, tenant).post(f"builds/{build}/end", {"outcome": outcome.value})
    if as_json:
        output.as_json(ended)
    else:
        output.note(f"{ended['repository']}: {ended['outcome']}.")
