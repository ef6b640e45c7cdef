"""How does a trial stand in the table `trials`, and under which key is it found again?"""

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from typing import Any

from tuner.hyperparameters import PATHS, Hyperparameters
from tuner.records import Trial, TrialSpec, TrialState, to_json, trial_from_json
from tuner.store.packing import packed, unpacked
from tuner.store.schema import TrialRow, encoded, plain
from tuner.store.weights import Kept

PACKED = ("step_loss", "step_learning_rate")  # the curves that have a column of their own
NESTED = frozenset({"spec", "curves", "state", "hyperparameters", "ramp"})  # fields of a trial and of its spec that
# are more than a number, a word or nothing
SORTED_PATHS = sorted(PATHS)
REST = [field.name for field in fields(TrialSpec) if field.name != "hyperparameters"]
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
    size, digest = (kept.size, kept.sha256) if kept else (None, None)
    steps = [packed(getattr(trial.curves, name)) for name in PACKED]
    row: TrialRow = (trial.number, key, trial_text(trial), size, digest, steps[0], steps[1])
    return Recorded(key, trial, row, kept) if comes_back_alike(trial) else recorded_from_row(row)


def comes_back_alike(trial: Trial) -> bool:
    """Whether reading the trial's row gives this very trial, type for type; if it does, reading it can be left out."""
    curves, ramp = tuple(vars(trial.curves).values()), trial.spec.ramp
    return (
        set(map(type, curves)) == {tuple}
        and set(map(type, chain.from_iterable(curves))) <= {float}
        and _plain((*_of_trial(trial), *_of_spec(trial.spec)), SINGLE)
        and _plain(_of_point(trial.hyperparameters), TUPLES)
        and (ramp is None or (type(ramp) is tuple and len(ramp) > 0 and _plain(ramp, SINGLE)))
        and type(trial.state) is TrialState
    )


def _plain(values: tuple[Any, ...], allowed: frozenset[Any]) -> bool:
    """Whether reading gives these values back as they are: words, finite numbers, nothing, and tuples if allowed."""
    kinds = set(map(type, values))
    if tuple in kinds and not all(_plain(value, allowed) for value in values if type(value) is tuple):
        return False
    return kinds <= allowed and all(map(math.isfinite, [value for value in values if type(value) is float]))


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
    before, after = _canonical_around(*_of_rest(spec))
    text = before + _CANONICAL.encode(_canonical(spec.hyperparameters)) + after
    return hashlib.sha256(text.encode()).hexdigest()


@lru_cache(maxsize=LAST_KEYS, typed=True)  # a round has one or two; `typed` tells True from 1
def _canonical_around(*rest: Any) -> tuple[str, str]:
    """What stands before and after the hyperparameters in a spec's canonical JSON, for all that else is in it."""
    items = [*zip(REST, rest, strict=True), ("hyperparameters", None)]
    before, mark, after = _CANONICAL.encode(_all_canonical(items)).partition('"hyperparameters":null')
    return before + mark.removesuffix("null"), after


def _canonical(value: Any) -> Any:
    kind = type(value)
    if kind in SIMPLE:
        return value
    if kind is float:
        return int(value) if value.is_integer() else to_json(value)
    if kind is tuple or kind is list:
        return [_canonical(item) for item in value]
    if kind is Hyperparameters:
        return _all_canonical(zip(SORTED_PATHS, _sorted_point(value), strict=True))
    if kind is dict:
        return _all_canonical((str(name), item) for name, item in value.items())
    simple = to_json(value)
    return simple if type(simple) is kind else _canonical(simple)


def _all_canonical(items: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {name: item if type(item) in SIMPLE else _canonical(item) for name, item in items}


def _shallow(value: Any) -> Any:
    """One level of what JSON does not know: a record as a dict, a NumPy number as a number."""
    if type(value) is Hyperparameters:
        return dict(zip(PATHS, _of_point(value), strict=True))
    return vars(value) if type(value) is TrialSpec else plain(value)


# Made once: each gets many attributes in one call.
_of_point = attrgetter(*PATHS.values())
_of_spec = attrgetter(*(field.name for field in fields(TrialSpec) if field.name not in NESTED))
_of_rest = attrgetter(*REST)
_of_trial = attrgetter(*(field.name for field in fields(Trial) if field.name not in NESTED))
_sorted_point = attrgetter(*(PATHS[path] for path in SORTED_PATHS))

_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"), check_circular=False, default=_shallow)
_CANONICAL = json.JSONEncoder(allow_nan=False, separators=(",", ":"), check_circular=False, sort_keys=True)
