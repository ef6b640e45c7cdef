"""Is validation better than training can account for?

Dropout, augmentation and a penalty in the loss lift validation above training, and that is healthy (`val_below_train`).
Only a nearly perfect validation over a training that is far from it asks for a look at the split.

Source: UMLAUT (validation accuracy above 0.95 early, or 0.05 above training), narrowed until dropout passes.
"""

from tuner.records import Change, LearningCurves, Outcome, Verdict
from tuner.symptoms.context import Context
from tuner.symptoms.shape import median, tail
from tuner.symptoms.symptom import BROKEN, Symptom
from tuner.symptoms.yardsticks import accuracy_noise

LEAST_EPOCHS = 5
NEARLY_PERFECT = 0.99  # validation accuracy
FAR_BELOW = 0.15  # training accuracy below it by this much
ERRORS = 15.0  # the training error is at least so many times the validation error
LUCK = 4.0  # standard errors
STRONG_DROPOUT = 0.4  # with it, or with distorted images, nothing is suspected


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """WARN where validation accuracy is nearly perfect and training accuracy far from it."""
    if min(len(curves.accuracy), len(curves.val_accuracy)) < LEAST_EPOCHS:
        return None
    training, validation = median(tail(curves.accuracy)), median(tail(curves.val_accuracy))
    apart = validation - training
    error = LUCK * accuracy_noise(curves.val_accuracy, context.val_examples)
    explained = bool(context.augmented) or (context.dropout or 0.0) >= STRONG_DROPOUT
    if (
        explained
        or validation < NEARLY_PERFECT
        or apart < max(FAR_BELOW, error)
        or 1 - training < ERRORS * (1 - validation)
    ):
        return None
    return Verdict(
        "val_suspiciously_good",
        Outcome.WARN,
        f"Validation accuracy {validation:.3f} is nearly perfect while training is at {training:.3f}: "
        "too good to believe. Strong dropout or augmentation can do this; so can copies of training images.",
        {"accuracy": training, "val_accuracy": validation},
        (Change("data.split", "look", "the same examples in both sets make validation too good"),),
        confidence=0.4 if context.dropout is None else 0.7,
        check="look for the same images in both splits, by hash; evaluate the training images in inference mode",
        source="UMLAUT, narrowed by calibration",
    )


SYMPTOM = Symptom(
    "val_suspiciously_good", "Validation is nearly perfect over a training that is far from it.", find, yields_to=BROKEN
)
