"""Is the model much better on what it has seen, without validation getting worse yet?

A note: the best model of a hard task often has a wide gap, and as long as validation holds it costs nothing.

Source: AUTOTRAINER (a gap of 0.1 in accuracy, 0.07 above 0.9); DEFault (0.1); the lecture's step 5. The noise of the
validation set is added, because ten images are a gap of 0.1 by luck.
"""

from tuner.records import Change, LearningCurves, Outcome, Verdict
from tuner.symptoms.context import Context
from tuner.symptoms.costs import cheapest_first
from tuner.symptoms.remedies import more_data, regularized, softened
from tuner.symptoms.shape import median
from tuner.symptoms.symptom import BROKEN, Symptom
from tuner.symptoms.yardsticks import accuracy_noise

GAP, GAP_WHEN_GOOD, GOOD = 0.10, 0.07, 0.9  # of accuracy; the narrower one above a training accuracy of 0.9
SHORT, SHORT_GAP = 5, 0.20  # with fewer epochs only a gap this wide is believed
LUCK = 3.0  # standard errors of the validation accuracy
LOSS_EPOCHS = 12  # a gap of losses alone is judged from here
LOSS_RATIO, LOSS_APART = (
    1.5,
    0.3,
)  # validation above training by this factor (a loss below zero has none), and by this share of its first value


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """PASS, as a note, where training accuracy is far above validation accuracy; else by the losses."""
    if curves.accuracy and curves.val_accuracy:
        return _of_accuracies(curves, context)
    return _of_losses(curves, context)


def _of_accuracies(curves: LearningCurves, context: Context) -> Verdict | None:
    pairs = list(zip(curves.accuracy, curves.val_accuracy, strict=False))
    gaps = [train - validation for train, validation in pairs]
    if len(gaps) < 2:
        return None
    gap, accuracy = median(gaps[-3:]), median(curves.accuracy[-3:])
    limit = GAP_WHEN_GOOD if accuracy > GOOD else GAP
    limit = max(limit, SHORT_GAP) if len(gaps) < SHORT else limit
    limit += LUCK * accuracy_noise(curves.val_accuracy, context.val_examples)
    if gap <= limit or min(gaps[-2:]) <= limit / 2:
        return None
    onset = next(i for i in range(len(gaps)) if min(gaps[i:]) > limit / 2) + 1
    return _verdict(
        context,
        f"Training accuracy is {gap:.3f} above validation accuracy ({accuracy:.3f} against {accuracy - gap:.3f}).",
        {
            "gap": gap,
            "limit": limit,
            "accuracy": accuracy,
            "widens": median(gaps[-3:]) - median(gaps[: max(2, len(gaps) // 2)]),
        },
        onset,
        min(0.9, 0.5 + gap - limit),
    )


def _of_losses(curves: LearningCurves, context: Context) -> Verdict | None:
    if min(len(curves.loss), len(curves.val_loss)) < LOSS_EPOCHS:
        return None
    training, validation = median(curves.loss[-3:]), median(curves.val_loss[-3:])
    apart = validation - training
    if training < 0 or validation <= LOSS_RATIO * training or apart <= LOSS_APART * abs(curves.val_loss[0]):
        return None
    return _verdict(
        context,
        f"Validation stopped at a loss of {validation:.4g} while training reached {training:.4g}.",
        {"apart": apart, "train_loss": training, "val_loss": validation, "first_val_loss": curves.val_loss[0]},
        None,
        0.6,
    )


def _verdict(
    context: Context, sentence: str, evidence: dict[str, float], onset: int | None, confidence: float
) -> Verdict:
    return Verdict(
        "gap",
        Outcome.PASS,
        sentence,
        evidence,
        _remedies(context),
        onset=onset,
        confidence=confidence,
        check="evaluate training images in inference mode: no better than validation means batch norm, not the data",
        source="AUTOTRAINER 0.1 and 0.07, plus 3 standard errors; the lecture's step 5",
    )


def _remedies(context: Context) -> tuple[Change, ...]:
    softer = softened(context, "soft labels keep the model from growing too sure")
    held = cheapest_first([*regularized(context), *softer])
    return (*held, more_data(context, "what holds for more examples cannot be learned by heart"))


SYMPTOM = Symptom(
    "gap",
    "Training accuracy is far above validation accuracy.",
    find,
    yields_to=(*BROKEN, "lr_too_high", "overfit", "shuffled_labels"),
)
