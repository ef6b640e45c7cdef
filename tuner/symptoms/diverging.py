"""Did training lose what it had already won?

A loss that falls below zero faster and faster has run away as well: what is minimized has no floor, as after a wrong
sign. A loss that climbs while accuracy gets better is none of these (`loss_metric_disagree`).

Source: runmedic's rule that a smoothed loss gives back half of its progress; losslint's that the end lies a quarter
above the start.
"""

from collections.abc import Sequence

from tuner.records import LearningCurves, Outcome, Verdict
from tuner.symptoms.causes import weighed
from tuner.symptoms.context import Context
from tuner.symptoms.loss_metric_disagree import climbs_and_gets_better
from tuner.symptoms.remedies import clipped, look_at_labels, slower, warmed_up
from tuner.symptoms.shape import cost, falls, lowest, moving_average, noise
from tuner.symptoms.symptom import Symptom

LEAST_EPOCHS = 3
LOST = 0.5  # of the progress so far
VISIBLE = 0.05  # of the first value: a smaller loss of progress is not worth an alarm
ABOVE_NOISE = 6.0
RUNAWAY = 3.0  # times the first value: no second epoch is needed to say so
BOTTOMLESS_EPOCHS = 10
FASTER, STEADY = 1.3, 0.9  # fall of the second half over that of the first; share of the epochs that fall


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """FAIL where the training loss has given back half of what it gained, in the last two epochs and on average."""
    values = cost(curves)
    if len(values) < LEAST_EPOCHS or climbs_and_gets_better(curves):
        return None
    if _bottomless(curves, context):
        return _without_floor(values)
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
            warmed_up("steps that begin small find a place where large ones hold"),
        ),
        onset=min(onset, len(values)),
        confidence=0.95 if runaway or lost > progress else 0.8,
        check="train again from the best epoch at a third of the rate",
        source="half of a smoothed loss's progress lost (runmedic); CS231n, learning rates",
    )


def _bottomless(curves: LearningCurves, context: Context) -> bool:
    """Whether a loss below zero falls ever faster; one that is told to be a squared error must not be there at all."""
    values = curves.loss
    if len(values) < LEAST_EPOCHS or values[-1] >= 0 or context.higher_is_better:
        return False
    if context.baseline_loss and not curves.accuracy:
        return max(values[-LEAST_EPOCHS:]) < 0
    rates, part, middle = curves.learning_rate, len(values) // 3, len(values) // 2
    warms_up = len(rates) > 1 and rates[-1] > rates[0]
    if len(values) < BOTTOMLESS_EPOCHS or warms_up or falls(values) < STEADY or values[-1] > 2 * min(values[0], 0):
        return False
    first, second, third = (values[i * part] - values[(i + 1) * part - 1] for i in range(3))
    faster = values[middle] - values[-1] > FASTER * (values[0] - values[middle])
    return faster and first <= second <= third


def _without_floor(values: Sequence[float]) -> Verdict:
    return Verdict(
        "diverging",
        Outcome.FAIL,
        f"The training loss falls below zero, faster and faster ({values[0]:.4g} to {values[-1]:.4g}): what is "
        "minimized has no floor. Look at the sign of the loss.",
        {"first": values[0], "last": values[-1], "causes": weighed({"wrong_sign": 0.8, "head_loss_mismatch": 0.2})},
        (look_at_labels("what is minimized must be lowest where the model is right: mind its sign, too"),),
        onset=1,
        confidence=0.8,
        check="the loss of a perfect answer: it must be the lowest that there is",
        source="a loss that is bounded falls slower and slower",
    )


SYMPTOM = Symptom(
    "diverging",
    "The training loss turned around and gave back half of its progress.",
    find,
    yields_to=("nan_or_inf", "loss_increases_from_start"),
)
