"""Does the training loss rise from the first epoch on, as if it were climbed instead of descended?

A training loss that only rises is a bug more often than a rate: a sign, labels that change between epochs, a loss
that is maximized.

Source: Full Stack Deep Learning, "overfit a single batch: error goes up"; Google's tuning playbook.
"""

from tuner.records import LearningCurves, Outcome, Verdict
from tuner.symptoms.causes import weighed
from tuner.symptoms.context import Context
from tuner.symptoms.loss_metric_disagree import climbs_and_gets_better
from tuner.symptoms.remedies import slower
from tuner.symptoms.shape import cost, falls, lowest, noise
from tuner.symptoms.symptom import Symptom

LEAST_EPOCHS = 3
RISE = 0.10  # of the first value: below it the loss stands still rather than rises
STEADY = 0.25  # at most this share of the epochs may go down
RUNAWAY = 10.0  # times the first value: a rate does that, a wrong sign needs longer
RUNS_AWAY = {"lr_too_high": 0.8, "wrong_sign": 0.2}
CLIMBS = {"wrong_sign": 0.5, "lr_too_high": 0.35, "shuffled_labels": 0.15}


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """FAIL where the training loss is lowest in its first epoch and rises from there."""
    values = cost(curves)
    climbs = len(values) >= LEAST_EPOCHS and lowest(values) == 0 and falls(values) <= STEADY
    if not climbs or climbs_and_gets_better(curves):
        return None
    rise = values[-1] - values[0]
    if rise <= max(RISE * abs(values[0]), 5 * noise(values)):
        return None
    runaway = rise > RUNAWAY * abs(values[0])
    return Verdict(
        "loss_increases_from_start",
        Outcome.FAIL,
        f"The training loss has risen from the first epoch on, {values[0]:.4g} to {values[-1]:.4g}: "
        + (
            "the learning rate is far too high, or the loss is climbed."
            if runaway
            else "a wrong sign or wrong labels, or a rate too high."
        ),
        {
            "first": values[0],
            "last": values[-1],
            "share_of_epochs_that_fall": falls(values),
            "causes": weighed(RUNS_AWAY if runaway else CLIMBS),
        },
        (slower(curves, context, 10, "if a tenth of the rate still rises, it is not the rate"),),
        onset=1,
        confidence=0.9 if len(values) > LEAST_EPOCHS else 0.7,
        check="twenty steps at a hundredth of the rate: if the loss still rises, its sign or the labels are wrong",
        source="FSDL, single-batch check; Google tuning playbook",
    )


SYMPTOM = Symptom(
    "loss_increases_from_start", "The training loss rises from the first epoch on.", find, yields_to=("nan_or_inf",)
)
