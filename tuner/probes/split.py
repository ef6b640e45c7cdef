"""Is validation data of the same kind as training data?

Two things are compared that a model cannot make up for: which classes there are, and where each feature lies. A part of
the data that was cut off a sorted set holds classes that training never saw; one that was not scaled, or scaled twice,
lies many deviations away. Images are compared by their channels.

Source: Rabanser et al. 2019, Failing Loudly (shifts between data sets); Breck et al. 2019, Data validation for machine
learning (skew between training and serving).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.probes import forward
from tuner.probes.probe import Probe
from tuner.probes.targets_kind import describe
from tuner.records import Change, Outcome, Verdict
from tuner.symptoms import Context

LEAST = 20  # examples of either side
MOST = 2048  # that are looked at
UNSEEN = 0.2  # of the validation examples, with a class that training lacks
MOVED = 0.5  # distance of the class shares, where a class has on average
EACH = 4  # validation examples: of fewer the shares are luck
AWAY = 1.5  # deviations of training: the mean of a feature lies further away
WIDER = 3.0  # times: its deviation is larger or smaller
FEATURES = 0.5  # of the features that vary, at least, are away or of another width


@dataclass(frozen=True)
class Split:
    """Shares in [0, 1]."""

    val_count: int
    unseen: float  # of the validation examples whose class is not in training; 0 where there are no classes
    moved: float  # total variation between the shares of the classes; 0 where there are none, or few examples
    shifted: float  # of the features whose mean or deviation is another one
    away: float  # deviations between the means, of the feature in the middle
    wider: float  # deviation of validation over that of training, of the feature in the middle


def measure(subject: Any) -> Split | None:
    """Compare classes and features; None where one of the two sides is missing or no plain array."""
    x, val_x = subject.x, subject.val_x
    if any(part is None or isinstance(part, dict | list | tuple) for part in (x, val_x)):
        return None
    x, val_x = _few(x), _few(val_x)
    if min(len(x), len(val_x)) < LEAST or x.dtype.kind not in "biuf" or x.shape[1:] != val_x.shape[1:] or x.ndim < 2:
        return None
    shifted, away, wider = _shift(*(part.astype("float64").reshape(-1, part.shape[-1]) for part in (x, val_x)))
    return Split(len(subject.val_x), *_classes(subject.y, subject.val_y), shifted, away, wider)


def _few(values: Any) -> NDArray[Any]:
    array = np.asarray(values)
    return array[np.random.default_rng(0).permutation(len(array))[:MOST]]


def _shift(train: NDArray[Any], val: NDArray[Any]) -> tuple[float, float, float]:
    with np.errstate(all="ignore"):
        mean, std, val_mean, val_std = train.mean(0), train.std(0), val.mean(0), val.std(0)
    varies = np.isfinite(std) & np.isfinite(val_std) & (std > 0) & (val_std > 0)
    if not varies.any():
        return 0.0, 0.0, 1.0
    away = np.abs(val_mean - mean)[varies] / std[varies]
    wider = val_std[varies] / std[varies]
    other = (away > AWAY) | (wider > WIDER) | (wider < 1 / WIDER)
    return float(other.mean()), float(np.median(away)), float(np.median(wider))


def _classes(y: Any, val_y: Any) -> tuple[float, float]:
    if any(part is None or isinstance(part, dict | list | tuple) for part in (y, val_y)):
        return 0.0, 0.0
    y, val_y = np.asarray(y), np.asarray(val_y)
    targets = describe(y)
    known = targets is not None and targets.kind in ("one_hot", "classes", "binary")
    if not known or y.shape[1:] != val_y.shape[1:] or not len(val_y):
        return 0.0, 0.0
    seen, held = forward.labels(y), forward.labels(val_y)
    classes = np.union1d(seen, held)
    shares = [np.array([(part == one).mean() for one in classes]) for part in (seen, held)]
    moved = float(np.abs(shares[0] - shares[1]).sum() / 2) if len(held) >= EACH * len(classes) else 0.0
    return float((~np.isin(held, seen)).mean()), moved


def judge(evidence: Split, context: Context) -> Iterator[Verdict]:
    """Classes that training never saw; features that lie elsewhere."""
    if evidence.unseen >= UNSEEN or evidence.moved >= MOVED:
        said = (
            f"{evidence.unseen:.0%} of the validation examples have a class that is not in the training data"
            if evidence.unseen >= UNSEEN
            else f"{evidence.moved:.0%} of the validation examples have another class than training lets expect"
        )
        yield _verdict(
            f"{said}: they were divided in the order in which they stood.",
            {"unseen_classes": evidence.unseen, "classes_moved": evidence.moved, "val_count": evidence.val_count},
            "shuffle before dividing; validation_split takes the last examples",
            confidence=0.97,
            check="np.unique of the labels on both sides",
            source="classes compared",
        )
    if evidence.shifted >= FEATURES:
        yield _verdict(
            f"{evidence.shifted:.0%} of the validation features lie elsewhere than in training (in the middle "
            f"{evidence.away:.3g} deviations away and {evidence.wider:.3g} times as wide): the two are prepared "
            "differently.",
            {"shifted": evidence.shifted, "away": evidence.away, "wider": evidence.wider},
            "scale both with the mean and the deviation of training, once",
            confidence=0.95,
            check="mean and deviation of x and of the validation inputs, side by side",
            source="Rabanser et al. 2019; Breck et al. 2019",
        )


def _verdict(
    sentence: str, evidence: dict[str, Any], because: str, *, confidence: float, check: str, source: str
) -> Verdict:
    change = Change("data.split", "look", because)
    return Verdict(
        "split_mismatch", Outcome.FAIL, sentence, evidence, (change,),
        onset=1, confidence=confidence, check=check, source=source,
    )  # fmt: skip


PROBE = Probe("split", "Is validation of the same kind as training?", Split, measure, judge)
