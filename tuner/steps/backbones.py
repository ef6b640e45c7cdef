"""Before step 1, where a recipe names several backbones: whose features tell these classes apart?

Each candidate runs over the images once, frozen, and the optimum of a linear head on its features is found: no rate,
no luck. The lowest validation loss is the best; among those within its standard error the fastest is taken, because a
difference that could be chance is not worth waiting for. LogME stands beside it: another judge, of training images
alone. What a backbone becomes when its own layers train is not asked here; the ranking can be another one then.

Of backbones without weights the features are random and say nothing: those are ranked by short training runs
(`short_ranking`).

Source: K. You et al., LogME (ICML 2021); one standard error: L. Breiman et al., Classification and Regression Trees
(1984).
"""

import dataclasses
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from tuner.data import Problem
from tuner.models import ModelError
from tuner.models.figures import FIGURES
from tuner.recipe.candidates import candidates, with_backbone
from tuner.recipe.names import PYTHON
from tuner.records import Change, TrialSpec, Verdict, passed
from tuner.setting import BACKBONE
from tuner.steps.short_ranking import epochs_of, seed_noise, short_runs
from tuner.store import Store
from tuner.training.frozen import cost_of, evidence_of, optimum_of

NAME = "backbones"
TITLE = "Rank the backbones"
QUESTION = "Whose features tell these classes apart?"


@dataclass(frozen=True)
class Candidate:
    """One backbone, frozen, under the best linear head; or, untrained, after its short runs."""

    backbone: str
    parameters: int
    features: int  # of an image
    images_per_second: float  # in inference; after short runs, in training
    logme: float  # log evidence for each training image, in nats; NaN after short runs
    val_loss: float  # nats
    val_loss_error: float  # its standard error
    val_accuracy: float
    train_loss: float
    seconds: float  # for its features, if they were not known, and its optimum; or for its short runs
    learning_rate: float | None = None  # of the short runs


@dataclass(frozen=True)
class RankedBackbones:
    """The candidates, the lowest validation loss first, and the one to go on with."""

    candidates: tuple[Candidate, ...]
    chosen: str
    noise: float  # nats: the standard error of the lowest validation loss
    val_images: int
    epochs: int = 0  # of the short runs that ranked untrained backbones; 0: features did


def measure(problem: Problem, run: Store) -> RankedBackbones:
    """Look at each candidate of the recipe in turn. Raises `ModelError` for one that cannot be built or has no head."""
    named, images = candidates(problem.recipe), len(problem.dataset.validation)
    if problem.recipe.model.weights is None and not any(_own(name) for name in named):
        return ranked(_trained(problem, run, named), images, epochs_of(problem))
    return ranked([_looked_at(problem, run, name) for name in named], images)


def ranked(found: Sequence[Candidate], val_images: int, epochs: int = 0) -> RankedBackbones:
    """The candidates in order, and the one that is taken. Pure."""
    order = tuple(sorted(found, key=lambda one: (one.val_loss, -one.images_per_second)))
    noise = order[0].val_loss_error
    level = order[0].val_loss + (noise if math.isfinite(noise) else 0.0)
    chosen = max((one for one in order if one.val_loss <= level), key=lambda one: one.images_per_second)
    return RankedBackbones(order, chosen.backbone, noise, val_images, epochs)


def _trained(problem: Problem, run: Store, named: Sequence[str]) -> list[Candidate]:
    """Each candidate after its short runs."""
    found, seconds = [], []
    for name in named:
        began = time.monotonic()
        run.stop.check()
        found.append(short_runs(_with(problem, name), run, NAME, name))
        seconds.append(time.monotonic() - began)
        run.progress.say(f"  {name}: validation loss {fmean(found[-1].val_losses):.3f} in short runs")
    noise = seed_noise(found)
    return [
        Candidate(
            backbone=name,
            parameters=FIGURES[name].backbone,
            features=FIGURES[name].features,
            images_per_second=one.images_per_second,
            logme=math.nan,
            val_loss=fmean(one.val_losses),
            val_loss_error=fmean(one.val_losses) * noise,
            val_accuracy=one.val_accuracy,
            train_loss=one.train_loss,
            seconds=took,
            learning_rate=one.learning_rate,
        )
        for name, one, took in zip(named, found, seconds, strict=True)
    ]


def _with(problem: Problem, name: str) -> Problem:
    return dataclasses.replace(problem, recipe=with_backbone(problem.recipe, name))


def _looked_at(problem: Problem, run: Store, name: str) -> Candidate:
    began = time.monotonic()
    run.stop.check()
    one = _with(problem, name)
    point = dataclasses.replace(one.start, trainable="none", head_units=(), augmentation=())
    spec = TrialSpec(point, epochs=1, seed=one.recipe.seed, step=NAME)
    cost = cost_of(one, run, spec)
    if cost is None:
        raise ModelError(
            f"model.backbone: {name} is a whole classifier; only backbones can be ranked by their features."
        )
    best = optimum_of(one, run, spec).best
    logme = evidence_of(one, run, spec)
    candidate = Candidate(
        backbone=name,
        parameters=cost.parameters,
        features=cost.features,
        images_per_second=cost.images_per_second,
        logme=logme,
        val_loss=best.val_loss,
        val_loss_error=best.val_loss_error,
        val_accuracy=best.val_accuracy,
        train_loss=best.train_loss,
        seconds=time.monotonic() - began,
    )
    run.progress.say(f"  {name}: validation loss {best.val_loss:.3f}, {cost.images_per_second:.0f} images a second")
    return candidate


def _own(name: str) -> bool:
    return name.startswith(PYTHON)


def judge(evidence: RankedBackbones) -> Iterator[Verdict]:
    """The backbone to go on with, and why."""
    by_name = {one.backbone: one for one in evidence.candidates}
    best, chosen = evidence.candidates[0], by_name[evidence.chosen]
    because = _because(best, chosen, evidence)
    change = Change(BACKBONE, chosen.backbone, because)
    sentence = f"{because[0].upper()}{because[1:]}.{_other_judge(evidence.candidates, chosen)}"
    numbers = {"chosen": chosen.backbone, "val_loss": chosen.val_loss, "noise": evidence.noise}
    if evidence.epochs:
        doubt = "A short run says how fast a network begins, not how far it comes."
        yield passed("backbone_chosen", f"{sentence} {doubt}", change, **numbers)
    else:
        yield passed("backbone_chosen", sentence, change, **numbers)


def _because(best: Candidate, chosen: Candidate, evidence: RankedBackbones) -> str:
    at = f"{chosen.val_loss:.3f} nats and {chosen.val_accuracy:.3f} right in validation"
    if evidence.epochs and (chosen is best or len(evidence.candidates) == 1):
        return f"trained from random weights for {evidence.epochs} epochs, {chosen.backbone} reaches {at}"
    if len(evidence.candidates) == 1:
        return f"a linear head on the features of {chosen.backbone} reaches {at}"
    if chosen is best:
        return f"a linear head does best on the features of {chosen.backbone}: {at}"
    apart = f"{chosen.val_loss:.3f} to {best.val_loss:.3f} ± {evidence.noise:.3f} nats of validation loss"
    times = chosen.images_per_second / best.images_per_second
    return f"{chosen.backbone} is within noise of {best.backbone}, the best ({apart}), and {times:.1f} times as fast"


def _other_judge(found: Sequence[Candidate], chosen: Candidate) -> str:
    """Whether LogME agrees."""
    if len(found) == 1 or any(math.isnan(one.logme) for one in found):
        return ""
    first = max(found, key=lambda one: one.logme)
    if first is chosen:
        return " LogME puts it first as well."
    return f" LogME would take {first.backbone} ({first.logme:.3f} to {chosen.logme:.3f})."


def settled(problem: Problem, run: Store) -> Problem:
    """The problem with the one backbone that the ranking chose; as it is where there was no ranking."""
    found = run.finding(NAME, 0)
    if found is None or len(candidates(problem.recipe)) == 1:
        return problem
    return dataclasses.replace(problem, recipe=with_backbone(problem.recipe, str(found.evidence["chosen"])))
