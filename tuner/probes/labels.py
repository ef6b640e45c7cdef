"""Do the labels belong to the inputs?

Simple learners judge each label from the other examples. Where none of them does better than guessing, while the
network knows its training data and fails on others, the labels were shuffled on the way. Where they contradict the
labels of examples that they are sure of, evenly over classes, some labels are wrong. Hard tasks look like the first,
and classes that overlap like the second: so each has to be shown twice, and two classes are never called noisy.

Source: Zhang et al. 2017 (networks learn random labels); Northcutt et al. 2021, Confident learning.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tuner.probes import forward, losses
from tuner.probes.probe import Probe
from tuner.probes.targets_kind import describe
from tuner.records import Change, Outcome, Verdict
from tuner.symptoms import Context

MOST, LEAST = 512, 100  # examples that the simple learners see
COMPONENTS = 30  # of the inputs, for the simple learners
FOLDS = 4
MORE = 1500  # examples for the stronger learner
BELOW = 0.85  # of the contradicted share: who errs less than that shows that the task is hard and the labels right
LUCK = 3.0  # standard errors of an accuracy that chance may give
KNOWS = 0.25  # training accuracy above guessing from which a network knows its training data
LEARNS, LEAST_TESTED = 6.0, 100  # standard errors from which it begins to, if so many validation examples stay guessed
TELLING = 0.25  # of the way from guessing to perfect, which luck must not reach: few or uneven examples tell nothing
NOISY, TOO_NOISY = 0.12, 0.5  # share of contradicted labels among the half that the learners are surest of
EVEN = 0.6  # of the overall error: with wrong labels the surest half errs nearly as often as all; with overlap seldom
SPREAD = 0.75  # entropy of where wrong labels come from, over its largest value; overlap is between neighbours
CLASSES_FOR_NOISE = 4
EXAMPLES_FOR_NOISE = 20  # of a class, on average: 13 of each of Fashion-MNIST's let right labels look wrong (25 %)


@dataclass(frozen=True)
class Labels:
    """Accuracies, in [0, 1]; NaN where not measured."""

    count: int
    num_classes: int
    majority: float  # of the largest class
    train_accuracy: float  # of the network
    val_accuracy: float
    val_count: int
    learners: float  # best cross-validated accuracy of the simple learners on the inputs
    overall_error: float  # of the learners' joint answer against the labels
    strong_error: float  # of a stronger learner on more examples; NaN where nobody was suspected
    sure_error: float  # of the half of the examples that they are surest of
    spread: float  # of the contradictions over pairs of classes, in [0, 1]


def measure(subject: Any) -> Labels | None:
    """Cross-validate nearest neighbours and a logistic regression; None where there are no classes or few examples."""
    known = _classes(subject)
    if known is None:
        return None
    x, truth, index = known
    rows = _flat(x)
    if rows is None or len(rows) < LEAST:
        return None
    values, place = np.unique(truth, return_inverse=True)
    if not 2 <= len(values) <= min(100, len(rows) // 10) or np.bincount(place).min() < FOLDS:
        return None
    best, joint = _cross_validated(rows, place)
    said, sure = joint.argmax(1), joint.max(1)
    wrong = said != place
    half = sure >= np.median(sure)
    val_accuracy, val_count = _validation(subject)
    return Labels(
        len(rows),
        len(values),
        float(np.bincount(place).max() / len(place)),
        _accuracy(subject, subject.x, subject.y, index),
        val_accuracy,
        val_count,
        best,
        float(wrong.mean()),
        _strong_error(subject) if wrong[half].mean() >= NOISY else math.nan,
        float(wrong[half].mean()),
        _spread(place[wrong & half], said[wrong & half], len(values)),
    )


def _classes(subject: Any) -> tuple[Any, Any, Any] | None:
    if subject.x is None or subject.y is None or isinstance(subject.x, dict | list | tuple):
        return None
    if isinstance(subject.y, dict | list | tuple) or isinstance(subject.loss, dict | list | tuple):
        return None
    kind, loss = describe(subject.y), losses.read(subject.loss)
    if kind is None or kind.kind not in ("one_hot", "classes", "binary") or len(kind.shape) > 1:
        return None
    if loss.family not in ("categorical", "sparse", "binary", "hinge", "categorical_hinge"):
        return None
    index = forward.sample(subject, MOST)
    return np.asarray(subject.x)[index], forward.labels(np.asarray(subject.y)[index]), index


def _flat(x: Any) -> Any:
    """Rows of numbers, each column with mean 0 and deviation 1; None where they are no numbers."""
    if x.dtype.kind not in "biuf":
        return None
    rows = x.reshape(len(x), -1).astype("float64")
    rows = rows[:, :: max(1, rows.shape[1] // 4096)]  # every so many pixels of a large picture
    if not np.isfinite(rows).all():
        return None
    return (rows - rows.mean(0)) / np.maximum(rows.std(0), 1e-9)


def _cross_validated(rows: Any, place: Any) -> tuple[float, Any]:
    """The best learner's accuracy, and the mean of two learners' shares for each example and class.

    A forest, which is slower and sees what the others do not, is asked only where these find nothing.
    """
    from sklearn.decomposition import PCA
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.neighbors import KNeighborsClassifier

    size = min(COMPONENTS, rows.shape[1], len(rows) // 4)
    short = PCA(size, random_state=0).fit_transform(rows) if rows.shape[1] > size else rows
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)

    def shares(learner: Any, given: Any) -> Any:
        return cross_val_predict(learner, given, place, cv=folds, method="predict_proba")

    found = [
        shares(KNeighborsClassifier(10), short),
        shares(LogisticRegression(C=0.1, max_iter=100, tol=1e-2), short),
    ]
    best = max(float((share.argmax(1) == place).mean()) for share in found)
    if best <= _chance(np.bincount(place).max() / len(place), len(place)):
        forest = shares(RandomForestClassifier(40, min_samples_leaf=2, random_state=0), rows)
        best = max(best, float((forest.argmax(1) == place).mean()))
    return best, np.mean(found, axis=0)


def _validation(subject: Any) -> tuple[float, int]:
    """The network's accuracy there, and the number of examples."""
    if subject.val_x is None or subject.val_y is None or isinstance(subject.val_y, dict | list | tuple):
        return math.nan, 0
    index = np.arange(min(MOST, forward.length(subject.val_x)))
    return _accuracy(subject, subject.val_x, subject.val_y, index), len(index)


def _accuracy(subject: Any, x: Any, y: Any, index: Any) -> float:
    found = forward.answers(subject.model, forward.rows(x, index)) if subject.trained is not False else None
    if found is None or len(found) != 1:
        return math.nan
    logits = losses.read(subject.loss).from_logits
    truth, said = forward.labels(np.asarray(y)[index]), forward.chosen(found[0] + (0.5 if logits else 0.0))
    return float((truth == said).mean()) if truth.shape == said.shape else math.nan


def _spread(truth: Any, said: Any, classes: int) -> float:
    if len(truth) < 8:
        return 0.0
    given = np.abs(truth - said)  # distances in the order of the classes: neighbours overlap, wrong labels do not
    pairs = np.bincount(said * classes + truth, minlength=classes * classes) / len(truth)
    entropy = -float((pairs[pairs > 0] * np.log(pairs[pairs > 0])).sum())
    most = math.log(min(len(truth), classes * (classes - 1)))
    return min(entropy / most, float((given > 1).mean() / max(1 - 2 / classes, 1e-9))) if most > 0 else 0.0


def _strong_error(subject: Any) -> float:
    """Error of a support vector machine on more examples: it shrinks where a task is hard, not with wrong labels."""
    from sklearn.model_selection import cross_val_score
    from sklearn.svm import SVC

    index = np.random.default_rng(0).permutation(len(subject.x))[:MORE]
    rows, truth = _flat(np.asarray(subject.x)[index]), forward.labels(np.asarray(subject.y)[index])
    if rows is None or np.bincount(np.unique(truth, return_inverse=True)[1]).min() < FOLDS:
        return math.nan
    return float(1 - cross_val_score(SVC(C=10.0), rows, truth, cv=FOLDS).mean())


def _chance(share: float, count: int, errors: float = LUCK) -> float:
    return share + errors * math.sqrt(share * (1 - share) / max(count, 1))


def judge(evidence: Labels, context: Context) -> Iterator[Verdict]:
    """Shuffled, or some of them wrong."""
    guess = _chance(evidence.majority, evidence.count)
    blind = evidence.learners <= guess
    knows = evidence.train_accuracy >= evidence.majority + KNOWS * (1 - evidence.majority)
    learns = evidence.val_count >= LEAST_TESTED and evidence.train_accuracy >= _chance(
        evidence.majority, evidence.count, LEARNS
    )
    tested = evidence.val_count >= 30
    fails = tested and evidence.val_accuracy <= _chance(evidence.majority, evidence.val_count)
    if blind and (knows or learns) and fails:
        telling = guess - evidence.majority <= TELLING * (1 - evidence.majority)
        yield _shuffled(evidence, (0.85 if knows else 0.75) if telling else 0.55)
    elif blind and fails and evidence.count >= MOST:
        yield _unrelated(evidence)
    elif not blind and _enough_for_noise(evidence) and _noisy(evidence):
        yield _wrong(evidence)


def _enough_for_noise(evidence: Labels) -> bool:
    return evidence.num_classes >= CLASSES_FOR_NOISE and evidence.count >= EXAMPLES_FOR_NOISE * evidence.num_classes


def _noisy(evidence: Labels) -> bool:
    better = [evidence.strong_error, 1 - evidence.val_accuracy if evidence.val_count >= LEAST_TESTED else math.nan]
    if any(found < BELOW * evidence.sure_error for found in better):  # wrong labels are wrong for everybody
        return False
    error = math.sqrt(evidence.sure_error * (1 - evidence.sure_error) / (evidence.count / 2))
    return (
        NOISY + error <= evidence.sure_error < TOO_NOISY
        and evidence.sure_error >= EVEN * evidence.overall_error
        and evidence.spread >= SPREAD
    )


def _numbers(evidence: Labels) -> dict[str, Any]:
    return {
        "train_accuracy": evidence.train_accuracy,
        "val_accuracy": evidence.val_accuracy,
        "simple_learners": evidence.learners,
        "majority": evidence.majority,
        "contradicted": evidence.sure_error,
    }


def _shuffled(evidence: Labels, confidence: float) -> Verdict:
    return Verdict(
        "shuffled_labels",
        Outcome.WARN,
        f"The network knows {evidence.train_accuracy:.0%} of its training labels and guesses on validation "
        f"({evidence.val_accuracy:.0%}), and simple learners find nothing in the inputs either "
        f"({evidence.learners:.0%}, guessing gives {evidence.majority:.0%}): the labels do not belong to the inputs.",
        _numbers(evidence),
        (Change("data.labels", "look", "inputs and labels were put in different orders"),),
        confidence=confidence,
        check="look at twenty inputs with their labels",
        source="Zhang et al. 2017",
    )


def _unrelated(evidence: Labels) -> Verdict:
    return Verdict(
        "shuffled_labels",
        Outcome.WARN,
        f"Neither the network nor simple learners find anything in the inputs that tells the labels (network "
        f"{evidence.train_accuracy:.0%}, learners {evidence.learners:.0%}, guessing {evidence.majority:.0%}): perhaps "
        "they are shuffled apart.",
        _numbers(evidence),
        (Change("data.labels", "look", "inputs and labels may come in different orders"),),
        confidence=0.55,  # a hard task and a network that is broken elsewhere look the same: told after all others
        check="look at twenty inputs with their labels",
        source="Zhang et al. 2017",
    )


def _wrong(evidence: Labels) -> Verdict:
    behind = evidence.train_accuracy < evidence.learners  # then something else is wrong with the network first
    return Verdict(
        "label_noise",
        Outcome.WARN,
        f"About {evidence.sure_error:.0%} of the labels are contradicted by all that lies around them, evenly over the "
        "classes: wrong labels.",
        _numbers(evidence),
        (
            Change("data.labels", "look", "the examples that neighbours contradict, first"),
            Change("loss.label_smoothing", 0.1, "soft labels do not insist on wrong ones"),
        ),
        confidence=0.55 if behind else 0.75,
        check="look at twenty of the contradicted examples",
        source="Northcutt et al. 2021 (confident learning)",
    )


PROBE = Probe("labels", "Do the labels belong to the inputs?", Labels, measure, judge)
