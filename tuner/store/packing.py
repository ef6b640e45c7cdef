"""How is a curve of one number a batch kept small, and given back bit for bit?

A trial of 10,000 has a few values an epoch, which stay numbers in its JSON for whoever looks with `sqlite3`, and a
value a batch, which as text would be most of the file and most of the time. Those are packed: a letter, then numbers
in little-endian order. `c`: one value, the same all along: how often (uint32), the value (float64). `f`: float32,
where that is exact, as it is for the losses that a network computes. `d`: float64.
"""

import struct
from collections.abc import Sequence

SAME, SINGLE, DOUBLE = b"c", b"f", b"d"


def packed(values: Sequence[float]) -> bytes | None:
    """Numbers as bytes; None for no numbers."""
    if not values:
        return None
    count = len(values)
    doubles = struct.pack(f"<{count}d", *values)
    if doubles == doubles[:8] * count:
        return SAME + struct.pack("<I", count) + doubles[:8]
    try:
        singles = struct.pack(f"<{count}f", *values)
    except OverflowError:  # beyond the range of float32
        return DOUBLE + doubles
    exact = struct.pack(f"<{count}d", *struct.unpack(f"<{count}f", singles)) == doubles
    return SINGLE + singles if exact else DOUBLE + doubles


def unpacked(data: bytes | None) -> tuple[float, ...]:
    """The inverse of `packed`. Raises `ValueError` for bytes that it did not make."""
    if data is None:
        return ()
    kind, body = data[:1], data[1:]
    try:
        if kind == SAME:
            count, value = struct.unpack("<Id", body)
            return (value,) * int(count)
        if kind in (SINGLE, DOUBLE):
            return struct.unpack(f"<{len(body) // (4 if kind == SINGLE else 8)}{kind.decode()}", body)
    except struct.error as error:
        raise ValueError(f"a packed curve of {len(data)} bytes is cut or damaged: {error}") from error
    raise ValueError(f"a packed curve begins with c, f or d, not with {kind!r}")
