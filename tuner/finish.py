"""How does a run end? The best trial meets the test set once, is saved, loaded again and compared; the verdict is said.

Everything the report needs beyond findings and trials is stored here: sample images, mistakes, the confusion matrix,
and the conclusion.
"""

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tuner import setting
from tuner.data import Problem, data_uri, jpeg, sample_grid
from tuner.hyperparameters import thawed
from tuner.records import Change, Finding, Outcome, Run, Trial, to_json
from tuner.search.noise import wilson_interval
from tuner.search.ranking import ranked
from tuner.steps.situation import situation
from tuner.store import Store
from tuner.training import export, predict

MODEL = "best.keras"
COMPARED = 64  # validation images on which the saved model is compared with the one in memory
MOST_ACTIONS = 3
SAMPLES = 24


def finish(problem: Problem, run: Store, last: Finding) -> dict[str, Any]:
    """Evaluate, save and store the conclusion; returns it (JSON form, keys as the report reads them)."""
    store_samples(problem, run)
    candidates = ranked(trial for trial in run.trials if trial.weights is not None)
    if last.outcome is Outcome.FAIL or last.step != "repeat" or not candidates:
        conclusion = stopped(problem, run, last)
    else:
        conclusion = concluded(problem, run, candidates[0])
    run.finish("finished", conclusion)
    return conclusion


def stopped(problem: Problem, run: Store, last: Finding) -> dict[str, Any]:
    """The conclusion of a run that a check ended, or that was asked to end early."""
    if last.outcome is Outcome.FAIL:
        worst = next(v for v in last.verdicts if v.outcome is Outcome.FAIL)
        title = f"Stopped at {last.step.replace('_', ' ')}: {worst.sentence}"
        actions = [action(problem, change) for change in worst.changes]
        return {"outcome": "stopped_at_check", "title": title, "next_actions": actions[:MOST_ACTIONS]} | _because(
            problem, run
        )
    title = f"Ended after {last.step.replace('_', ' ')}, as asked"
    return {"outcome": "no_target", "title": title, "next_actions": []} | _because(problem, run)


def concluded(problem: Problem, run: Store, best: Trial) -> dict[str, Any]:
    """The conclusion of a run that went through: test accuracy, saved model, what to do next."""
    dataset, target = problem.dataset, problem.recipe.target
    model = run.folder / MODEL
    export(problem, run, best, model)
    difference = reload_difference(problem, run, best, model)
    n_val = len(dataset.validation.labels)
    known = round(best.val_accuracy * n_val)
    conclusion: dict[str, Any] = {
        "best_trial": best.number,
        "stage": best.spec.stage,
        "val_accuracy": best.val_accuracy,
        "val_interval": wilson_interval(known, n_val),
        "val_loss": best.val_loss,
        "val_examples": n_val,
        "model": MODEL,
        "reload_difference": difference,
        "hyperparameters": best.hyperparameters.to_json(),
    }
    conclusion |= _because(problem, run) | test_once(problem, run, best)
    wanted = target.at_least if target else None
    accuracy = f"{best.val_accuracy:.3f}"
    wish = "" if wanted is None else f" (wanted {wanted:.3f})"
    if wanted is None:
        conclusion |= {"outcome": "no_target", "title": f"Validation accuracy {accuracy}"}
    elif best.val_accuracy >= wanted:
        conclusion |= {"outcome": "target_met", "title": f"Target met: validation accuracy {accuracy}{wish}"}
    else:
        conclusion |= {"outcome": "target_missed", "title": f"Target missed: validation accuracy {accuracy}{wish}"}
    conclusion["target"] = wanted
    conclusion["next_actions"] = next_actions(problem, run, met=wanted is None or best.val_accuracy >= wanted)
    return to_json(conclusion)  # type: ignore[no-any-return]


def test_once(problem: Problem, run: Store, best: Trial) -> dict[str, Any]:
    """Accuracy on the test set with its 95 % interval; the confusion matrix and the worst mistakes are stored."""
    test = problem.dataset.sealed_test
    if len(test.labels) == 0:
        return {"test_accuracy": None, "test_interval": None, "test_examples": 0}
    run.open_test(best.number)
    run.progress.say("Test set: read once")
    probabilities = predict(problem, run, best, test.images)
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
    return {
        "test_accuracy": correct / len(test.labels),
        "test_interval": wilson_interval(correct, len(test.labels)),
        "test_examples": len(test.labels),
    }


def reload_difference(problem: Problem, run: Store, best: Trial, model: Path) -> float:
    """Largest difference in probability between the model in memory and the one loaded from `model`."""
    import keras

    images = np.asarray(problem.dataset.validation.images[:COMPARED])
    here = predict(problem, run, best, images)
    loaded = keras.saving.load_model(model, compile=False, safe_mode=True)
    there = np.asarray(loaded.predict(images.astype("float32"), verbose=0))
    return float(np.abs(here - there).max())


def next_actions(problem: Problem, run: Store, met: bool) -> list[dict[str, Any]]:
    """At most three: what the last curves asked for and was not applied; when the target is missed, what is left."""
    applied = {(change.path, str(change.value)) for finding in run.findings for change in finding.applied}
    proposed = [
        change
        for finding in run.findings
        if finding.step == "learning_curves" and finding.round == setting.round_of(run.findings) - 1
        for verdict in finding.verdicts
        if verdict.outcome is not Outcome.PASS
        for change in verdict.changes
        if (change.path, str(change.value)) not in applied and not change.path.startswith("transfer.stage")
    ]
    height, width = problem.recipe.data.image_size
    if met:
        use = f"the model takes images of {height} x {width} pixels, 0 to 255, and gives probabilities"
        show = f"import keras; keras.saving.load_model({str(run.folder / MODEL)!r}).summary()"
        return [{"reason": use, "path": "", "value": None, "command": f"python -c {shlex.quote(show)}"}]
    actions = [action(problem, change) for change in proposed]
    larger = Change("data.image_size", [height * 3 // 2, width * 3 // 2], "larger images show the backbone more")
    return [*actions, action(problem, larger)][:MOST_ACTIONS]


def action(problem: Problem, change: Change) -> dict[str, Any]:
    """A change as something a person can do: the reason, the recipe path, the value and the command."""
    value = json.dumps(thawed(change.value)) if not isinstance(change.value, str) else change.value
    command = f"tuner run {shlex.quote(str(problem.recipe.path))} --set {shlex.quote(f'{change.path}={value}')}"
    return {"reason": change.because, "path": change.path, "value": change.value, "command": command}


def store_samples(problem: Problem, run: Store) -> None:
    """A grid of training images with their labels, for the report."""
    grid = sample_grid(
        problem.dataset, min(SAMPLES, problem.recipe.report.embed_images or SAMPLES), problem.recipe.seed
    )
    put_json(run, "samples.json", [{"image": data_uri(image), "label": label} for image, label in grid])


def put_json(run: Store, name: str, value: Any) -> None:
    """Store JSON data as an artifact."""
    run.put_artifact(name, json.dumps(value, allow_nan=False).encode(), "application/json")


def _because(problem: Problem, run: Store) -> dict[str, Any]:
    reasons = {change.path: change.because for finding in run.findings for change in finding.applied}
    now = situation(problem, run)
    auto: dict[str, Any] = {}
    if problem.recipe.optimizer.learning_rate == "auto":
        auto["optimizer.learning_rate"] = {
            "value": now.setting.hyperparameters.learning_rate,
            "because": reasons.get("optimizer.learning_rate", "not reached"),
        }
    if problem.recipe.transfer == "auto":
        auto["transfer"] = {
            "value": [stage.name for stage in now.stages],
            "because": "; ".join(stage.because for stage in now.stages),
        }
    return {"because": reasons, "auto": auto}


def exit_code(conclusion: Mapping[str, Any]) -> int:
    """0 done, 3 target missed, 4 a check stopped the run."""
    return {"target_missed": 3, "stopped_at_check": 4}.get(conclusion["outcome"], 0)


def lines(conclusion: Mapping[str, Any], run: Run | Store, report: Path | None) -> Sequence[str]:
    """What the command prints last: the verdict, the figures, the places."""
    mark = {"target_met": "✓", "no_target": "✓", "target_missed": "!", "stopped_at_check": "✗"}[conclusion["outcome"]]
    out = [f"{mark} {conclusion['title']}"]
    if conclusion.get("test_accuracy") is not None:
        low, high = conclusion["test_interval"]
        test = f"  Test accuracy {conclusion['test_accuracy']:.3f} (95 %: {low:.3f} to {high:.3f},"
        out.append(f"{test} {conclusion['test_examples']} images, read once)")
    for step in conclusion["next_actions"]:
        out += [f"→ {step['reason'][:1].upper()}{step['reason'][1:]}:", f"    {step['command']}"]
    out.append("")
    if report is not None:
        out.append(f"Report   {report}")
    if conclusion.get("model"):
        out.append(f"Model    {Path(run.folder) / conclusion['model']}")
    return out
