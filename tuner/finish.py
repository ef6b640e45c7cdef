"""How does a run end? The best trial meets the test set once, is saved, loaded again and compared; the verdict is said.

Everything the report needs beyond findings and trials is stored here: sample images, mistakes, the confusion matrix,
and the conclusion.
"""

import dataclasses
import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tuner import setting
from tuner.data import Problem, data_uri, jpeg, kept_samples
from tuner.hyperparameters import thawed
from tuner.records import Change, Finding, Outcome, Run, Trial, TrialState, to_json
from tuner.search.noise import wilson_interval
from tuner.steps import backbones
from tuner.steps.situation import REPEATED, chosen_among, contenders, situation, trial_of
from tuner.store import Store
from tuner.training import export, fit_many, predict

MODEL = "best.keras"
COMPARED = 64  # validation images on which the saved model is compared with the one in memory
MOST_ACTIONS = 3
SAMPLES = 24
PLENTY = 1_000_000  # trials, where the budget does not count them


def finish(problem: Problem, run: Store, last: Finding) -> dict[str, Any]:
    """Evaluate, save and store the conclusion; returns it (JSON form, keys as the report reads them)."""
    problem = backbones.settled(problem, run)
    store_samples(problem, run)
    candidates = contenders(run)
    if last.outcome is Outcome.FAIL or last.step != "repeat" or not candidates:
        conclusion = stopped(problem, run, last)
    else:
        conclusion = concluded(problem, run, candidates[0], last)
    run.finish("finished", conclusion)
    keep_wished(problem, run)  # last: a run that died before this still has what it needs to conclude
    return conclusion


def keep_wished(problem: Problem, run: Store) -> None:
    """Let all weights go but those that `output.keep_models` wants to stay; best.keras is no part of them."""
    wished = problem.recipe.output.keep_models
    most = {"none": 0, "best": 1, "top_k": problem.recipe.steps.change.top_k}.get(wished)
    if most is not None:
        run.drop_weights([trial.number for trial in contenders(run)[:most]])


def stopped(problem: Problem, run: Store, last: Finding) -> dict[str, Any]:
    """The conclusion of a run that a check ended, or that was asked to end early."""
    if last.outcome is Outcome.FAIL:
        worst = next(v for v in last.verdicts if v.outcome is Outcome.FAIL)
        title = f"Stopped at {last.step.replace('_', ' ')}: {worst.sentence}"
        actions = [action(problem, change) for change in worst.changes]
        return {"outcome": "stopped_at_check", "title": title, "next_actions": actions[:MOST_ACTIONS]} | _because(
            problem, run
        )
    spent = problem.recipe.budget.max_time is not None and run.seconds >= problem.recipe.budget.max_time
    why = "the budget's time is spent" if spent else "as asked"
    title = f"Ended after {last.step.replace('_', ' ')}: {why}"
    return {"outcome": "no_target", "title": title, "next_actions": []} | _because(problem, run)


def concluded(problem: Problem, run: Store, best: Trial, last: Finding) -> dict[str, Any]:
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
    conclusion |= confirmed(problem, run, best, last)
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
    interval = conclusion["test_interval"]
    if interval is not None and interval[1] < best.val_accuracy:
        conclusion["title"] += f", but {conclusion['test_accuracy']:.3f} on the test set"
        conclusion["doubt"] = (
            "The test accuracy lies below the validation accuracy by more than chance: the best of many trials was "
            "chosen on those validation images and fits them better than others. Believe the test set."
        )
    conclusion["next_actions"] = next_actions(problem, run, met=wanted is None or best.val_accuracy >= wanted)
    return to_json(conclusion)  # type: ignore[no-any-return]


def confirmed(problem: Problem, run: Store, best: Trial, last: Finding) -> dict[str, Any]:
    """Validation accuracies of the best setting with other seeds, to show how much of a difference is mere chance.

    The best trial and those of its stage that it starts from are trained again, as often as the budget allows. Nothing
    is chosen by the result. Empty if there is only one seed.
    """
    line = _line(run, best)
    seeds = min(problem.recipe.steps.repeat.confirm_seeds, 1 + _affordable(problem, run, last) // len(line))
    if seeds < 2:
        return {}
    run.progress.say(f"The best setting again, with {seeds - 1} more seed{'s' * (seeds > 2)}")
    starts: list[tuple[int, int | None]] = [(best.spec.seed + n, line[0].spec.parent) for n in range(1, seeds)]
    done: list[Trial] = []
    for trial in line:
        spec = dataclasses.replace(trial.spec, step=REPEATED, keep=trial is not best)
        repeats = fit_many(problem, run, [dataclasses.replace(spec, seed=s, parent=p) for s, p in starts])
        done = [t for t in repeats if t.state is TrialState.COMPLETED]
        starts = [(t.spec.seed, t.number) for t in done]
    accuracies = [best.val_accuracy, *(t.val_accuracy for t in done)]
    spread = float(np.std(accuracies, ddof=1)) if len(accuracies) > 1 else None
    return {
        "seed_accuracies": accuracies,
        "seed_mean": float(np.mean(accuracies)),
        "seed_sd": spread,
        "seeds_diverged": seeds - len(accuracies),
    }


def _line(run: Store, trial: Trial) -> list[Trial]:
    """The trials of its stage that a trial goes back to, the first of them first, and itself."""
    start = None if trial.spec.parent is None else trial_of(run, trial.spec.parent)
    return [trial] if start is None or start.spec.stage != trial.spec.stage else [*_line(run, start), trial]


def _affordable(problem: Problem, run: Store, last: Finding) -> int:
    """How many trials the budget still has room for, the same before and after a resume; none once time is spent."""
    budget, seconds = problem.recipe.budget, float(last.evidence["seconds"])
    if budget.max_time is not None and seconds >= budget.max_time:
        return 0
    return PLENTY if budget.max_trials is None else max(0, budget.max_trials - sum(map(chosen_among, run.trials)))


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
        command = f"python -c \"import keras; keras.saving.load_model('{run.folder / MODEL}').summary()\""
        return [{"reason": use, "path": "", "value": None, "command": command}]
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
    most = min(SAMPLES, problem.recipe.report.embed_images or SAMPLES)
    samples = kept_samples(problem.dataset, most, problem.recipe.seed)
    put_json(run, "samples.json", [{"image": image, "label": label} for image, label in samples])


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
    if conclusion.get("seed_sd") is not None:
        spread = f"{conclusion['seed_mean']:.3f} ± {conclusion['seed_sd']:.3f}"
        out.append(f"  Validation accuracy with {len(conclusion['seed_accuracies'])} seeds {spread} (mean ± SD)")
    if conclusion.get("doubt"):
        out.append(f"! {conclusion['doubt']}")
    for step in conclusion["next_actions"]:
        out += [f"→ {step['reason'][:1].upper()}{step['reason'][1:]}:", f"    {step['command']}"]
    out.append("")
    if report is not None:
        out.append(f"Report   {report}")
    if conclusion.get("model"):
        out.append(f"Model    {Path(run.folder) / conclusion['model']}")
    return out
