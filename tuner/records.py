"""What is remembered of a run? Trials, curves, verdicts and changes, as plain frozen data.

Nothing here computes, trains or draws. Every record has a JSON form in which NaN and the infinities are the
strings "nan", "inf" and "-inf", so that the store holds strict JSON and a diverged trial is still told apart.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tuner.hyperparameters import Hyperparameters


class Outcome(StrEnum):
    """What a verdict says: all is well, look here, or stop."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"


class TrialState(StrEnum):
    """How a training run ended."""

    COMPLETED = "completed"
    DIVERGED = "diverged"  # the loss left the finite numbers; `reason` says where


ALL_AT_ONCE = ("head_loss_mismatch", "double_softmax")  # verdicts whose changes are one remedy


@dataclass(frozen=True)
class Change:
    """One hyperparameter, its new value, and why. `before` is filled in when the change is applied."""

    path: str  # a recipe path, such as optimizer.learning_rate
    value: Any
    because: str
    before: Any = None


@dataclass(frozen=True)
class Verdict:
    """One judgement: PASS, WARN or FAIL, one sentence, the evidence in numbers, and what to change."""

    name: str  # snake_case, of the vocabulary in docs/verdicts.md
    outcome: Outcome
    sentence: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    onset: int | None = None  # epoch, counted from 1, at which it began
    confidence: float | None = None  # in [0, 1]
    check: str = ""  # the cheapest experiment that would tell for certain
    source: str = ""

    @property
    def one_remedy(self) -> bool:
        """Whether its changes belong together; else each is a remedy by itself, the likeliest first."""
        return self.name in ALL_AT_ONCE and len(self.changes) > 1


def passed(name: str, sentence: str, *changes: Change, **evidence: Any) -> Verdict:
    """A PASS verdict."""
    return Verdict(name, Outcome.PASS, sentence, evidence, changes)


def warned(name: str, sentence: str, *changes: Change, **evidence: Any) -> Verdict:
    """A WARN verdict."""
    return Verdict(name, Outcome.WARN, sentence, evidence, changes)


def failed(name: str, sentence: str, *changes: Change, **evidence: Any) -> Verdict:
    """A FAIL verdict: the run stops after this step."""
    return Verdict(name, Outcome.FAIL, sentence, evidence, changes)


@dataclass(frozen=True)
class LearningCurves:
    """One training run, epoch by epoch; every tuple has one entry an epoch and may be empty where nothing was measured.

    Losses are in nats (regression: in the loss's own unit), accuracies in [0, 1].
    """

    loss: tuple[float, ...] = ()  # mean training loss over the epoch, regularisation left out
    val_loss: tuple[float, ...] = ()
    accuracy: tuple[float, ...] = ()  # mean training accuracy over the epoch
    val_accuracy: tuple[float, ...] = ()
    learning_rate: tuple[float, ...] = ()  # at the end of each epoch
    step_loss: tuple[float, ...] = ()  # true loss of each batch, in order
    step_learning_rate: tuple[float, ...] = ()  # rate used at each batch

    @property
    def epochs(self) -> int:
        """How many epochs were recorded."""
        return max(len(self.loss), len(self.val_loss), len(self.accuracy), len(self.val_accuracy))

    def joined(self, longer: "LearningCurves") -> "LearningCurves":
        """These curves followed by those of the run that continued from them."""
        names = [f.name for f in dataclasses.fields(self)]
        return LearningCurves(**{name: getattr(self, name) + getattr(longer, name) for name in names})


@dataclass(frozen=True)
class TrialSpec:
    """Everything that decides how a trial goes, before it goes: two equal specs give the same trial."""

    hyperparameters: Hyperparameters
    epochs: int
    seed: int
    step: str  # which of the seven steps asks
    round: int = 0
    stage: str = ""  # name of the transfer stage
    parent: int | None = None  # number of the trial whose kept weights are the start
    continued: bool = False  # with the parent's optimizer state and epoch count, not only its weights
    max_steps: int | None = None  # stop after so many batches, whatever `epochs` says
    ramp: tuple[float, float] | None = None  # range test: the rate grows from the first to the second over max_steps
    examples: int | None = None  # train on the first so many of a stratified, seeded sample only
    blank_images: bool = False  # the control experiment: every image replaced by the mean image
    stop_at_accuracy: float | None = None  # end as soon as an epoch's training accuracy reaches it, in [0, 1]
    patience: int | None = None  # end after so many epochs without a better val_loss, and keep the best weights
    validate: bool = True  # measure validation after each epoch
    keep: bool = False  # keep the best weights (by validation loss; the last if not validated) on disk
    horizon: int | None = None  # epochs, those of continued parents included, the schedule runs over; None: to the end
    fold: tuple[int, int] | None = None  # which, from 1, of how many, validates; None: the one validation split


@dataclass(frozen=True)
class Trial:
    """One training run as it happened."""

    number: int  # 1, 2, ... in the order of recording
    spec: TrialSpec
    state: TrialState
    curves: LearningCurves
    seconds: float
    engine: str  # which engine served it
    reason: str = ""  # why it diverged
    best_epoch: int | None = None  # counted from 1: the lowest val_loss, or the last epoch if not validated
    weights: str | None = None  # file of kept weights, relative to the run folder

    @property
    def hyperparameters(self) -> Hyperparameters:
        """The point of the search space that was trained."""
        return self.spec.hyperparameters

    @property
    def val_accuracy(self) -> float:
        """Validation accuracy at the best epoch; NaN if it was not measured or the trial diverged."""
        return self._at_best(self.curves.val_accuracy)

    @property
    def val_loss(self) -> float:
        """Validation loss at the best epoch, in nats; NaN if it was not measured or the trial diverged."""
        return self._at_best(self.curves.val_loss)

    def _at_best(self, values: tuple[float, ...]) -> float:
        if self.state is TrialState.DIVERGED or not values or self.best_epoch is None:
            return math.nan
        return values[self.best_epoch - 1]


@dataclass(frozen=True)
class Finding:
    """What one step found: its evidence in JSON form, its verdicts, and the changes applied because of them."""

    step: str  # data, or one of the seven step names
    round: int  # 0 for the data and the checks 1 to 3, then 1, 2, ...
    stage: str  # transfer stage at that time
    question: str
    evidence: Mapping[str, Any]
    verdicts: tuple[Verdict, ...]
    applied: tuple[Change, ...] = ()
    trials: tuple[int, ...] = ()  # numbers of the trials it asked for
    seconds: float = 0.0

    @property
    def outcome(self) -> Outcome:
        """The worst outcome of its verdicts; PASS if there are none."""
        found = {verdict.outcome for verdict in self.verdicts}
        return next((o for o in (Outcome.FAIL, Outcome.WARN) if o in found), Outcome.PASS)


@dataclass(frozen=True)
class Run:
    """Everything that happened, in order; what the report, `runs` and a resume read."""

    name: str
    number: int
    folder: str  # absolute path
    created: str  # ISO 8601, UTC
    status: str  # running | finished | interrupted | failed
    recipe: Mapping[str, Any]  # as resolved, JSON form
    recipe_text: str  # as the user wrote it
    environment: Mapping[str, Any]  # versions, device, command, git commit
    findings: tuple[Finding, ...] = ()
    trials: tuple[Trial, ...] = ()
    conclusion: Mapping[str, Any] = field(default_factory=dict)  # see tuner/tune.py: verdict, best trial, test accuracy
    seconds: float = 0.0  # active time, summed over resumes


@dataclass(frozen=True)
class Step:
    """One of the seven: `measure` touches Keras and returns evidence, `judge` is pure and yields verdicts."""

    name: str  # the key under `steps:` in a recipe, and the file under tuner/steps/
    title: str
    question: str
    measure: Callable[..., Any]  # (problem, run) -> a frozen evidence dataclass
    judge: Callable[[Any], Iterable[Verdict]]


PLAIN = (int, str, bool, type(None))  # types whose values are their own JSON


def to_json(value: Any) -> Any:
    """Any record as strict JSON data: dataclasses as dicts, non-finite floats as strings."""
    if type(value) in PLAIN or (type(value) is float and math.isfinite(value)):  # nearly all of it: curves, and words
        return value
    if isinstance(value, Hyperparameters):
        return to_json(value.to_json())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:  # a NumPy scalar
        return to_json(value.item())
    if hasattr(value, "tolist"):  # a NumPy array
        return to_json(value.tolist())
    return value


def number(value: Any) -> float:
    """A number back from its JSON form ("nan" and the like included)."""
    return float(value)


def curves_from_json(data: Mapping[str, Any]) -> LearningCurves:
    """The inverse of `to_json` for `LearningCurves`."""
    return LearningCurves(**{name: tuple(map(float, values)) for name, values in data.items()})


def spec_from_json(data: Mapping[str, Any]) -> TrialSpec:
    """The inverse of `to_json` for `TrialSpec`."""
    fields = dict(data)
    fields["hyperparameters"] = Hyperparameters.from_json(data["hyperparameters"])
    fields["ramp"] = tuple(data["ramp"]) if data.get("ramp") else None
    fields["fold"] = tuple(data["fold"]) if data.get("fold") else None
    return TrialSpec(**fields)


def trial_from_json(data: Mapping[str, Any]) -> Trial:
    """The inverse of `to_json` for `Trial`."""
    fields = dict(data)
    fields["spec"] = spec_from_json(data["spec"])
    fields["state"] = TrialState(data["state"])
    fields["curves"] = curves_from_json(data["curves"])
    return Trial(**fields)


def verdict_from_json(data: Mapping[str, Any]) -> Verdict:
    """The inverse of `to_json` for `Verdict`."""
    fields = dict(data)
    fields["outcome"] = Outcome(data["outcome"])
    fields["changes"] = tuple(Change(**change) for change in data["changes"])
    return Verdict(**fields)


def finding_from_json(data: Mapping[str, Any]) -> Finding:
    """The inverse of `to_json` for `Finding`."""
    fields = dict(data)
    fields["verdicts"] = tuple(verdict_from_json(verdict) for verdict in data["verdicts"])
    fields["applied"] = tuple(Change(**change) for change in data["applied"])
    fields["trials"] = tuple(data["trials"])
    return Finding(**fields)
