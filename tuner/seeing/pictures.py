"""What does the end of a run show of its best network? Where it looked when it was wrong, and its first filters.

Small and bounded: the network is built once, a dozen validation images pass through it, and nothing is trained. The
recipe's `report.embed_images: 0` leaves both out.
"""

import json
from typing import Any

import numpy as np

from tuner.data import Problem
from tuner.records import Trial, to_json
from tuner.seeing import first_filters, looks
from tuner.store import Store
from tuner.training import predict
from tuner.training.trained import after, before, learn, moved

LOOKED_AT = 64  # validation images, to tell whether there is any color


def store_pictures(problem: Problem, run: Store, best: Trial) -> None:
    """Put the artifacts of the best trial's network; those that there is nothing to show of are left out.

    Raises `tuner.store.StoreError` if the trial kept no weights.
    """
    most = min(looks.MOST, problem.recipe.report.embed_images)
    if most == 0:
        return
    split = problem.dataset.validation
    if moved(run, best):
        classifier = before(problem, run, best)
        grey = first_filters.colorless(np.asarray(split.images[:LOOKED_AT]))
        filters = first_filters.before_after(classifier, lambda: learn(classifier, run, best), grey)
        if filters is not None:
            _put(run, first_filters.FILE, filters)
    else:
        classifier = after(problem, run, best)
    probabilities = predict(problem, run, best, split.images)
    seen = looks.looks(classifier, split, probabilities, tuple(problem.dataset.class_names), most)
    if seen:
        _put(run, looks.FILE, seen)


def _put(run: Store, name: str, value: Any) -> None:
    run.put_artifact(name, json.dumps(to_json(value), allow_nan=False).encode(), "application/json")
