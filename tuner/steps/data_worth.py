"""What are more images worth? Asked where a run overfits: errors with a quarter, a half and all of the training images.

On a pretrained backbone it is the optimum of a linear head on kept features, which takes seconds. A network that trains
from random weights is trained again on fewer images, for as many steps: that costs as much as the run did, twice, so it
is done where that is short. It is asked once in a transfer stage.
"""

import dataclasses

from tuner.data import Problem
from tuner.records import Trial, TrialState, Verdict, passed
from tuner.search.more_data import DataCurve, doubling, sentence, shares
from tuner.steps.rungs import whole
from tuner.steps.situation import Situation, counted, trial_of
from tuner.store import Store
from tuner.training import fit_many
from tuner.training.frozen import has_features
from tuner.training.less_data import errors_by_examples, most_examples

MOST_SECONDS = 120.0  # of the trainings on fewer images, by what the run itself took: it is a note, no more
LEAST_A_CLASS = 4  # images of the smallest part: fewer say nothing of a class
OVERFITS = frozenset({"overfit", "gap"})  # verdicts against which more images are a remedy


def measure(problem: Problem, run: Store, now: Situation, best: Trial, step: str) -> DataCurve | None:
    """The errors; None where they were measured in this stage before, or cannot be. `step` asks."""
    earlier = [finding for finding in run.findings if finding.stage == now.stage.name]
    if any(
        finding.evidence.get("data_curve") for finding in earlier if (finding.step, finding.round) != (step, now.round)
    ):
        return None
    data = problem.dataset
    least = LEAST_A_CLASS * data.num_classes
    if problem.recipe.model.weights is None or not has_features(problem, best.spec):
        sizes = shares(len(data.train), least)
        return _trained(problem, run, now, best, step, sizes) if sizes else None
    sizes = shares(most_examples(problem, run, best.spec), least)
    errors = errors_by_examples(problem, run, best.spec, sizes) if sizes else ()
    return DataCurve(sizes, errors, len(data.validation)) if sizes else None


def _trained(
    problem: Problem, run: Store, now: Situation, best: Trial, step: str, sizes: tuple[int, ...]
) -> DataCurve | None:
    """The run again on fewer images, for as many steps; None where that takes too long or too many trials."""
    most, fewer = problem.recipe.budget.max_trials, sizes[:-1]
    plain = dataclasses.replace(
        best.spec, step=step, round=now.round, parent=None, continued=False, horizon=None, patience=None, keep=False
    )
    epochs = whole(run, best).epochs
    specs = [dataclasses.replace(plain, examples=size, epochs=round(epochs * sizes[-1] / size)) for size in fewer]
    known = [trial.spec for trial in run.trials]
    if len(fewer) * _seconds(run, best) > MOST_SECONDS:
        return None
    if most is not None and len(counted(run)) + sum(spec not in known for spec in specs) >= most:
        return None
    trials = fit_many(problem, run, specs)
    if any(trial.state is not TrialState.COMPLETED for trial in trials):
        return None
    errors = tuple(1.0 - trial.val_accuracy for trial in (*trials, best))
    return DataCurve(sizes, errors, len(problem.dataset.validation), "this network")


def _seconds(run: Store, trial: Trial) -> float:
    """What a trial took, those that it continues included."""
    seconds = trial.seconds
    while trial.spec.continued and trial.spec.parent is not None:
        trial = trial_of(run, trial.spec.parent)
        seconds += trial.seconds
    return seconds


def worth_of_data(curve: DataCurve) -> Verdict:
    """Whether twice the images would help, as a note; to collect them is a person's. Pure."""
    found = doubling(curve)
    numbers = {"gain": found.gain, "noise": found.noise, "slope": found.slope, "pays": found.pays}
    return dataclasses.replace(
        passed("more_data", sentence(curve), **numbers), source="Hestness et al. 2017, arXiv 1712.00409"
    )
