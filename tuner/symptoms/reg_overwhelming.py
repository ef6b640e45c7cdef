"""Is most of the loss a penalty on the weights?

Keras adds penalties to the loss that it reports. Where a regression's training and validation loss stand high above
that of a constant answer and coincide all the way, what they have in common is not the data: examples differ, the
weights are the same.

Source: TheDeepChecker (gradient of the penalty against that of the data); CS231n, sanity checks (the penalty must not
be most of the loss).
"""

from tuner.records import Change, LearningCurves, Outcome, Verdict
from tuner.symptoms.context import Context
from tuner.symptoms.shape import median, tail
from tuner.symptoms.symptom import Symptom

LEAST_EPOCHS = 10
HIGH = 2.0  # times the loss of a constant answer: more than half of the loss is something else
COINCIDE = 0.05  # of the loss: training and validation lie no further apart, in the middle of all epochs


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """WARN where both losses of a regression coincide high above the loss of a constant answer, to the end."""
    base = context.baseline_loss
    both = list(zip(curves.loss, curves.val_loss, strict=False))
    if not base or base <= 0 or curves.accuracy or len(both) < LEAST_EPOCHS:
        return None
    last = min(median(tail(curves.loss)), median(tail(curves.val_loss)))
    apart = median([abs(validation - training) / training for training, validation in both if training > 0] or [1.0])
    if last < HIGH * base or apart > COINCIDE:
        return None
    return Verdict(
        "reg_overwhelming",
        Outcome.WARN,
        f"After {len(both)} epochs the loss is {last / base:.1f} times that of a constant answer, in training and "
        f"validation alike (they differ by {apart:.1%}): most of it is a penalty on the weights.",
        {"loss": last, "baseline_loss": base, "apart": apart},
        (
            Change("regularization.l2", 0.0, "a penalty that outweighs the data brings all weights to zero"),
            Change("optimizer.weight_decay", 0.0, "so does a decay that is too strong", context.weight_decay),
        ),
        onset=1,
        confidence=0.75,
        check="the mean squared error as a metric beside the loss: the rest is the penalty",
        source="TheDeepChecker; CS231n, sanity checks",
    )


SYMPTOM = Symptom(
    "reg_overwhelming",
    "Both losses of a regression coincide high above that of a constant answer.",
    find,
    yields_to=("nan_or_inf", "loss_increases_from_start", "diverging", "stuck_at_chance"),
)
