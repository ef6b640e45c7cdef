"""Curves from a run folder of our own: those of its best trial, with all that the run knows about it."""

from pathlib import Path

from tuner.records import Run, Trial
from tuner.symptoms.context import Context, OfRecipe, for_trial
from tuner.symptoms.readers.reading import ReadError, Reading

DATABASE = "run.db"


def read_run_folder(folder: Path) -> Reading:
    """The best trial's curves. Raises `ReadError` where the run has no trials yet."""
    from tuner.store import read_run  # opens a database; a csv needs none

    run = read_run(folder)
    trial = best_trial(run)
    if trial is None:
        raise ReadError(f"{folder}: the run has no trials with learning curves yet (status: {run.status}).")
    return of_trial(run, trial, str(folder))


def of_trial(run: Run, trial: Trial, source: str) -> Reading:
    """The curves of one trial of a run."""
    columns = {
        name: name
        for name in ("loss", "val_loss", "accuracy", "val_accuracy", "learning_rate", "step_loss")
        if getattr(trial.curves, name)
    }
    epochs = tuple(range(1, trial.curves.epochs + 1))
    context = for_trial(_context_of_data(run), trial)
    return Reading(source, trial.curves, columns, epochs, context=context, run=run, trial=trial)


def best_trial(run: Run) -> Trial | None:
    """The trial that the run was concluded with, else the best by validation accuracy, else the last with curves."""
    trials = with_curves(run)
    concluded = next((trial for trial in trials if trial.number == run.conclusion.get("best_trial")), None)
    measured = [trial for trial in trials if trial.val_accuracy == trial.val_accuracy]
    by_accuracy = max(measured, key=lambda trial: trial.val_accuracy, default=None)
    return concluded or by_accuracy or (trials[-1] if trials else None)


def with_curves(run: Run) -> list[Trial]:
    """The trials that ran for epochs; sweeps and range tests are judged by their own step."""
    return [
        trial
        for trial in run.trials
        if trial.curves.epochs > 0 and trial.spec.max_steps is None and trial.spec.fold is None
    ]


def _context_of_data(run: Run) -> Context:
    data = next((finding.evidence for finding in run.findings if finding.step == "data"), {})
    counts = data.get("counts", {})
    train = [float(count) for count in counts.get("train", ())]
    target = run.recipe.get("target")
    model, settings = run.recipe.get("model", {}), run.recipe.get("data", {})
    named = model.get("backbone")
    size = settings.get("image_size") or (224, 224)
    return Context(
        num_classes=len(data["class_names"]) if data.get("class_names") else None,
        class_frequencies=tuple(train) or None,
        train_examples=int(sum(train)) or None,
        val_examples=int(sum(counts.get("validation", ()))) or None,
        target=target.get("at_least") if isinstance(target, dict) else None,
        recipe=OfRecipe(
            named,
            model.get("normalization", "own"),
            model.get("weights") is not None,
            image_size=(int(size[0]), int(size[1])),
            class_names=tuple(data.get("class_names") or ()),
        )
        if isinstance(named, str)
        else None,
    )
