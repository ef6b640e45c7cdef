"""Step 3: find the learning rate that makes the loss fall.

Two measurements on all the training data, with a small weight decay and without augmentation. The *sweep* (the
lecture): a few fixed rates by decades, about a hundred iterations each, a decade further when the best lies at an
edge, then half decades around the best. The *range test* (Smith 2015): one run whose rate grows from batch to batch,
read by four rules. The sweep decides, because it holds each rate; the range test is the second opinion, and where the
two lie more than a decade apart the reader is told.

Where a linear head trains on frozen features, its least losses are known without any rate: they stand under the sweep,
say how near it came, and whether these features are enough for the recipe's target. No rate is chosen by them.

Source: the lecture's step 3; L. N. Smith, arXiv 1506.01186.
"""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import geometric_mean, stdev

from tuner.data import Problem
from tuner.heads import Optimum
from tuner.records import Change, Step, Trial, TrialSpec, TrialState, Verdict, failed, passed, warned
from tuner.search.full_batch import adapted
from tuner.search.rate_rules import BLOW_UP, Suggestions, blow_up, finite_head, smoothed, suggest
from tuner.search.rate_sweep import RateRun, choose, rounded
from tuner.search.usual_rates import USUAL, has_rate
from tuner.steps.best_possible import best_possible, is_linear
from tuner.steps.situation import by_heart, situation
from tuner.steps.sweep import at, epochs_of, extended, read, spec_of, swept_point
from tuner.store import Store
from tuner.training import fit_many
from tuner.training.frozen import optimum_of
from tuner.training.lbfgs.engine import body_of

FAR = 1.0  # decades; closer than that, two rates are the same advice
RATE = "optimizer.learning_rate"
RULES = tuple(field.name for field in dataclasses.fields(Suggestions))


@dataclass(frozen=True)
class RangeTest:
    """One run whose rate grows: one entry a batch, losses in nats."""

    rates: tuple[float, ...]
    losses: tuple[float, ...]  # raw
    smoothed: tuple[float, ...]
    stopped: str  # why it ended


@dataclass(frozen=True)
class FoundRate:
    """The sweep, the range test, and the rate that follows from them."""

    iterations: int
    weight_decay: float
    sweep: tuple[RateRun, ...]  # the slowest first
    range_test: RangeTest | None
    suggestions: Suggestions
    spread: Mapping[str, float]  # standard deviation of log10 of each rule's rate over the seeds; empty for one seed
    chosen: float | None
    why: str
    given: float | None  # the rate that the recipe fixes; None for auto, or if step 2 has overruled it
    by_heart: int = 0  # images that step 2 learned by heart
    optimum: Optimum | None = None  # of the head, where it is linear and nothing else trains
    target: float | None = None  # validation accuracy that the recipe wants
    augmented: bool = False  # the recipe augments, which can take a head further than these features alone
    line_search: str = ""  # the optimizer, where it finds the length of each step itself and has no rate


def measure(problem: Problem, run: Store) -> FoundRate:
    """Sweep, extend, refine; the range test rides along with the first wave."""
    plan, now = problem.recipe.steps.learning_rate, situation(problem, run)
    point = swept_point(problem, now.setting.hyperparameters)
    if not has_rate(point.optimizer):
        return without_rate(problem, run, spec_of(problem, adapted(point), now.stage.name, plan.iterations))
    given = point.learning_rate if point.learning_rate == problem.recipe.optimizer.learning_rate else None
    base = spec_of(problem, point, now.stage.name, plan.iterations)
    rates = tuple(dict.fromkeys([*plan.rates, *([given] if given is not None else [])]))
    ramps = _ramps(problem, base) if plan.range_test else []
    trials = fit_many(problem, run, [*at(base, rates), *ramps])
    tests = trials[len(rates) :]
    sweep = extended(problem, run, base, trials[: len(rates)], plan.refine)
    evidence = found(read(sweep), tests, plan.iterations, plan.weight_decay, plan.num_steps, given)
    return dataclasses.replace(
        evidence,
        by_heart=by_heart(run),
        optimum=optimum_of(problem, run, base) if is_linear(sweep) else None,
        target=problem.recipe.target.at_least if problem.recipe.target else None,
        augmented=bool(now.setting.hyperparameters.augmentation),
    )


def without_rate(problem: Problem, run: Store, base: TrialSpec) -> FoundRate:
    """What there is to say of an optimizer that finds the length of each step itself."""
    plan, point = problem.recipe.steps.learning_rate, base.hyperparameters
    found_ = found((), (), plan.iterations, plan.weight_decay, plan.num_steps, None)
    linear = body_of(problem, run, base) == "heads"
    return dataclasses.replace(
        found_,
        by_heart=by_heart(run),
        optimum=optimum_of(problem, run, base) if linear else None,
        target=problem.recipe.target.at_least if problem.recipe.target else None,
        augmented=bool(point.augmentation),
        line_search=point.optimizer,
    )


def _ramps(problem: Problem, base: TrialSpec) -> list[TrialSpec]:
    plan, point = problem.recipe.steps.learning_rate, base.hyperparameters
    return [
        dataclasses.replace(
            base,
            hyperparameters=dataclasses.replace(point, learning_rate=plan.min_lr),
            epochs=epochs_of(problem, point, plan.num_steps),
            seed=problem.recipe.seed + index,
            max_steps=plan.num_steps,
            ramp=(plan.min_lr, plan.max_lr),
        )
        for index in range(plan.seeds)
    ]


def found(
    sweep: tuple[RateRun, ...],
    tests: Sequence[Trial],
    iterations: int,
    weight_decay: float,
    planned: int,
    given: float | None,
) -> FoundRate:
    """What sweep and range tests say together. Pure."""
    each = [suggest(t.curves.step_learning_rate, t.curves.step_loss, planned) for t in tests]
    together, spread = agreement(each)
    best = choose(sweep)
    return FoundRate(
        iterations=iterations,
        weight_decay=weight_decay,
        sweep=sweep,
        range_test=range_test_of(tests[0]) if tests else None,
        suggestions=together,
        spread=spread,
        chosen=best.learning_rate if best else None,
        why=_why(best, iterations, together if tests else None),
        given=given,
    )


def agreement(each: Sequence[Suggestions]) -> tuple[Suggestions, dict[str, float]]:
    """Each rule's geometric mean over seeds, and where there are several the standard deviation of log10."""
    values = {rule: [value for one in each if (value := getattr(one, rule)) is not None] for rule in RULES}
    mean = {rule: geometric_mean(found) if found else None for rule, found in values.items()}
    spread = {rule: stdev(map(math.log10, found)) for rule, found in values.items() if len(found) > 1}
    return Suggestions(**mean), spread


def range_test_of(trial: Trial) -> RangeTest:
    """The run's curve, and why it ended."""
    rates, losses = trial.curves.step_learning_rate, trial.curves.step_loss
    smooth = smoothed(finite_head(losses))
    end = blow_up(smooth)
    if end is not None:
        stopped = f"the smoothed loss passed {BLOW_UP:g} times its best at a rate of {rounded(rates[end]):g}"
    elif len(smooth) < len(losses):
        stopped = f"the loss left the finite numbers at a rate of {rounded(rates[len(smooth)]):g}"
    elif trial.state is TrialState.DIVERGED:
        stopped = trial.reason
    else:
        stopped = f"the last rate, {rounded(rates[-1]):g}, was reached"
    return RangeTest(rates, losses, tuple(smooth), stopped)


def _why(best: RateRun | None, iterations: int, suggestions: Suggestions | None) -> str:
    if best is None:
        return ""
    opinion = second_opinion(best.learning_rate, suggestions) if suggestions else ""
    return f"{_fall(best, iterations)} {opinion}".strip()


def _fall(best: RateRun, iterations: int) -> str:
    rate = f"{rounded(best.learning_rate):g}"
    fall = f"from {best.first:.2f} to {best.last:.2f} nats in {iterations} iterations"
    if best.steady:
        return f"{rate} is the largest rate whose loss falls steadily and ends within noise of the lowest: {fall}."
    return f"At no rate does the loss fall without rising first; at {rate} it ends lowest: {fall}."


def second_opinion(rate: float, suggestions: Suggestions) -> str:
    """Which rules of the range test agree with `rate` within a decade, and which do not."""
    given = {rule: value for rule in RULES if (value := getattr(suggestions, rule)) is not None}
    if not given:
        return "In the range test the loss falls nowhere, so it suggests nothing."
    near = {rule: value for rule, value in given.items() if _decades(value, rate) <= FAR}
    apart = {rule: value for rule, value in given.items() if rule not in near}
    if not apart:
        return f"The range test agrees within a decade: {_listed(near)}."
    if not near:
        return (
            f"The range test disagrees by more than a decade ({_listed(apart)}); the sweep decides: it holds each rate."
        )
    return f"Of the range test's rules {_listed(near)} agree within a decade, {_listed(apart)} not."


def _listed(rates: Mapping[str, float]) -> str:
    return ", ".join(f"{rule} {rounded(rate):g}" for rule, rate in rates.items())


def _decades(one: float, other: float) -> float:
    return abs(math.log10(one / other))


def judge(evidence: FoundRate) -> Iterator[Verdict]:
    """The rate that the sweep found, or what is wrong with the one that the recipe fixes."""
    if evidence.line_search:
        verdict = no_rate_needed(evidence)
    elif evidence.chosen is None:
        verdict = no_rate_falls(evidence)
    elif evidence.given is None:
        verdict = rate_found(evidence, evidence.chosen)
    else:
        verdict = rate_given(evidence, evidence.chosen, evidence.given)
    target = None if evidence.augmented else evidence.target
    possible = best_possible(evidence.optimum, [run.last for run in evidence.sweep], evidence.iterations, target)
    yield dataclasses.replace(verdict, sentence=f"{verdict.sentence} {possible}".strip())


def rate_found(evidence: FoundRate, chosen: float) -> Verdict:
    """The rate to go on with; a warning where the loss falls nowhere without rising first."""
    run = next(run for run in evidence.sweep if run.learning_rate == chosen)
    change = Change(RATE, chosen, because=_fall(run, evidence.iterations).removesuffix("."))
    if run.steady:
        return passed("learning_rate_found", evidence.why, change, learning_rate=chosen)
    return warned("learning_rate_unsteady", evidence.why, change, learning_rate=chosen)


def rate_given(evidence: FoundRate, chosen: float, given: float) -> Verdict:
    """The recipe's own rate, against the one found: kept unless it fails or lies more than a decade away."""
    run = next(run for run in evidence.sweep if run.learning_rate == given)
    if given == chosen or (run.steady and _decades(given, chosen) <= FAR):
        fall = "" if given == chosen else f" the loss falls from {run.first:.2f} to {run.last:.2f} nats."
        sentence = f"The recipe's rate {rounded(given):g} holds:{fall} {evidence.why}"
        return passed("learning_rate_found", sentence, learning_rate=given, found=chosen)
    high = given > chosen
    because = f"the recipe's rate {rounded(given):g} is too {'high' if high else 'low'}: {_behavior(run)}"
    return warned(
        "rate_too_high" if high else "rate_too_low",
        f"{because[0].upper()}{because[1:]}. {evidence.why}",
        Change(RATE, chosen, because=because),
        given=given,
        found=chosen,
    )


def _behavior(run: RateRun) -> str:
    if run.state == "diverged":
        return "the loss leaves the finite numbers"
    word = "falls" if run.steady else "rises first and then falls" if run.falls else "goes"
    return f"the loss {word} from {run.first:.2f} to {run.last:.2f} nats"


def no_rate_needed(evidence: FoundRate) -> Verdict:
    """The optimizer searches along each step."""
    sentence = (
        "There is no learning rate to find: at each step, L-BFGS looks for the length that lowers the loss of all "
        "images, and begins with the whole step."
    )
    change = Change(RATE, USUAL[evidence.line_search], because="the line search begins with the whole step")
    return passed("learning_rate_found", sentence, change)


def no_rate_falls(evidence: FoundRate) -> Verdict:
    """Nothing tried makes the loss fall; no end where step 2 cleared the model: a hundred steps are few."""
    rates, iterations = [rounded(run.learning_rate) for run in evidence.sweep], evidence.iterations
    lost = sum(run.state == "diverged" for run in evidence.sweep)
    nowhere = f"No rate from {min(rates):g} to {max(rates):g} makes the loss fall in {iterations} iterations"
    if evidence.by_heart and lost < len(rates):
        return warned(
            "no_rate_falls",
            f"{nowhere}, although step 2 learned {evidence.by_heart} images by heart: it takes longer, or the labels "
            "cannot be told from the images. The rate stays as it is, and the short runs will show which.",
            diverged=lost,
            rates=tuple(rates),
        )
    if lost == len(rates):
        cause = "it leaves the finite numbers at each: look at the pixels, the labels and the first weights"
    elif lost:
        cause = f"it leaves the finite numbers at {lost} of them and stays where it began at the others"
    else:
        cause = (
            "it stays where it began, or rises: no gradient reaches the weights, or the labels cannot be told from the "
            "images"
        )
    verdict = failed(
        "no_rate_falls",
        f"{nowhere}: {cause}.",
        diverged=lost,
        rates=tuple(rates),
    )
    return dataclasses.replace(
        verdict, check="Run step 2 again: --only overfit_small_sample tells a bug from a bad rate."
    )


STEP = Step(
    "learning_rate",
    "Find the learning rate",
    "At which rate does the loss fall, steadily, within a hundred iterations?",
    measure,
    judge,
)
