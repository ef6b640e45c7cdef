"""The seven steps, one file each: `measure` touches Keras and returns numbers, `judge` says what they mean."""

STEP_NAMES = (
    "initial_loss",
    "overfit_small_sample",
    "learning_rate",
    "short_runs",
    "learning_curves",
    "change",
    "repeat",
)
"""In the lecture's order; the keys of `steps` in a recipe, of --from, --to and --only, and the files in this folder."""
