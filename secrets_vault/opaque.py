"""What keeps keys out of logs, tracebacks and queues: objects that hold them show nothing and don't serialise.

Python can't promise to wipe memory: `bytes` are immutable and may be copied by the interpreter. What can be promised is
that no key leaves through `repr`, a traceback's local variables, `pickle` (Celery, caches) or `copy`.
"""

from typing import NoReturn, SupportsIndex


class Opaque:
    """Base of everything that holds key material."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn:
        raise TypeError(f"{type(self).__name__} holds a key: it is never pickled or copied")


class Secret(Opaque):
    """Bytes under a cover. Frames keep the Secret as their local variable, never what `reveal` returns.

    Bare bytes go straight from one call into the next; the leaf that gets them raises nothing once it has good ones.
    """

    __slots__ = ("_material",)

    def __init__(self, material: bytes) -> None:
        self._material = material

    def reveal(self) -> bytes:
        return self._material
