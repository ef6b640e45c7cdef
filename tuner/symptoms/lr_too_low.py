"""Does the training loss fall so slowly and so straight that the steps must be too small?

A healthy loss falls fast and then slower. One that goes down in a straight line and has not come far is being
walked down in small steps.

Source: CS231n, neural-networks-3 ("low learning rate: linear"); bounds by calibration on small real runs.
"""

from tuner.records import LearningCurves, Outcome, Verdict
from tuner.symptoms.causes import weighed
from tuner.symptoms.context import Context
from tuner.symptoms.remedies import faster, longer, step_up
from tuner.symptoms.shape import cost, falls, mean, median, noise, val_cost
from tuner.symptoms.symptom import Symptom
from tuner.symptoms.yardsticks import start

LEAST_EPOCHS = 10
STEADY = 0.75  # share of the epochs that go down
STRAIGHT, TAKES_OFF = (
    0.45,
    1.1,
)  # fall of the second half over that of the first: 1 is a straight line, more a slow start
SHORT_WAY = {10: 0.05, 20: 0.10, 30: 0.15}  # epochs at least -> share of the start that was covered at most
SURE_WAY = 0.05  # share of the start below which there is hardly a doubt
WARMS_UP = 1.5  # last rate over first rate: a rate that still rises is not judged
NOISY_EPOCHS, SURE_STEADY = 10, 0.9  # from so many epochs validation may stand in for training, if so many of them fall


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """WARN where the training loss falls steadily, in a straight line, and has come only a short way."""
    values = _walked(curves)
    if _warms_up(curves) or len(values) < LEAST_EPOCHS:
        return None
    begin = max(start(curves, context), values[0])
    fall = values[0] - values[-1]
    covered = (begin - values[-1]) / begin if begin > 0 else 1.0
    allowed = max(way for epochs, way in SHORT_WAY.items() if len(values) >= epochs)
    middle = len(values) // 2
    first, second = values[0] - values[middle], values[middle] - values[-1]
    steady = falls(values) >= STEADY and fall > max(4 * noise(values), 1e-4 * abs(values[0]))
    if not steady or covered > allowed or not STRAIGHT * first <= second <= TAKES_OFF * first:
        return None
    factor = step_up(covered)
    return Verdict(
        "lr_too_low",
        Outcome.WARN,
        f"The training loss falls in a straight line and covered only {max(covered, 0):.1%} of its way "
        f"in {len(values)} epochs: the learning rate looks too low.",
        {
            "covered": covered,
            "per_epoch": mean([fall / (len(values) - 1) / begin]),
            "second_half_over_first": second / first if first else None,
            "causes": weighed({"lr_too_low": 0.75, "vanishing_gradient": 0.15, "input_scale": 0.1}),
        },
        (
            faster(curves, context, factor, "larger steps cover the same way in fewer epochs"),
            longer(context, len(values), "the loss is still falling"),
        ),
        onset=1,
        confidence=0.85 if covered < SURE_WAY and len(values) >= 8 else 0.6,
        check=f"one epoch at {factor} times the rate: the loss should fall {factor} times as fast",
        source="CS231n, neural-networks-3; calibrated on small real runs",
    )


def _walked(curves: LearningCurves) -> tuple[float, ...]:
    """The training loss; validation's where dropout or few examples make training too noisy to see its trend."""
    training, validation = cost(curves), val_cost(curves)
    if len(validation) < len(training) or falls(training) >= STEADY or len(training) < NOISY_EPOCHS:
        return training
    fell = training[0] - median(training[-len(training) // 3 :])
    return validation if fell >= 0 and falls(validation) >= SURE_STEADY else training


def _warms_up(curves: LearningCurves) -> bool:
    rates = curves.learning_rate
    return len(rates) > 1 and rates[-1] > WARMS_UP * rates[0]


SYMPTOM = Symptom(
    "lr_too_low",
    "The training loss falls in a straight line and has come only a short way.",
    find,
    yields_to=("nan_or_inf", "loss_increases_from_start", "diverging", "stuck_at_chance", "lr_too_high"),
)
