"""Did training lose what it had already won?

Source: runmedic's rule that a smoothed loss gives back half of its progress; losslint's that the end lies a quarter
above the start.
"""

from tuner.records import LearningCurves, Outcome, Verdict
from tuner.symptoms.context import Context
from tuner.symptoms.remedies import clipped, slower
from tuner.symptoms.shape import cost, lowest, moving_average, noise
from tuner.symptoms.symptom import Symptom

LEAST_EPOCHS = 3
LOST = 0.5  # of the progress so far
VISIBLE = 0.05  # of the first value: a smaller loss of progress is not worth an alarm
ABOVE_NOISE = 6.0
RUNAWAY = 3.0  # times the first value: no second epoch is needed to say so


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """FAIL where the training loss has given back half of what it gained, in the last two epochs and on average."""
    values = cost(curves)
    if len(values) < LEAST_EPOCHS:
        return None
    smooth = moving_average(values)
    best = lowest(smooth)
    progress, lost = smooth[0] - smooth[best], smooth[-1] - smooth[best]
    floor = max(VISIBLE * abs(values[0]), ABOVE_NOISE * noise(values), LOST * progress)
    runaway = values[-1] - values[0] > (RUNAWAY - 1) * abs(values[0])
    stays = min(values[-2:]) - min(values) > floor
    if not (runaway or (lost > floor and stays and best < len(values) - 1)):
        return None
    onset = lowest(values) + 2
    share = f"{lost / progress:.0%} of its progress" if progress > VISIBLE * abs(values[0]) else "all that it had"
    return Verdict(
        "diverging",
        Outcome.FAIL,
        f"The training loss has turned around at epoch {min(onset, len(values))} and given back {share} "
        f"({min(values):.4g} at its best, {values[-1]:.4g} now).",
        {
            "best": min(values),
            "last": values[-1],
            "first": values[0],
            "lost_share": lost / progress if progress > 0 else None,
        },
        (
            slower(curves, context, 3 if not runaway else 10, "the steps are too large for where the weights are now"),
            clipped("a cut gradient cannot throw the weights out"),
        ),
        onset=min(onset, len(values)),
        confidence=0.95 if runaway or lost > progress else 0.8,
        check="train again from the best epoch at a third of the rate",
        source="half of a smoothed loss's progress lost (runmedic); CS231n, learning rates",
    )


SYMPTOM = Symptom(
    "diverging",
    "The training loss turned around and gave back half of its progress.",
    find,
    yields_to=("nan_or_inf", "loss_increases_from_start"),
)
