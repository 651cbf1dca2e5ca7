"""Options that many commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Portal = Annotated[
    str | None,
    typer.Option("--portal", metavar="URL", help="The portal. [env: BULKHEAD_PORTAL; else the last signed in to]"),
]
Tenant = Annotated[
    str | None,
    typer.Option("--tenant", metavar="SLUG", help="The tenant. [env: BULKHEAD_TENANT; else the last signed in to]"),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
Repository = Annotated[
    str,
    typer.Option("--repository", "-r", metavar="NAME", help="The repository whose labels decide what matches."),
]
