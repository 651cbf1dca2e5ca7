"""`login`, `logout`, `whoami`. Signing in is the device authorization grant (RFC 8628); no token is ever shown."""

from __future__ import annotations

import os
import socket
import time
from typing import Annotated, Any, Final

import httpx
import typer

from portal.cli import client, credentials, output, places
from portal.cli.credentials import Credential
from portal.cli.failures import Code, Failure
from portal.cli.options import Json, Portal, Tenant

CLIENT: Final = "bulkhead-cli"
GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
SLOWER: Final = 5  # seconds more between polls after slow_down (RFC 8628, section 3.5)


def login(
    portal: Portal = None,
    tenant: Tenant = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the address in a browser.")] = False,
) -> None:
    """Sign in: approve this command line in your browser, for one tenant."""
    named = portal or os.environ.get("BULKHEAD_PORTAL")
    if not named:
        raise Failure(Code.USAGE, "name the portal: bulkhead login --portal https://portal.example.com")
    wanted = tenant or os.environ.get("BULKHEAD_TENANT")
    origin = places.origin(named)
    with client.http(origin) as http:
        device = _begin(http)
        choose = f"\nChoose  {places.slug(wanted)}" if wanted else ""
        output.note(f"Open    {device['verification_uri']}\nEnter   {device['user_code']}{choose}")
        output.note("Waiting for your approval …")
        if open_browser:
            typer.launch(device["verification_uri"])
        credential = _wait(http, origin, device)
    credentials.store(credential)
    output.note(f"Signed in to {credential.tenant} at {origin}.")
    if wanted and wanted != credential.tenant:
        raise Failure(Code.DENIED, f"the browser approved {credential.tenant}, not {wanted}")


def logout(portal: Portal = None, tenant: Tenant = None) -> None:
    """Revoke this command line's token and forget it."""
    credential = credentials.find(portal, tenant)
    try:
        with client.http(credential.portal) as http:
            answer = _post(http, "/oauth/revoke", client_id=CLIENT, token=credential.token)
    finally:
        # Whatever the portal says, nothing stays here.
        credentials.forget(credential)
    if not answer.is_success:
        raise Failure(Code.UNAVAILABLE, "forgotten here, but the portal did not revoke it: do so on your account page")
    output.note(f"Signed out of {credential.tenant} at {credential.portal}.")


def whoami(portal: Portal = None, tenant: Tenant = None, as_json: Json = False) -> None:
    """Show who you are to the portal, and in which tenant."""
    me = client.signed_in(portal, tenant).get("/api/v1/me")
    if as_json:
        output.as_json(me)
        return
    rows = [{"what": key.replace("_", " "), "value": value} for key, value in me.items()]
    output.table({"What": "what", "Value": "value"}, rows, empty="")


def _begin(http: httpx.Client) -> dict[str, Any]:
    answer = _post(http, "/oauth/device/code", client_id=CLIENT, device_name=socket.gethostname()[:100])
    if not answer.is_success:
        raise _oauth_failure(answer)
    device: dict[str, Any] = answer.json()
    if places.origin(str(device["verification_uri"]).removesuffix("/device/")) != str(http.base_url).rstrip("/"):
        raise Failure(Code.FAILED, "the portal names an address that is not its own: check its BULKHEAD_BASE_URL")
    return device


def _wait(http: httpx.Client, origin: str, device: dict[str, Any]) -> Credential:
    interval = float(device.get("interval", 5))
    ends = time.monotonic() + float(device["expires_in"])
    while time.monotonic() < ends:
        time.sleep(interval)
        try:
            answer = _post(http, "/oauth/token", client_id=CLIENT, grant_type=GRANT, device_code=device["device_code"])
        except Failure:
            interval *= 2  # the portal may be restarting: back off (section 3.5) until the code expires
            continue
        if answer.is_success:
            return _credential(origin, answer.json())
        error = _oauth_error(answer)
        if error == "slow_down":
            interval += SLOWER
        elif error != "authorization_pending":
            raise _oauth_failure(answer)
    raise Failure(Code.GONE, "the code has expired: run `bulkhead login` anew")


def _credential(origin: str, granted: dict[str, Any]) -> Credential:
    tenant = places.slug(str(granted["scope"]).removeprefix("tenant:"))
    return Credential(origin, tenant, granted["access_token"], int(time.time()) + int(granted["expires_in"]))


def _post(http: httpx.Client, path: str, **form: str) -> httpx.Response:
    try:
        return http.post(path, data=form)
    except httpx.TransportError as error:
        raise client.unreachable(str(http.base_url), error) from None


def _oauth_error(answer: httpx.Response, part: str = "error") -> str:
    try:
        return str(answer.json()[part])
    except (ValueError, KeyError, TypeError):
        return ""


def _oauth_failure(answer: httpx.Response) -> Failure:
    """Word an OAuth error (RFC 6749, section 5.2; RFC 8628, section 3.5)."""
    match _oauth_error(answer):
        case "access_denied":
            because = _oauth_error(answer, "error_description")
            return Failure(Code.DENIED, because or "the request was denied in the browser")
        case "expired_token" | "invalid_grant":
            return Failure(Code.GONE, "the code has expired: run `bulkhead login` anew")
        case "slow_down":
            return Failure(Code.UNAVAILABLE, "too many attempts: wait a minute")
        case "":
            return Failure(Code.UNAVAILABLE, f"the portal answered {answer.status_code}")
        case error:
            return Failure(Code.FAILED, f"the portal refused: {error}")


def add_to(app: typer.Typer) -> None:
    app.command()(login)
    app.command()(logout)
    app.command()(whoami)
