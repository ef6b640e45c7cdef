"""What does the test set say of the best trial? Asked once: it has no say in any choice.

The store is told before the test set is read, and keeps the answer in one commit; a run that goes on after that takes
the answer from there. A reading that a kill cut short has told nobody anything: the same trial, and no other, is read
again.

Source: L4: the test set is read once, at the end.
"""

import json
from typing import Any

import numpy as np

from tuner.averaging import Averaging, averaged
from tuner.data import Problem, data_uri, jpeg
from tuner.records import Trial
from tuner.search.noise import wilson_interval
from tuner.store import Store, readers_of_test
from tuner.training import predict


def test_once(problem: Problem, run: Store, best: Trial, averaging: Averaging | None) -> dict[str, Any]:
    """Accuracy on the test set with its 95 % interval, and how many runs beside this one's read it, this one included.

    The confusion matrix and the worst mistakes are stored; all of them are of the mean over augmented copies where
    `averaging` says that validation gained by it. Raises `tuner.store.TestAlreadyRead` for a second reading.
    """
    test = problem.dataset.sealed_test
    if len(test.labels) == 0:
        return {"test_accuracy": None, "test_interval": None, "test_examples": 0}
    known = run.sealed.answer(best.number)
    if known is not None:  # by a process that died after it
        return known
    images = str(problem.dataset.manifest.get("test_fingerprint") or problem.dataset.fingerprint)
    run.open_test(best.number, images)
    run.progress.say("Test set: read once")
    probabilities = predict(problem, run, best, test.images)
    if averaging is not None and averaging.used:
        probabilities = averaged(problem, run, best, test.images, averaging.copies, probabilities)
    guesses = probabilities.argmax(axis=1)
    correct = int((guesses == test.labels).sum())
    classes = len(problem.dataset.class_names)
    matrix = np.zeros((classes, classes), dtype=int)
    np.add.at(matrix, (test.labels, guesses), 1)
    names = list(problem.dataset.class_names)
    put_json(run, "confusion.json", {"split": "test", "classes": names, "matrix": matrix.tolist()})
    wrong = np.flatnonzero(guesses != test.labels)
    surest = wrong[np.argsort(-probabilities[wrong, guesses[wrong]])][: problem.recipe.report.embed_images]
    mistakes = [
        {
            "image": data_uri(jpeg(test.images[i])),
            "true": names[test.labels[i]],
            "predicted": names[guesses[i]],
            "probability": float(probabilities[i, guesses[i]]),
        }
        for i in surest
    ]
    put_json(run, "mistakes.json", mistakes)
    answer = {
        "test_accuracy": correct / len(test.labels),
        "test_interval": wilson_interval(correct, len(test.labels)),
        "test_examples": len(test.labels),
        "test_reads": len(readers_of_test(run.folder.parent.parent, images)),
    }
    return run.sealed.record(answer)


def put_json(run: Store, name: str, value: Any) -> None:
    """Store JSON data as an artifact."""
    run.put_artifact(name, json.dumps(value, allow_nan=False).encode(), "application/json")
