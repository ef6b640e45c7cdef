"""Which points of a very long curve must be drawn, so that it looks as if all were?"""

import math
from collections.abc import Sequence

MOST = 1_200  # points of one curve: about three for every two pixels of the widest chart


def thin(values: Sequence[float], most: int = MOST) -> list[int]:
    """Indices of at most about `most` values: all, or of each stretch the lowest, the highest and where it breaks off.

    First and last are always among them; extremes are never lost, and neither is a gap of values that are not finite.
    """
    if len(values) <= most:
        return list(range(len(values)))
    size = math.ceil(3 * len(values) / most)
    kept = {0, len(values) - 1}
    for start in range(0, len(values), size):
        stretch = range(start, min(start + size, len(values)))
        known = [index for index in stretch if math.isfinite(values[index])]
        if known:
            kept |= {min(known, key=values.__getitem__), max(known, key=values.__getitem__)}
        if len(known) < len(stretch):
            kept.add(next(index for index in stretch if not math.isfinite(values[index])))
    return sorted(kept)
