"""Builds as a build system has them, and what they run on."""

from __future__ import annotations

import dataclasses
import json
from base64 import b64decode
from typing import Any

from joserfc import jwe
from joserfc.jwk import OctKey, OKPKey

from tenants.actions import parameters, repositories, ssh_keys
from tenants.records.models import Build
from tenants.registry.models import AccessToken
from tests.conftest import Household
from tests.portal.api.conftest import Caller, new_client


@dataclasses.dataclass(frozen=True)
class Running:
    """A build as a build system sees it: its event, and a caller that holds its token."""

    event: dict[str, Any]
    caller: Caller

    @property
    def id(self) -> str:
        return str(self.event["build"])

    def key(self) -> bytes:
        answer = self.caller.post("crypto/decrypt-key", {"enc": self.event["enc"]})
        assert answer.status_code == 200, answer.content
        return b64decode(answer.json()["key"])

    def open(self, sealed: str) -> dict[str, Any]:
        opened = jwe.decrypt_compact(sealed, OctKey.import_key(self.key()), algorithms=["dir", "A256GCM"])
        return dict(json.loads(opened.plaintext or b""))


def stock(household: Household) -> Household:
    """Two repositories, with a value and a key for each that no other may see."""
    with household.enter() as inside:
        for name in ("api", "web"):
            repositories.create_repository(inside, name=name, url="", labels=[("for", name)])
            made = parameters.create_set(inside, name=name, description="", filters=[[("for", name)]])
            parameters.set_parameter(inside, made.id, name="SECRET", value=f"geheim-{name}-{household.slug}")
            ssh_keys.generate_key(inside, name=f"deploy-{name}", filters=[[("for", name)]])
    return household


def begin(caller: Caller, repository: str = "api", **more: Any) -> Running:
    key = OKPKey.generate_key("X25519")
    answer = caller.post("builds", {"repository": repository, "key": key.as_dict(private=False), **more})
    assert answer.status_code == 201, answer.content
    event = answer.json()["event"]
    opened = jwe.decrypt_compact(answer.json()["token"]["jwe"], key, algorithms=["ECDH-ES", "A256GCM"])
    sealed = json.loads(opened.plaintext or b"")
    assert sealed["build"] == event["build"]
    row = AccessToken.objects.get(build_id=event["build"])
    return Running(event, dataclasses.replace(caller, client=new_client(), token=sealed["token"], row=row))


def row_of(household: Household, build: Running) -> Build:
    with household.enter():
        return Build.objects.get(id=build.id)
