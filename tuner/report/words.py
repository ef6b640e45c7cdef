"""How does the report write a number, a time, a setting or a stranger's text?

Every figure on the page goes through one of these functions, so that the same quantity reads the same everywhere.
Text from outside (class names, error messages, file names) may hold anything: `clean` makes it printable, and
escaping is the template's business, not this file's.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tuner.recipe.ladder import as_written

MISSING = "–"
NAME_LIMIT = 60  # characters of a name that are shown; the rest is one ellipsis
PROSE_LIMIT = 1_000  # characters of a sentence
# C0 and C1 controls except tab and line feed, bidirectional controls that reorder their neighbours, surrogates
# that no encoder takes, and noncharacters.
UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)


class LongText(str):
    """Text that the page shows whole, such as the recipe; any other string is cut at `PROSE_LIMIT`."""


def clean(text: str, limit: int = PROSE_LIMIT) -> str:
    """`text` without control characters (each becomes U+FFFD), at most `limit` characters long."""
    shown = text if len(text) <= limit else text[: limit - 1] + "…"
    return UNPRINTABLE.sub("\ufffd", shown.replace("\r\n", "\n"))


def name(value: Any) -> str:
    """A class, file or run name on one line, shortened to `NAME_LIMIT`."""
    return " ".join(clean(str(value), NAME_LIMIT).split()) or MISSING


def accuracy(value: float) -> str:
    """A fraction in [0, 1] with three decimals."""
    return f"{value:.3f}" if math.isfinite(value) else MISSING


def loss(value: float) -> str:
    """A loss in nats with three significant digits; infinities keep their name."""
    if math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return f"{value:.2f}" if 0.1 <= abs(value) < 100 else compact(value)


def compact(value: float) -> str:
    """Three significant digits, as one would type them into a recipe: 0.003, 3e-4, 1200."""
    if not math.isfinite(value):
        return MISSING if math.isnan(value) else "inf" if value > 0 else "-inf"
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def count(value: float) -> str:
    """A whole number with thin spaces between thousands."""
    return f"{round(value):,}".replace(",", "\u202f") if math.isfinite(value) else MISSING


def signed(value: float) -> str:
    """A gain with its sign: +0.021."""
    return f"{value:+.3f}".replace("-", "−") if math.isfinite(value) else MISSING


def interval(bounds: Sequence[float]) -> str:
    """Two bounds of a confidence interval; empty if there are not two numbers."""
    if len(bounds) != 2 or not all(map(math.isfinite, bounds)):
        return ""
    return f"{bounds[0]:.3f} to {bounds[1]:.3f}"


def duration(seconds: float) -> str:
    """Seconds as a person says them: 0.4 s, 12 s, 4 min 12 s, 1 h 03 min."""
    if not math.isfinite(seconds) or seconds < 0:
        return MISSING
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def setting(value: Any) -> str:
    """A hyperparameter's value as the recipe spells it, on one line."""
    value = as_written(value)
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return compact(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name(key)}: {setting(item)}" for key, item in list(value.items())[:12]) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(setting(item) for item in value[:12]) + ("]" if len(value) <= 12 else ", …]")
    return name(value)


def listing(value: Any) -> str:
    """A value as a reader sees it: plain items of a list with commas between, anything else as `setting` has it."""
    if isinstance(value, list | tuple) and not any(isinstance(item, list | tuple | Mapping) for item in value):
        return ", ".join(setting(item) for item in value[:12]) + (", …" if len(value) > 12 else "")
    return setting(value)


def plural(number: int, noun: str) -> str:
    """`1 trial`, `3 trials`, `2 batches`, `5 epochs`."""
    if number == 1:
        return f"1 {noun}"
    ending = "es" if noun.endswith(("s", "x", "tch")) else "s"
    return f"{count(number)} {noun}{ending}"
