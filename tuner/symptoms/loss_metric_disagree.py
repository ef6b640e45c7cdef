"""Do loss and accuracy tell two stories about the same training data?

A loss that falls while the accuracy on the same examples stays where it was is measured against other labels than the
accuracy, or the metric does not fit the task (accuracy of a regression, class numbers against one-hot labels).

Source: TheDeepChecker (correlation of loss and metric below 0.5); UMLAUT.
"""

from tuner.records import LearningCurves, Outcome, Verdict
from tuner.symptoms.context import Context
from tuner.symptoms.remedies import look_at_labels
from tuner.symptoms.shape import agreement, median
from tuner.symptoms.symptom import BROKEN, Symptom

LEAST_EPOCHS = 6
FELL = 0.3  # of the first loss
TOGETHER = 0.5  # rank correlation of loss and error rate that is expected at least
ROOM = 0.95  # an accuracy above it has nowhere to go
MOVED = 0.02  # accuracy gained that counts as movement


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """WARN where the training loss falls well and the training accuracy does not follow."""
    losses, accuracies = curves.loss, curves.accuracy
    if min(len(losses), len(accuracies)) < LEAST_EPOCHS or losses[0] == 0:
        return None
    fell = (losses[0] - median(losses[-3:])) / abs(losses[0])  # a wrong sign lets it fall below zero
    gained = median(accuracies[-3:]) - accuracies[0]
    together = agreement(losses, [1 - value for value in accuracies])
    if fell < FELL or gained > MOVED or together >= TOGETHER or median(accuracies[-3:]) > ROOM:
        return None
    return Verdict(
        "loss_metric_disagree",
        Outcome.WARN,
        f"The training loss fell by {fell:.0%} while the training accuracy went from {accuracies[0]:.3g} to "
        f"{median(accuracies[-3:]):.3g}: loss and accuracy do not measure the same thing.",
        {"loss_fell": fell, "accuracy_gained": gained, "rank_correlation": together},
        (look_at_labels("loss and accuracy seem to be given different ones"),),
        onset=1,
        confidence=0.7,
        check="accuracy by hand on one batch; class numbers want sparse losses, a regression has no accuracy",
        source="TheDeepChecker, correlation of loss and metric; UMLAUT",
    )


SYMPTOM = Symptom(
    "loss_metric_disagree", "The training loss falls and the training accuracy does not follow.", find, yields_to=BROKEN
)
