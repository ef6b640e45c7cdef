"""Which network did a trial leave behind? Its classifier, with its first weights or those it kept, to be looked at.

Importing this file imports Keras; `doors.export` writes the same network to a file.
"""

from tuner import models
from tuner.data import Problem
from tuner.records import Trial
from tuner.store import Store
from tuner.training import checkpoints
from tuner.training.asked import ancestors, first_seed
from tuner.training.families import build, frozen_of
from tuner.training.family import parts_of


def before(problem: Problem, run: Store, trial: Trial) -> models.Classifier:
    """The trial's classifier with the weights that its oldest ancestor began with; what trained in it is trainable."""
    return build(problem, *_start(run, trial))


def learn(classifier: models.Classifier, run: Store, trial: Trial) -> None:
    """Put the kept (best) weights of the trial into `before(...)`.

    Raises `tuner.store.StoreError` if the trial kept no weights.
    """
    checkpoints.assign(parts_of(classifier), checkpoints.read(run.weights_path(trial)).best)


def after(problem: Problem, run: Store, trial: Trial) -> models.Classifier:
    """The trial's classifier with its kept (best) weights. Raises `tuner.store.StoreError` if it kept none.

    Where no backbone moved it is not built again, and shared: look at it before the next trial takes its head.
    """
    classifier = None if moved(run, trial) else frozen_of(problem, *_start(run, trial))
    if classifier is None or classifier.backbone is None:
        classifier = before(problem, run, trial)
    learn(classifier, run, trial)
    return classifier


def moved(run: Store, trial: Trial) -> bool:
    """Whether layers of the backbone trained, in this trial or in those that it starts from."""
    line = [trial.spec, *ancestors(run, trial.spec)]
    return any(spec.hyperparameters.trainable != "none" for spec in line)


def _start(run: Store, trial: Trial) -> tuple[models.Structure, int]:
    return models.structure_of(trial.hyperparameters), first_seed(run, trial.spec)
