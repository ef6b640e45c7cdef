"""After the head's first round: what else should train? `transfer: auto` measures it, and then chooses.

The lecture's table gives the expectation: the size of the data is counted, their similarity to the pre-training data
measured (tuner/steps/likeness.py). Then each regime is tried from the trained head for a few epochs, at its own rate,
found as its first stage would find it; those runs are that stage's short runs if it is chosen, so that nothing is
trained twice. A regime is taken if it beats what is cheaper: in accuracy, by more than noise, or, as accurate, in the
loss. All answer to the same validation images, so the noise is that of the differences, image by image: smaller than
that of an accuracy, since most answers stay.

Over the head a point is enough, however uncertain: few validation images hide large gains, and the head is flattered,
as the best of many that were compared on these very images. A regime whose rate is found loses little, since the lowest
rates hardly change a thing. Between two regimes noise has to be exceeded: the cheaper one still has its rest to come.

Source: the lecture's slides on transfer learning; the paired differences are McNemar's (1947), as a standard error.
"""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner import setting
from tuner.data import Problem
from tuner.models import stages
from tuner.models.stage import HEAD, LEAST_STEPS, REGIMES, SMALL, WHOLE, Field, field_of
from tuner.recipe.batch_norm import may_have_batch_norm
from tuner.records import Step, Trial, Verdict, passed, warned
from tuner.search.halving import rungs
from tuner.steps.likeness import Likeness, likeness
from tuner.steps.rungs import finalists, whole
from tuner.steps.situation import TRANSFER, Situation, contenders, counted, numbers, opened, planned, situation
from tuner.steps.stage_rates import LOWER, STAGE_RATES, stage_epochs, stage_runs, steps_an_epoch
from tuner.store import Store
from tuner.training import predict

WORTH = 0.01  # of accuracy: what the training of more layers has to promise, whatever the noise (docs/LOG.md)
SHARE_OF_TIME = 0.5  # of the budget's time that may be spent before another regime is tried: the rest is to train it


@dataclass(frozen=True, eq=False)
class Answers:
    """What a trained network says of the validation images, image by image."""

    right: NDArray[np.bool_]  # (N,)
    losses: NDArray[np.floating]  # (N,), nats


@dataclass(frozen=True)
class Regime:
    """One field of the table, as far as it was tried: where its best short run came to."""

    regime: str  # a key of `REGIMES`
    trial: int | None  # the best; None where none was sound
    accuracy: float  # of validation; NaN where none was sound
    loss: float  # nats
    rate: float
    epochs: int  # of that trial
    trials: tuple[int, ...]  # the last one of each rate
    seconds: float  # of all its trials
    gain: float = 0.0  # of accuracy over the trained head
    gain_error: float = 0.0  # paired standard error
    loss_gain: float = 0.0  # nats less than the trained head
    loss_error: float = 0.0


@dataclass(frozen=True)
class LeftOut:
    """A regime that was not tried."""

    regime: str
    why: str  # after "because"


@dataclass(frozen=True)
class TransferPlan:
    """Where the data lie in the lecture's table, what each regime gave, and what is taken."""

    images: int
    images_a_class: float  # of the rarest class with any: the fewest
    field: Field
    likeness: Likeness
    head: Regime  # the trained head, from which all others start
    tried: tuple[Regime, ...]
    left_out: tuple[LeftOut, ...]
    chosen: str
    because: str


def due(problem: Problem, run: Store, round_: int) -> bool:
    """Whether something is to be decided at the end of a round, or was.

    With `transfer: auto`, after the first, if another round can follow and the target is not met.
    """
    if run.finding(TRANSFER, round_) is not None:
        return True
    target = problem.recipe.target
    best = next((t for t in contenders(run) if t.spec.step != TRANSFER), None)
    if round_ > 1 or best is None or not situation(problem, run).undecided:
        return False
    return problem.recipe.steps.repeat.max_rounds > round_ and (target is None or best.val_accuracy < target.at_least)


def measure(problem: Problem, run: Store) -> TransferPlan:
    """Look at the data, and try each regime."""
    now = situation(problem, run)
    found = likeness(problem, run, problem.recipe.seed)
    counts = [count for count in problem.dataset.class_frequencies * len(problem.dataset.train) if count]
    field = field_of(len(problem.dataset.train), found.similarity)
    best = next(t for t in contenders(run) if t.spec.stage == now.stage.name)
    head = _regime(run, HEAD, [best], [best])
    bare, left_out = _tried(problem, run, now, best, field)
    answers = {one.regime: _answers(problem, run, one.trial) for one in (head, *bare) if one.trial is not None}
    tried = tuple(_compared(one, answers) for one in bare)
    chosen = choose(answers) if tried else _by_table(problem, now, best, field)
    because = _because(field, head, tried, chosen)
    return TransferPlan(len(problem.dataset.train), min(counts), field, found, head, tried, left_out, chosen, because)


def choose(answers: Mapping[str, Answers]) -> str:
    """The regime to take: from the cheapest on, each one that beats what was taken before it. Pure.

    `answers` are those of the head and of every regime that was tried with success, by their names in `REGIMES`.
    """
    taken = HEAD
    for name in REGIMES:
        worth = WORTH if taken == HEAD else math.inf
        if name != HEAD and name in answers and _beats(answers[name], answers[taken], worth):
            taken = name
    return taken


def _beats(one: Answers, other: Answers, worth: float) -> bool:
    """By more than the noise or by what is worth it without being certain, or as accurate and surer."""
    gain, error = paired(one.right, other.right)
    less, loss_error = paired(other.losses, one.losses)
    return gain > min(error, worth) or (gain >= 0 and less > loss_error)


def paired(one: NDArray[Any], other: NDArray[Any]) -> tuple[float, float]:
    """The mean of the differences `one - other`, (N,), and its standard error if there were no difference in truth.

    Of answers that are right or wrong, that is the square root of how many differ, over N: a single image is no proof.
    """
    apart = np.asarray(one, np.float64) - np.asarray(other, np.float64)
    return float(apart.mean()), float(np.sqrt(np.square(apart).mean() / len(apart)))


def _answers(problem: Problem, run: Store, trial: int) -> Answers:
    split = problem.dataset.validation
    said = predict(problem, run, run.trials[trial - 1], split.images)
    given = said[np.arange(len(split)), split.labels].astype(np.float64)
    return Answers(said.argmax(axis=1) == split.labels, -np.log(np.maximum(given, np.finfo(np.float32).tiny)))


def _compared(one: Regime, answers: Mapping[str, Answers]) -> Regime:
    """With what it gained over the head."""
    if one.regime not in answers:
        nothing = float("nan")
        return dataclasses.replace(one, gain=nothing, gain_error=nothing, loss_gain=nothing, loss_error=nothing)
    gain, error = paired(answers[one.regime].right, answers[HEAD].right)
    less, loss_error = paired(answers[HEAD].losses, answers[one.regime].losses)
    return dataclasses.replace(one, gain=gain, gain_error=error, loss_gain=less, loss_error=loss_error)


def _tried(
    problem: Problem, run: Store, now: Situation, best: Trial, field: Field
) -> tuple[tuple[Regime, ...], tuple[LeftOut, ...]]:
    """What the regimes gave, the expected one first, as far as the budget reaches; and those left out."""
    others = [name for name in REGIMES if name not in (HEAD, field.regime)]
    spent = sum(trial.spec.step != TRANSFER for trial in counted(run))  # ours may be there, after a resume
    tried, left_out = [], []
    for name in (*(field.regime,) * (field.regime != HEAD), *others):
        there = _entered(problem, now, best, name)
        why = _hindrance(problem, run, there, name, spent)
        if why:
            left_out.append(LeftOut(name, why))
            continue
        run.stop.check()
        run.progress.say(f"  {REGIMES[name][:1].upper()}{REGIMES[name][1:]}, from the trained head")
        trials, _ = stage_runs(problem, run, there, TRANSFER)
        own = [t for t in run.trials if t.spec.step == TRANSFER and t.spec.stage == there.stage.name]
        spent += len(own)
        tried.append(_regime(run, name, finalists(run, trials, len(problem.dataset.validation))[:1], trials, own))
    return tuple(tried), tuple(left_out)


def _hindrance(problem: Problem, run: Store, there: Situation, regime: str, spent: int) -> str:
    """Why a regime cannot be tried; empty if it can."""
    budget, unfit = problem.recipe.budget, _too_little_for_batch_norm(problem, there) if regime == WHOLE else ""
    if unfit:
        return unfit
    if budget.max_time is not None and run.seconds > SHARE_OF_TIME * budget.max_time:
        return "half of the budget's time is spent"
    most = min(len(STAGE_RATES) + len(LOWER), problem.recipe.steps.short_runs.trials) * len(
        rungs(stage_epochs(problem, there))
    )
    return "the budget has no trials left for it" if spent + most >= (budget.max_trials or math.inf) else ""


def _too_little_for_batch_norm(problem: Problem, there: Situation) -> str:
    """Why batch norm cannot learn along in a stage, whatever the budget; empty if it can."""
    steps = steps_an_epoch(problem, there) * there.stage.epochs
    if there.setting.hyperparameters.batch_size == 1 and may_have_batch_norm(problem.recipe):
        return "batch norm that learns along would take mean and variance of one image (data.batch_size is 1)"
    if steps < LEAST_STEPS:
        return f"batch norm learns anew in {LEAST_STEPS} steps, and {there.stage.epochs} epochs have {steps}"
    return ""


def _by_table(problem: Problem, now: Situation, best: Trial, field: Field) -> str:
    """The regime to take where none was tried: the table's, but never one in which batch norm cannot learn along."""
    if field.regime == WHOLE and _too_little_for_batch_norm(problem, _entered(problem, now, best, WHOLE)):
        return SMALL
    return field.regime


def _entered(problem: Problem, now: Situation, best: Trial, regime: str) -> Situation:
    """The situation at the beginning of the round in which the first stage of `regime` would begin."""
    plan = stages(problem.recipe, regime)
    point = now.setting.hyperparameters
    for change in opened(dataclasses.replace(now, stages=plan), plan[1]):
        point = point if change.path == setting.STAGE else point.replace(change.path, change.value)
    return Situation(now.round + 1, setting.Setting(point, plan[1].name, {}), plan, best, normalizes=now.normalizes)


def _regime(
    run: Store, name: str, best: Sequence[Trial], trials: Sequence[Trial], all_trials: Sequence[Trial] = ()
) -> Regime:
    seconds = sum(trial.seconds for trial in all_trials)
    if not best:
        return Regime(name, None, float("nan"), float("nan"), float("nan"), 0, numbers(list(trials)), seconds)
    one = best[0]
    rate, epochs = one.hyperparameters.learning_rate, whole(run, one).epochs
    return Regime(name, one.number, one.val_accuracy, one.val_loss, rate, epochs, numbers(list(trials)), seconds)


def _because(field: Field, head: Regime, tried: Sequence[Regime], chosen: str) -> str:
    """Why `chosen` is taken, in one sentence without a full stop."""
    table = f"{field.because}: the table says {REGIMES[field.regime]}"
    if not tried:
        instead = "" if chosen == field.regime else f", and {REGIMES[chosen]} is taken, with batch norm held"
        return f"{table}; nothing could be tried{instead}"
    figures = ", ".join(
        f"{REGIMES[one.regime]} {one.gain:+.3f} ± {one.gain_error:.3f} (loss {-one.loss_gain:+.3f})" for one in tried
    )
    end = "nothing promises more than the head"
    if chosen != HEAD:
        gain, error = next((one.gain, one.gain_error) for one in tried if one.regime == chosen)
        sure = "beyond the noise" if gain > error else "though within the noise"
        end = f"{REGIMES[chosen]} promises more than what is cheaper, {sure}"
    return f"{table}; tried from the trained head ({head.accuracy:.3f}): {figures}; {end}"


def judge(evidence: TransferPlan) -> Iterator[Verdict]:
    """The regime that is taken, and whether the table had expected it."""
    sentence = f"{evidence.because[0].upper()}{evidence.because[1:]}."
    give = passed if evidence.tried or evidence.chosen == HEAD else warned
    yield give("transfer_chosen", sentence, chosen=evidence.chosen, expected=evidence.field.regime)
    for one in evidence.left_out:
        yield passed("transfer_not_tried", f"Not tried: {REGIMES[one.regime]}, because {one.why}.")


def rejected(problem: Problem, run: Store) -> set[int]:
    """Numbers of the trials of regimes that were tried and not taken: nothing may start from them."""
    if run.finding(TRANSFER, 1) is None:
        return set()
    names = {stage.name for stage in planned(problem, run)}
    return {trial.number for trial in run.trials if trial.spec.step == TRANSFER and trial.spec.stage not in names}


STEP = Step(TRANSFER, "Choose what trains", "What should train besides the head?", measure, judge)
