"""Is all well? Said only where nothing else was found.

Source: the lecture's step 5, "healthy: go on".
"""

from tuner.records import LearningCurves, Outcome, Verdict
from tuner.symptoms.context import Context
from tuner.symptoms.shape import cost, lowest, median, tail, val_cost
from tuner.symptoms.symptom import Symptom
from tuner.symptoms.yardsticks import chance

LOW = 0.5  # of accuracy: below it some tasks are done well, and most are not


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """PASS, with the figures at the end of the run."""
    validation, training = val_cost(curves), cost(curves)
    figures = {"epochs": curves.epochs, "train_loss": median(tail(training)) if training else None}
    sentence = f"Healthy over {curves.epochs} epochs: training settled or still falling, validation with it."
    if validation:
        figures |= {"val_loss": median(tail(validation)), "best_epoch": lowest(validation) + 1}
    else:
        sentence = f"Healthy over {curves.epochs} epochs as far as training shows; there is no validation curve."
    unjudged = _unjudged(curves, context)
    if unjudged is not None:
        sentence += (
            f" Whether an accuracy of {unjudged:.2f} is good is another matter: the number of classes would tell."
        )
    return Verdict(
        "healthy",
        Outcome.PASS,
        sentence,
        figures,
        confidence=0.9 if validation and unjudged is None else 0.5,
        source="none of the other symptoms",
    )


def _unjudged(curves: LearningCurves, context: Context) -> float | None:
    """A low accuracy where nothing tells what guessing would give; None elsewhere."""
    values = curves.val_accuracy or curves.accuracy
    if not values or chance(curves, context) or context.target is not None or median(tail(values)) >= LOW:
        return None
    return median(tail(values))


SYMPTOM = Symptom("healthy", "None of the other symptoms.", find)
