"""What social-auth may store: nothing. People are rows of ours, and a state lives and dies with its attempt."""

from __future__ import annotations

from social_core.storage import BaseStorage, NonceMixin, UserMixin

from tenants.registry.models import Person


class People(UserMixin):
    @classmethod
    def user_model(cls) -> type[Person]:  # type: ignore[override]  # upstream a user has an int for a key
        return Person


class Nonces(NonceMixin):
    """A state is claimed by removing its attempt (`OncePKCE.validate_state`), so no nonce is kept besides."""

    @classmethod
    def use(cls, server_url: str, timestamp: int, salt: str) -> bool:  # noqa: ARG003 - as declared upstream
        return True

    @classmethod
    def consume(cls, server_url: str, timestamp: int, salt: str) -> bool:  # noqa: ARG003 - as declared upstream
        return True


class Storage(BaseStorage):
    user = People
    nonce = Nonces

    @classmethod
    def is_integrity_error(cls, exception: Exception) -> bool:  # noqa: ARG003 - as declared upstream
        return False
