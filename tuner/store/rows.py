"""How does a trial stand in the table `trials`, and under which key is it found again?"""

import hashlib
import json
import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from tuner.hyperparameters import PATHS, Hyperparameters
from tuner.records import Trial, TrialSpec, TrialState, to_json, trial_from_json
from tuner.store.packing import packed, unpacked
from tuner.store.schema import TrialRow, encoded, plain
from tuner.store.weights import Kept

PACKED = ("step_loss", "step_learning_rate")  # the curves that have a column of their own
NESTED = frozenset({"spec", "curves", "state", "hyperparameters", "ramp"})  # fields of a trial and of its spec that
# are more than a number, a word or nothing
SIMPLE: frozenset[Any] = frozenset({str, int, bool, type(None)})  # what is canonical as it is
SINGLE = SIMPLE | {float}  # what is read as it was written, if it is finite
TUPLES = SINGLE | {tuple}  # likewise inside of hyperparameters, where a list is read as a tuple
LAST_KEYS = 2048  # specs whose keys stay known: those of the rounds that are under way


@dataclass(frozen=True)
class Recorded:
    """A trial as it stands in the database."""

    key: str
    trial: Trial
    row: TrialRow
    kept: Kept | None


def recorded(key: str, trial: Trial, kept: Kept | None) -> Recorded:
    """A trial as a resume will read it: what the disk does not hold, the live run does not see either."""
    curves = vars(trial.curves)
    steps = [packed(curves[name]) for name in PACKED]
    size, digest = (kept.size, kept.sha256) if kept else (None, None)
    row: TrialRow = (trial.number, key, trial_text(trial), size, digest, steps[0], steps[1])
    return Recorded(key, trial, row, kept) if comes_back_alike(trial) else recorded_from_row(row)


def comes_back_alike(trial: Trial) -> bool:
    """Whether reading the trial's row gives this very trial, type for type; if it does, reading it can be left out."""
    spec = {name: value for name, value in vars(trial.spec).items() if name not in NESTED}
    ramp = trial.spec.ramp
    return (
        all(type(values) is tuple and set(map(type, values)) <= {float} for values in vars(trial.curves).values())
        and _plain(tuple(vars(trial.spec.hyperparameters).values()), TUPLES)
        and _plain(tuple(spec.values()), SINGLE)
        and _plain(tuple(value for name, value in vars(trial).items() if name not in NESTED), SINGLE)
        and (ramp is None or (type(ramp) is tuple and len(ramp) > 0 and _plain(ramp, SINGLE)))
        and type(trial.state) is TrialState
    )


def _plain(values: tuple[Any, ...], allowed: frozenset[Any]) -> bool:
    """Whether reading gives these values back as they are: words, finite numbers, nothing, and tuples if allowed."""
    kinds = set(map(type, values))
    if tuple in kinds and not all(_plain(value, allowed) for value in values if type(value) is tuple):
        return False
    return kinds <= allowed and all(math.isfinite(value) for value in values if type(value) is float)


def recorded_from_row(row: TrialRow) -> Recorded:
    """A trial from its row. Raises `ValueError`, `KeyError` or `TypeError` if the row is damaged."""
    _, key, text, size, digest, *steps = row
    data = json.loads(text)
    data["curves"] |= {name: unpacked(blob) for name, blob in zip(PACKED, steps, strict=True) if blob is not None}
    trial = trial_from_json(data)
    kept = Kept(trial.weights, size, digest) if trial.weights and size is not None and digest else None
    return Recorded(key, trial, row, kept)


def remembered_from_row(row: TrialRow) -> Recorded:
    """`recorded_from_row` under the key of today: a spec has more fields now than when an older run was written."""
    one = recorded_from_row(row)
    return replace(one, key=key_of(one.trial.spec))


def trial_text(trial: Trial) -> str:
    """A trial in JSON, without the curves that have columns of their own."""
    curves = {name: values for name, values in vars(trial.curves).items() if name not in PACKED}
    return encoded_at_once({**vars(trial), "curves": curves})


def encoded_at_once(data: dict[str, Any]) -> str:
    """What `encoded` makes of a dict with names for keys, without going through it first."""
    try:
        return _ENCODER.encode(data)
    except ValueError:  # a NaN or an infinity, which has to become a string
        return encoded(data)


@lru_cache(maxsize=LAST_KEYS)
def key_of(spec: TrialSpec) -> str:
    """The name of a spec: SHA-256 of its canonical JSON. Equal specs have equal keys, 1 and 1.0 included."""
    text = json.dumps(_canonical(spec), allow_nan=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(value: Any) -> Any:
    kind = type(value)
    if kind in SIMPLE:
        return value
    if kind is float and value.is_integer():
        return int(value)
    if kind is tuple or kind is list:
        return [_canonical(item) for item in value]
    if kind is dict:
        return {str(name): item if type(item) in SIMPLE else _canonical(item) for name, item in value.items()}
    if kind is TrialSpec or kind is Hyperparameters:
        return _canonical(_shallow(value))
    simple = to_json(value)
    return simple if type(simple) is kind else _canonical(simple)


def _shallow(value: Any) -> Any:
    """One level of what JSON does not know: a record as a dict, a NumPy number as a number."""
    if type(value) is Hyperparameters:
        return {path: getattr(value, field) for path, field in PATHS.items()}
    return vars(value) if type(value) is TrialSpec else plain(value)


_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=_shallow)
