"""Where did somebody's program fail? The last of their own lines, and what Python said there in one line."""

import linecache
import sysconfig
import traceback
from pathlib import Path

OURS = Path(__file__).parents[1]
LIBRARIES = tuple({sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")})
LONGEST = 400  # characters of a message


def place_of(error: BaseException) -> str:
    """Such as `train.py:31 (model.fit(x, y)): ValueError: Shapes (None, 1) and (None, 10) are incompatible`."""
    frames = [*traceback.extract_stack(), *traceback.extract_tb(error.__traceback__)]  # who called, and what it led to
    theirs = [frame for frame in frames if _is_theirs(frame.filename)]
    said = f"{type(error).__name__}: {_shortened(str(error))}".rstrip(": ")
    if not theirs:
        return said
    last = theirs[-1]
    line = linecache.getline(last.filename, last.lineno or 0).strip()
    return f"{Path(last.filename).name}:{last.lineno}" + (f" ({line[:80]})" if line else "") + f": {said}"


def _is_theirs(filename: str) -> bool:
    if filename.startswith("<"):
        return False
    path = Path(filename)
    return OURS not in path.parents and not filename.startswith(LIBRARIES) and "site-packages" not in path.parts


def _shortened(message: str) -> str:
    words = " ".join(message.split())
    return words if len(words) <= LONGEST else words[: LONGEST - 1] + "…"
