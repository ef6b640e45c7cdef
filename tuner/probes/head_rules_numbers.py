"""Do the last activation, the loss and the targets belong together? The rules for numbers, and for the rarer losses.

The same form as `head_rules.py`. A bounded head is right for targets within its bounds and quiet there.

Source: Keras 3.15.1, `keras.losses`; DeepDiagnosis (head range against label range).
"""

from tuner.probes.head_facts import Output
from tuner.probes.head_rules import (
    CLASSES,
    FIRM,
    LIKELY,
    PROBABILITIES,
    WEAK,
    Fault,
    head_is,
    loss_is,
    mismatch,
    units_are,
)
from tuner.records import Change

FEW = 0.01  # share of targets outside a head's range that is rounding or an outlier
POSITIVE = ("relu", "relu6", "softplus", "exponential")


def out_of_reach(out: Output) -> Fault | None:
    """Numbers that the last activation can never give."""
    end, t = out.ending, out.targets
    if t is None or out.loss.family not in ("regression", "poisson") or t.kind in ("other", "constant", "one_hot"):
        return None
    bounds = {"sigmoid": (0, 1), "hard_sigmoid": (0, 1), "softmax": (0, 1), "tanh": (-1, 1), "softsign": (-1, 1)}
    shares = {(0, 1): t.outside_unit, (-1, 1): t.outside_signs}
    if end.activation in bounds and shares[bounds[end.activation]] > FEW:
        low, high = bounds[end.activation]
        share = shares[bounds[end.activation]]
        said = f"{end.activation} gives {low} to {high}, and {share:.0%} of the targets lie outside."
        return mismatch(said, FIRM, head_is("linear", f"the targets run from {t.low:.3g} to {t.high:.3g}"))
    if end.activation in POSITIVE and t.below_zero > FEW:
        said = f"{end.activation} gives nothing below zero, and {t.below_zero:.0%} of the targets lie there."
        return mismatch(said, FIRM, head_is("linear", f"the targets run from {t.low:.3g} to {t.high:.3g}"))
    sums = t.kind not in ("distribution", "multi_label") and end.units > 1 and out.loss.family == "regression"
    if end.activation == "softmax" and sums and t.kind == "numbers":
        said = "A softmax gives shares that sum to one, and the targets are numbers that do not."
        return mismatch(said, FIRM, head_is("linear", "the targets are numbers"))
    return None


def columns(out: Output) -> Fault | None:
    """One output held against several targets, or the other way round: broadcasting makes an error look like a loss."""
    end, t = out.ending, out.targets
    if t is None or out.loss.family != "regression" or t.kind not in ("numbers", "multi_label") or end.rank != 2:
        return None
    size = 1 if t.column else t.shape[-1]
    if len(t.shape) <= 1 and size != end.units and 1 in (size, end.units):
        said = f"The model has {end.units} outputs, and the targets have {size} columns: each is held against each."
        return mismatch(said, FIRM, units_are(size, "one output for each number"))
    return None


def distance_of_classes(out: Output) -> Fault | None:
    """A distance where classes are meant."""
    end, t = out.ending, out.targets
    if t is None or out.loss.family != "regression" or t.kind not in CLASSES or out.copies_input or end.rank != 2:
        return None
    counted = any(name in ("accuracy", "acc", "categorical_accuracy") for name in out.metrics)
    if t.kind == "one_hot" and end.units == t.shape[-1]:
        said = f"{out.loss.name} on one-hot rows: its gradient vanishes where the model is most wrong."
        swap = () if end.activation == "softmax" else (head_is("softmax", "the classes exclude each other"),)
        sure = 0.7 if end.activation in PROBABILITIES else LIKELY
        return mismatch(said, sure, loss_is("categorical_crossentropy", "the targets are classes"), *swap)
    if t.kind == "binary" and end.units == 1 and end.activation in ("sigmoid", "hard_sigmoid", "linear"):
        said = f"{out.loss.name} on two classes works; binary_crossentropy learns faster from what is most wrong."
        swap = () if end.activation == "sigmoid" else (head_is("sigmoid", "two classes"),)
        return mismatch(said, WEAK, loss_is("binary_crossentropy", "two classes"), *swap, note=True)
    if t.kind == "binary" and end.units == 1 and counted and end.activation in ("relu", "tanh"):
        said = f"{end.activation} and {out.loss.name} on two classes: the answers are no probabilities."
        return mismatch(said, 0.7, head_is("sigmoid", "two classes"), loss_is("binary_crossentropy", "two classes"))
    if t.kind == "classes" and end.units == 1 and counted and t.classes > 2:
        said = f"{t.classes} classes are learned as one number, as if class 2 lay between 1 and 3."
        return mismatch(
            said,
            0.7,
            loss_is("sparse_categorical_crossentropy", "the targets are classes"),
            units_are(t.classes, "one output for each class"),
            head_is("softmax", "the classes exclude each other"),
        )
    return None


def margins(out: Output) -> Fault | None:
    """Hinge losses want scores on both sides of zero."""
    end, t = out.ending, out.targets
    if out.loss.family != "hinge":
        return None
    if t is not None and t.kind in ("classes", "numbers") and t.column:
        said = f"{out.loss.name} knows two classes, -1 and 1, and the targets run from {t.low:g} to {t.high:g}."
        if t.kind == "numbers":
            return mismatch(said, FIRM, loss_is("mean_squared_error", "the targets are numbers"))
        return mismatch(said, FIRM, loss_is("sparse_categorical_crossentropy", "classes"), units_are(t.classes, "all"))
    if end.activation in (*PROBABILITIES, *POSITIVE):
        said = f"{out.loss.name} wants scores on both sides of zero, and {end.activation} gives none below."
        return mismatch(said, LIKELY, head_is("tanh", "the labels are -1 and 1"))
    return None


def counts(out: Output) -> Fault | None:
    """Poisson and divergence take logarithms of the outputs."""
    end, t = out.ending, out.targets
    if out.loss.family == "poisson" and end.activation in ("linear", "tanh") and end.certain:
        said = f"poisson takes the logarithm of the outputs, and {end.activation} gives negative ones."
        return mismatch(said, 0.9, head_is("softplus", "a mean of counts is positive"))
    if out.loss.family == "divergence" and end.activation in ("linear", "relu", "tanh") and end.certain:
        said = f"{out.loss.name} compares distributions, and {end.activation} gives none."
        return mismatch(said, LIKELY, head_is("softmax", "the outputs have to sum to one"))
    if out.loss.name == "mean_squared_logarithmic_error" and t is not None and t.below_zero > FEW:
        said = "mean_squared_logarithmic_error cuts off targets below zero."
        return mismatch(said, FIRM, loss_is("mean_squared_error", "there are targets below zero"))
    return None


def shape(out: Output) -> Fault | None:
    """Outputs with more axes than the targets: a Flatten or a pooling is missing."""
    end, t = out.ending, out.targets
    if t is None or end.rank < 3 or not out.loss.family or t.kind == "other" or len(t.shape) > 1:
        return None
    if out.loss.family == "sparse" and end.rank == 3 and len(t.shape) == 1 and t.shape != (1,):
        return None  # a sequence of classes
    if end.rank == 3 and len(t.shape) == 1 and t.shape != (1,) and end.units == 1:
        return None  # a sequence of numbers
    said = f"The outputs have {end.rank} axes, and the targets have {len(t.shape) + 1}."
    flat = Change("layers.add_flatten", True, "the last layer sees each place by itself")
    return Fault(
        "layer_order", f"{said} A Flatten or a global pooling is missing before the last layer.", (flat,), FIRM
    )


def accuracy_of_numbers(out: Output) -> Fault | None:
    """Accuracy counts equal numbers, of which there are none."""
    t = out.targets
    counted = [name for name in out.metrics if name in ("accuracy", "acc")]
    if t is None or not counted or t.kind != "numbers" or out.loss.family != "regression":
        return None
    said = "Accuracy counts answers that equal the target to the last digit: it says nothing about numbers."
    return mismatch(said, FIRM, Change("metrics", "mean_absolute_error", "an error has a size"), note=True)
