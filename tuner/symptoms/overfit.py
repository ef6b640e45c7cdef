"""Has the model begun to learn what holds for the training data only?

The validation loss has left its minimum for good while the training loss still falls. Whether accuracy suffers too is
told: a validation loss that rises under an accuracy that holds is a model that grows too sure of itself.

Source: the lecture's step 5; CS231n; Google's tuning playbook; 5 % above the minimum (runmedic), here also in units of
the noise and of the way that validation went.
"""

from collections.abc import Sequence

from tuner.records import Change, LearningCurves, Outcome, Verdict
from tuner.symptoms.context import Context
from tuner.symptoms.remedies import regularized, softened
from tuner.symptoms.shape import cost, is_accuracy, lowest, median, median_of_three, noise, tail, val_cost
from tuner.symptoms.symptom import BROKEN, Symptom
from tuner.symptoms.yardsticks import accuracy_noise

LEAST_EPOCHS = 5
PATIENCE = 2  # epochs since the best one
RISE, RISE_WHERE_ACCURACY_HOLDS = 0.05, 0.08  # of the minimum
RISE_OF_WAY = 0.02  # of the way from the first validation loss to the best
ABOVE_NOISE = 4.0
BEFORE, LEAST_FOR_NOISE = 5, 10  # epochs before the best, and at least, that the noise is measured on
LEARNED_ON = 0.02  # training must have fallen by this share of its value since the best epoch


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """WARN where the validation loss left its minimum and the training loss went on falling."""
    validation, training = val_cost(curves), cost(curves)
    if len(validation) < LEAST_EPOCHS or len(training) < len(validation):
        return None
    smooth = median_of_three(validation)
    best, now = lowest(smooth), median(tail(validation, least=2))
    rise = now - smooth[best]
    way = max(smooth[0] - smooth[best], 0.0)
    if len(validation) - 1 - best < PATIENCE:
        return None
    if rise <= max(RISE * abs(smooth[best]), RISE_OF_WAY * way, ABOVE_NOISE * noise(_around(validation, best))):
        return None
    if median(tail(training, least=2)) > training[best] - LEARNED_ON * abs(training[best]):
        return None
    accuracy, suffers = _accuracy_loss(curves, context, best)
    if not suffers and rise <= RISE_WHERE_ACCURACY_HOLDS * abs(smooth[best]):
        return None
    return _verdict(curves, context, best, smooth[best], now, accuracy, suffers)


def _around(values: Sequence[float], best: int) -> Sequence[float]:
    """The curve from shortly before its minimum on: the way down is steeper and noisier."""
    return values[max(0, min(best - BEFORE, len(values) - LEAST_FOR_NOISE)) :]


def _verdict(
    curves: LearningCurves,
    context: Context,
    best: int,
    lowest_loss: float,
    now: float,
    accuracy: float | None,
    suffers: bool,
) -> Verdict:
    rise = f"{(now - lowest_loss) / abs(lowest_loss):.0%}" if lowest_loss else f"{now:.3g}"
    memorized = _memorized(curves)
    about = (
        " Validation never learned anything: look at the labels."
        if memorized
        else " Accuracy holds, the model only grows too sure of itself."
        if accuracy is not None and not suffers
        else ""
    )
    return Verdict(
        "overfit",
        Outcome.WARN,
        f"Overfitting since epoch {best + 2}: the validation loss is {rise} above its minimum of {lowest_loss:.4g} "
        f"at epoch {best + 1} while the training loss went on falling.{about}",
        {
            "best_epoch": best + 1,
            "best_val_loss": lowest_loss,
            "val_loss": now,
            "train_loss": median(tail(cost(curves), least=2)),
            "val_accuracy_lost": accuracy,
        },
        _remedies(context, suffers),
        onset=best + 2,
        confidence=0.95 if suffers or curves.val_accuracy == () else 0.75,
        check="look at twenty training images with their labels"
        if memorized
        else f"the weights of epoch {best + 1} against the last ones, on validation",
        source="5 % above the minimum and 4 times the noise; the lecture's step 5, Google tuning playbook",
    )


def _accuracy_loss(curves: LearningCurves, context: Context, best: int) -> tuple[float | None, bool]:
    values = curves.val_accuracy
    if len(values) <= best or not is_accuracy(values):
        return None, True
    lost = max(median_of_three(values)[: best + 2]) - median(tail(values))
    return lost, lost > accuracy_noise(values, context.val_examples)


def _memorized(curves: LearningCurves) -> bool:
    """Training accuracy went far up and validation accuracy nowhere."""
    if len(curves.accuracy) < LEAST_EPOCHS or len(curves.val_accuracy) < LEAST_EPOCHS:
        return False
    gained = median(tail(curves.accuracy)) - curves.accuracy[0]
    val_gained = max(median_of_three(curves.val_accuracy)) - curves.val_accuracy[0]
    return gained > 0.3 and val_gained < 0.1 * gained and median(curves.val_accuracy) < 0.6


def _remedies(context: Context, suffers: bool) -> tuple[Change, ...]:
    softer = softened(context, "soft labels keep the model from growing too sure")
    firm = regularized(context)
    return (*firm, *softer) if suffers else (*softer, *firm)


SYMPTOM = Symptom(
    "overfit", "The validation loss left its minimum while the training loss went on falling.", find, yields_to=BROKEN
)
