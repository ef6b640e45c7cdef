"""Does the model answer worse in training than in use, and nothing that is told makes training harder?

Validation below the mean of an epoch is usual, because the model learned meanwhile; so validation before an epoch is
held against training in it. Dropout, distortion and smoothed or mixed labels explain a gap that remains. Where there
are none, it is batch normalization over few images, whose statistics change from batch to batch.

Source: Ioffe and Szegedy 2015; Wu and He 2018 (batch normalization over two images).
"""

from itertools import pairwise

from tuner.records import Change, LearningCurves, Outcome, Verdict
from tuner.symptoms.context import Context
from tuner.symptoms.shape import median
from tuner.symptoms.symptom import BROKEN, Symptom
from tuner.symptoms.yardsticks import accuracy_noise

LEAST_EPOCHS = 10
BELOW = 0.75  # of the training loss of an epoch: validation before it lies lower, in the middle of the second half
ABOVE = 0.05  # of accuracy, the same
LUCK = 3.0  # standard errors of the validation accuracy


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """WARN where validation is far better than training, and what would explain it is told not to be there."""
    explained = context.dropout != 0 or context.label_smoothing or context.augmented or context.labels_mixed
    lengths = map(len, (curves.loss, curves.val_loss, curves.accuracy, curves.val_accuracy))
    if explained or min(lengths) < LEAST_EPOCHS:
        return None
    half = curves.epochs // 2
    ratio = median([before / now for now, before in _pairs(curves.loss, curves.val_loss)[half:] if now > 0] or [1.0])
    apart = median([before - now for now, before in _pairs(curves.accuracy, curves.val_accuracy)[half:]])
    if ratio > BELOW or apart < max(ABOVE, LUCK * accuracy_noise(curves.val_accuracy, context.val_examples)):
        return None
    return Verdict(
        "train_eval_mismatch",
        Outcome.WARN,
        f"Validation before an epoch has {ratio:.2f} of the loss of training in it and an accuracy {apart:.2f} "
        "higher, without dropout: in training the model answers worse than in use.",
        {"ratio": ratio, "apart": apart},
        (
            Change("data.batch_size", 32, "batch normalization over a few images normalizes by chance"),
            Change("model.normalization", "group", "its statistics need no other images"),
        ),
        onset=half + 1,
        confidence=0.7,
        check="evaluate the training images in inference mode: far better than in training, it is the normalization",
        source="Ioffe and Szegedy 2015; Wu and He 2018",
    )


def _pairs(training: tuple[float, ...], validation: tuple[float, ...]) -> list[tuple[float, float]]:
    """Training in each epoch from the second on, with validation before it."""
    return [(now, before) for (_, now), before in zip(pairwise(training), validation, strict=False)]


SYMPTOM = Symptom(
    "train_eval_mismatch",
    "Training is far worse than validation, and no dropout or distortion explains it.",
    find,
    yields_to=(*BROKEN, "lr_too_high", "val_suspiciously_good", "reg_overwhelming"),
)
