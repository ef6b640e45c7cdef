"""Is validation better than training? Usually that is as it should be, and this says why.

Dropout, augmentation and penalties make training harder than validation; and the training figure is the mean over an
epoch during which the model still learned.

Source: CS231n; Keras's FAQ, "why is my training loss much higher than my testing loss?".
"""

from tuner.records import LearningCurves, Outcome, Verdict
from tuner.symptoms.context import Context
from tuner.symptoms.shape import median, tail
from tuner.symptoms.symptom import BROKEN, Symptom
from tuner.symptoms.yardsticks import accuracy_noise

LEAST_EPOCHS = 5
ABOVE = 0.02  # of accuracy
BELOW = 0.10  # of the training loss
LUCK = 3.0  # standard errors


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """PASS, as an explanation, where validation is better than training beyond noise."""
    if curves.accuracy and curves.val_accuracy:
        apart = median(tail(curves.val_accuracy)) - median(tail(curves.accuracy))
        limit = max(ABOVE, LUCK * accuracy_noise(curves.val_accuracy, context.val_examples))
        what = f"accuracy is {apart:.3f} above"
    elif curves.loss and curves.val_loss:
        apart = median(tail(curves.loss)) - median(tail(curves.val_loss))
        limit = BELOW * abs(median(tail(curves.loss)))
        what = f"loss is {apart:.4g} below"
    else:
        return None
    if curves.epochs < LEAST_EPOCHS or apart <= limit:
        return None
    return Verdict(
        "val_below_train",
        Outcome.PASS,
        f"Validation {what} that of training. Dropout, augmentation, a penalty in the loss or the mean over the epoch "
        "do that: no leak.",
        {"apart": apart, "limit": limit},
        confidence=0.8,
        check="evaluate the training images in inference mode: they should do at least as well as validation",
        source="Keras FAQ; CS231n",
    )


SYMPTOM = Symptom(
    "val_below_train",
    "Validation is better than training, as dropout and augmentation make it.",
    find,
    yields_to=(*BROKEN, "lr_too_high", "val_suspiciously_good", "train_eval_mismatch"),
    note=True,
)
