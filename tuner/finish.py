"""How does a run end? The best trial meets the test set once, is saved, loaded again and compared; the verdict is said.

Everything the report needs beyond findings and trials is stored here: sample images, mistakes, the confusion matrix,
and the conclusion.
"""

import dataclasses
import math
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tuner import averaging as averagings
from tuner.data import Problem, kept_samples
from tuner.draws import store_draws
from tuner.final_test import put_json, test_once
from tuner.hyperparameters import thawed
from tuner.recipe.writing import as_setting
from tuner.records import Change, Finding, Outcome, Run, Trial, TrialState, to_json
from tuner.search.noise import wilson_interval
from tuner.seeing import store_pictures
from tuner.steps import backbones
from tuner.steps.folds import scored
from tuner.steps.situation import REPEATED, chosen_among, contenders, situation, trial_of
from tuner.steps.unapplied import unapplied
from tuner.store import Store
from tuner.training import export, fit_many, predict

MODEL = "best.keras"
COMPARED = 64  # validation images on which the saved model is compared with the one in memory
MOST_ACTIONS = 3
MORE_TIME = 4  # times as long, where the time did not last to the first short runs
MARKS = {"target_met": "✓", "no_target": "✓", "target_missed": "!", "out_of_time": "!", "stopped_at_check": "✗"}
LOOK, MORE_DATA = "look", "data.train_examples"  # a change's value, and its path, that are a person's
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
    after, most = last.step.replace("_", " "), problem.recipe.budget.max_time
    if most is None or run.seconds < most:
        title, actions = f"Ended after {after}: as asked", []
    else:
        because = "no short run was made, so there is no model; what was decoded and computed is kept for the next run"
        actions = [action(problem, Change("budget.max_time", MORE_TIME * most, because))]
        title = f"Out of time after {after}, without a model"
    outcome = "out_of_time" if actions else "no_target"
    return {"outcome": outcome, "title": title, "next_actions": actions} | _because(problem, run)


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
    store_pictures(problem, run, best)
    store_draws(problem, run, best)
    conclusion |= confirmed(problem, run, best, last)
    averaging = averagings.measured(problem, run, best)
    conclusion |= _because(problem, run) | averagings.to_json(averaging) | test_once(problem, run, best, averaging)
    wanted = target.at_least if target else None
    reached, accuracy = judged(run, best)
    wish = "" if wanted is None else f" (wanted {wanted:.3f})"
    conclusion |= on_folds(run, best)
    if wanted is None:
        conclusion |= {"outcome": "no_target", "title": accuracy}
    elif reached >= wanted:
        conclusion |= {"outcome": "target_met", "title": f"Target met: {accuracy[:1].lower()}{accuracy[1:]}{wish}"}
    else:
        conclusion |= {
            "outcome": "target_missed",
            "title": f"Target missed: {accuracy[:1].lower()}{accuracy[1:]}{wish}",
        }
    conclusion["target"] = wanted
    interval = conclusion["test_interval"]
    if interval is not None and interval[1] < reached:
        conclusion["title"] += f", but {conclusion['test_accuracy']:.3f} on the test set"
        chosen = "accuracy over the folds" if "fold_mean" in conclusion else "validation accuracy"
        conclusion["doubt"] = (
            f"The test accuracy lies below the {chosen} by more than chance: the best of many trials was "
            "chosen on the images that gave it and fits them better than others. Believe the test set."
        )
    conclusion["next_actions"] = next_actions(problem, run, met=wanted is None or reached >= wanted)
    return to_json(conclusion)  # type: ignore[no-any-return]


def judged(run: Store, best: Trial) -> tuple[float, str]:
    """The accuracy by which the best trial is judged, and its name: the mean over the folds where there are any."""
    score = scored(run, best)
    if score is None or not math.isfinite(score.mean):
        return best.val_accuracy, f"Validation accuracy {best.val_accuracy:.3f}"
    return score.mean, f"Accuracy over {len(score.accuracies)} folds {score.mean:.3f} ± {score.sd:.3f}"


def on_folds(run: Store, best: Trial) -> dict[str, Any]:
    """What the folds say of the best trial; empty where there are none."""
    score = scored(run, best)
    if score is None:
        return {}
    return {"fold_accuracies": score.accuracies, "fold_mean": score.mean, "fold_sd": score.sd}


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
    height, width = problem.recipe.data.image_size
    if met:
        use = f"the model takes images of {height} x {width} pixels, 0 to 255, and gives probabilities"
        command = f"python -c \"import keras; keras.saving.load_model('{run.folder / MODEL}').summary()\""
        return [{"reason": use, "path": "", "value": None, "command": command}]
    actions = [
        found
        for change in unapplied(run.findings)
        if (found := action(problem, change))["command"] or for_a_person(change)
    ]
    larger = Change("data.image_size", [height * 3 // 2, width * 3 // 2], "larger images show the backbone more")
    return [*actions, action(problem, larger)][:MOST_ACTIONS]


def action(problem: Problem, change: Change) -> dict[str, Any]:
    """A change as something a person can do: reason, recipe path, value, and the command if there is one."""
    text = as_setting(problem.recipe, change.path, thawed(change.value))
    again = f"tuner run {shlex.quote(str(problem.recipe.path))} --set"
    command = "" if text is None else f"{again} {shlex.quote(text)}"
    return {"reason": change.because, "path": change.path, "value": change.value, "command": command}


def for_a_person(change: Change) -> bool:
    """Whether there is no command because somebody has to look at the data, or to collect more."""
    return change.value == LOOK or change.path == MORE_DATA


def store_samples(problem: Problem, run: Store) -> None:
    """A grid of training images with their labels, for the report."""
    most = min(SAMPLES, problem.recipe.report.embed_images or SAMPLES)
    samples = kept_samples(problem.dataset, most, problem.recipe.seed)
    put_json(run, "samples.json", [{"image": image, "label": label} for image, label in samples])


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
    out = [f"{MARKS[conclusion['outcome']]} {conclusion['title']}"]
    if conclusion.get("test_accuracy") is not None:
        low, high = conclusion["test_interval"]
        test = f"  Test accuracy {conclusion['test_accuracy']:.3f} (95 %: {low:.3f} to {high:.3f},"
        out.append(f"{test} {conclusion['test_examples']} images, read once)")
    if conclusion.get("test_time_augmentation"):
        out.append(f"  {conclusion['test_time_augmentation']['sentence']}")
    if conclusion.get("fold_mean") is not None:
        out.append(f"  On the single split, validation accuracy {conclusion['val_accuracy']:.3f}")
    reads = conclusion.get("test_reads") or 0
    if reads > 1:
        out.append(f"! {reads} runs here have read these test images: who compares them chooses on the test set")
    if conclusion.get("seed_sd") is not None:
        spread = f"{conclusion['seed_mean']:.3f} ± {conclusion['seed_sd']:.3f}"
        out.append(f"  Validation accuracy with {len(conclusion['seed_accuracies'])} seeds {spread} (mean ± SD)")
    if conclusion.get("doubt"):
        out.append(f"! {conclusion['doubt']}")
    for step in conclusion["next_actions"]:
        reason = f"→ {step['reason'][:1].upper()}{step['reason'][1:]}"
        out += [f"{reason}:", f"    {step['command']}"] if step["command"] else [f"{reason}."]
    out.append("")
    if report is not None:
        out.append(f"Report   {report}")
    if conclusion.get("model"):
        out.append(f"Model    {Path(run.folder) / conclusion['model']}")
    return out
