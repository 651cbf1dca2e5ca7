"""The shapes that several nouns share. Unknown fields are refused, types are not guessed, errors repeat no value."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Annotated, Any, Final

from django.conf import settings
from ninja import Schema
from pydantic import AfterValidator, ConfigDict, Field

from tenants.pagination import MAX_SIZE, PageRequest
from tenants.records import labels as stored_labels
from tenants.validation import MAX_ALTERNATIVES, MAX_LABELS

REFUSALS: Final = (400, 401, 403, 404, 413, 415, 422, 429, 500, 503)
# For values: as JSON escapes them a byte takes at worst six, and a value is a whole file. Django reads no more.
LARGE_BODY: Final[int] = settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def _storable(value: str) -> str:
    """PostgreSQL stores no NUL, nor can a variable or a name hold one; lone surrogates have no UTF-8."""
    if "\x00" in value:
        raise ValueError("must not contain a NUL character")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("must be Unicode text without lone surrogates") from None
    return value


Text = Annotated[str, AfterValidator(_storable)]
Name = Annotated[Text, Field(min_length=1, max_length=100)]
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=40)]


class Strict(Schema):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True, from_attributes=True)


class Pair(Strict):
    """A label and its value; compared exactly."""

    name: Annotated[Text, Field(min_length=1, max_length=63)]
    value: Annotated[Text, Field(max_length=128)]


Labels = Annotated[list[Pair], Field(max_length=MAX_LABELS)]
Filters = Annotated[
    list[Labels],
    Field(max_length=MAX_ALTERNATIVES, description="Any of all-of. An empty list matches every repository."),
]

Warned = Annotated[str | None, Field(description="What to think about before relying on it: who receives it.")]
EVERY_REPOSITORY: Final = "There is no filter: builds of every repository receive this, those added later too."


def pairs(labels: Iterable[Pair]) -> list[stored_labels.Pair]:
    return [(label.name, label.value) for label in labels]


def filter_pairs(filters: Iterable[Iterable[Pair]]) -> list[list[stored_labels.Pair]]:
    return [pairs(alternative) for alternative in filters]


def labels_of(stored: Iterable[str]) -> list[Pair]:
    return [Pair(name=name, value=value) for name, value in stored_labels.pairs(stored)]


def filters_of(stored: Iterable[Iterable[str]]) -> list[list[Pair]]:
    return [labels_of(alternative) for alternative in stored]


def warning_of(filters: Collection[object]) -> str | None:
    return None if filters else EVERY_REPOSITORY


class PageQuery(Schema):
    """Which page of a list: up to `size` items after the cursor `after`, which is the last answer's `next`."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    after: Annotated[Text, Field(max_length=200)] | None = None
    size: Annotated[int, Field(ge=1, le=MAX_SIZE)] = 50

    def request(self) -> PageRequest:
        return PageRequest(self.after, self.size)


class PublicKey(Strict):
    """The caller's ephemeral public key (JWK, RFC 8037); what is revealed is sealed to it."""

    kty: Annotated[str, Field(pattern=r"^OKP$")]
    crv: Annotated[str, Field(pattern=r"^X25519$")]
    x: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]


class Sealed(Strict):
    """A compact JWE (ECDH-ES, A256GCM) that only the holder of the ephemeral private key can open."""

    jwe: str


class ErrorDetail(Strict):
    code: str
    message: str
    fields: dict[str, str]
    incident: str | None


class Error(Strict):
    error: ErrorDetail


def answers(success: Any, *, status: int = 200, also: tuple[int, ...] = ()) -> dict[int, Any]:
    """Return the response models of an operation: one success, and every refusal in the one shape."""
    return {status: success, **dict.fromkeys(sorted((*REFUSALS, *also)), Error)}
