"""What keeps keys out of logs, tracebacks and queues: objects that hold them show nothing and don't serialise.

Python can't promise to wipe memory: `bytes` are immutable and may be copied by the interpreter. What can be promised is
that no key leaves through `repr`, a traceback's local variables, `pickle` (Celery, caches) or `copy`.

Nor does a key that is kept lie in Python's memory: a TenantKey is derived into a buffer that is overwritten at once;
what stays is OpenSSL's cipher, which overwrites its key when it is freed, as soon as nobody refers to the TenantKey any
more. What can't be wiped is what the key was on its way there: the key service's answer in its client's strings and
bytes, and the 32 bytes that `unwrap` returns. They are given back to the allocator within milliseconds, and lie there
until it gives them away again. A key file's own key is in its process for as long as that lives.
"""

from typing import NoReturn, Self, SupportsIndex


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


class Wiped(Opaque):
    """A buffer of our own under a cover: overwritten with zeros at the end of its `with`."""

    __slots__ = ("_buffer",)

    def __init__(self, size: int) -> None:
        self._buffer = bytearray(size)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._buffer[:] = bytes(len(self._buffer))

    def view(self) -> memoryview:
        return memoryview(self._buffer)
