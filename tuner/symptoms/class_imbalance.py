"""Are the classes so uneven that accuracy hides what becomes of the rare ones?

Curves do not show it: a model that never finds the rare class has a good loss and a good accuracy. So this is a note,
said wherever the counts are told, with the accuracy that the most frequent answer would have.

Source: SageMaker Debugger's ClassImbalance (10 : 1).
"""

from tuner.records import Change, LearningCurves, Outcome, Verdict
from tuner.symptoms.context import Context
from tuner.symptoms.shape import median, tail
from tuner.symptoms.symptom import BROKEN, Symptom

RATIO = 10.0  # examples of the most frequent class for one of the rarest
MOST_CLASSES = 10  # of many classes some are always rare
LEAST_EPOCHS = 5


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """PASS, as a note, where the most frequent class is ten times as frequent as the rarest."""
    counts = [float(count) for count in context.class_frequencies or () if count > 0]
    if not 2 <= len(counts) <= MOST_CLASSES or max(counts) < RATIO * min(counts) or curves.epochs < LEAST_EPOCHS:
        return None
    most = max(counts) / sum(counts)
    reached = curves.val_accuracy or curves.accuracy
    accuracy = median(tail(reached)) if reached else None
    beside = f", and accuracy is {accuracy:.3f}" if accuracy is not None else ""
    return Verdict(
        "class_imbalance",
        Outcome.PASS,
        f"The most frequent class is {max(counts) / min(counts):.0f} times as frequent as the rarest: to answer always "
        f"with it has an accuracy of {most:.3f}{beside}. Curves do not show what becomes of the rare classes.",
        {"ratio": max(counts) / min(counts), "most_frequent": most, "accuracy": accuracy},
        (Change("data.class_weight", "balanced", "each class then counts the same, however rare it is"),),
        onset=1,
        confidence=0.6,
        check="the recall of each class, on validation",
        source="SageMaker Debugger, 10 : 1",
    )


SYMPTOM = Symptom(
    "class_imbalance",
    "The classes are so uneven that accuracy hides the rare ones.",
    find,
    yields_to=BROKEN,
    note=True,
)
