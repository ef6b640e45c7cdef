"""Do the class weights of a program lift the rare classes, or press them down?

Weights that grow with the number of examples, instead of falling, are a common slip: the shares were given in place of
their inverses. What is balanced already needs no advice to balance it.

Source: scikit-learn's `compute_class_weight("balanced")`: N / (C * N_c).
"""

from collections.abc import Sequence

from tuner.diagnosis.training import Training, weights_of
from tuner.records import Change, Outcome, Verdict

UNEVEN = 1.5  # times: classes that differ by less may weigh as they like
HEAVIER = 1.2  # times the weight of the rarest class that the most frequent one has
NAME = "class_imbalance"


def weighed(found: Sequence[Verdict], training: Training) -> tuple[Verdict, ...]:
    """The verdicts in the light of `class_weight`: one more, first, where it is upside down; none of what it mends."""
    classes = weights_of(training)
    if not classes:
        return tuple(found)
    frequent, rare = max(classes, key=lambda one: one[1]), min(classes, key=lambda one: one[1])
    if frequent[1] < UNEVEN * rare[1]:
        return tuple(found)
    others = [verdict for verdict in found if verdict.name != NAME]
    if frequent[0] > HEAVIER * rare[0]:
        return (_upside_down(frequent, rare), *(verdict for verdict in others if verdict.name != "healthy"))
    lifted = rare[0] > HEAVIER * frequent[0]
    return tuple(v for v in found if not (lifted and v.name == NAME and v.outcome is Outcome.PASS)) or tuple(found)


def _upside_down(frequent: tuple[float, int], rare: tuple[float, int]) -> Verdict:
    times = f"{frequent[0] / rare[0]:.3g} times the weight" if rare[0] > 0 else "a weight and the rarest none"
    return Verdict(
        NAME,
        Outcome.WARN,
        f"class_weight is upside down: the most frequent class ({frequent[1]:,} examples) has {times} of the rarest "
        f"({rare[1]:,} examples).",
        {"frequent_weight": frequent[0], "rare_weight": rare[0], "frequent": frequent[1], "rare": rare[1]},
        (Change("data.class_weight", "balanced", "a rare class has to weigh as much as a frequent one"),),
        onset=1,
        confidence=0.9,
        check="recall of each class instead of accuracy",
        source="scikit-learn, compute_class_weight",
    )
