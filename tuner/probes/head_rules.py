"""Do the last activation, the loss and the targets belong together? The rules for classes, one function each.

Each rule is a function of one output to a `Fault` or None; the first that speaks counts. A rule keeps quiet where any
of the three is somebody's own code. `head_rules_numbers.py` holds the rules for targets that are numbers.

Source: Keras 3.15.1, `keras.losses` (what each takes); AUTOTRAINER, NeuraLint, UMLAUT (which combinations are faults);
Humbatova et al. 2020, Taxonomy of real faults in deep learning systems ("wrong loss", "missing softmax").
"""

from dataclasses import dataclass

from tuner.probes.head_facts import Output
from tuner.records import Change

CROSS_ENTROPIES = ("categorical", "sparse", "binary")
PROBABILITIES = ("softmax", "sigmoid", "hard_sigmoid")
CLASSES = ("one_hot", "classes", "binary")
FIRM, LIKELY, WEAK = 0.95, 0.8, 0.6  # confidence: cannot work; works badly; often works all the same
MORE_THAN_ONE = 1.5  # ones a row, on average, from which rows are several labels at once and not noise in one-hot rows


@dataclass(frozen=True)
class Fault:
    """What does not fit, and the concrete swap."""

    name: str  # head_loss_mismatch | double_softmax | layer_order
    sentence: str
    changes: tuple[Change, ...]
    confidence: float
    note: bool = False  # no alarm


def mismatch(sentence: str, confidence: float, *changes: Change, note: bool = False) -> Fault:
    """A fault of head, loss and targets."""
    return Fault("head_loss_mismatch", sentence, changes, confidence, note)


def loss_is(name: str, because: str) -> Change:
    """Another loss, as Keras spells it."""
    return Change("loss.name", name, because)


def head_is(activation: str, because: str) -> Change:
    """Another activation of the last layer."""
    return Change("head.activation", activation, because)


def units_are(units: int, because: str) -> Change:
    """Another number of outputs."""
    return Change("head.units", units, because)


def logits(value: bool, because: str) -> Change:
    """What the loss takes the outputs for."""
    return Change("loss.from_logits", value, because)


def single_softmax(out: Output) -> Fault | None:
    """A softmax over one unit is 1 for every input."""
    end, t = out.ending, out.targets
    if end.units != 1 or end.activation != "softmax" or end.softmax_axis != -1:
        return None
    said = "The last layer is a softmax over one unit: its answer is 1 whatever the input, and nothing can be learned."
    if t is not None and t.kind == "classes" and t.classes > 2:
        why = f"there are {t.classes} classes"
        swap = (units_are(t.classes, why), loss_is("sparse_categorical_crossentropy", "the targets are integers"))
    elif t is not None and t.kind == "numbers":
        swap = (head_is("linear", "the targets are numbers"), loss_is("mean_squared_error", "the targets are numbers"))
    else:
        why = "one unit for two classes is a sigmoid's work"
        fits = out.loss.family in ("binary", "regression", "")
        swap = (head_is("sigmoid", why), *(() if fits else (loss_is("binary_crossentropy", why),)))
    return mismatch(said, FIRM, *swap)


def single_unit_cross_entropy(out: Output) -> Fault | None:
    """Cross-entropy over one class is 0, or not a number."""
    if out.loss.family not in ("categorical", "sparse") or out.ending.units != 1:
        return None
    t = out.targets
    said = f"{out.loss.name} compares several classes, and the model has one output: the loss says nothing."
    if t is not None and t.kind in ("one_hot", "classes") and t.classes > 2:
        return mismatch(said, FIRM, units_are(t.classes, "one output for each class"), head_is("softmax", "classes"))
    if t is not None and t.kind == "numbers":
        return mismatch(said, FIRM, loss_is("mean_squared_error", "numbers"), head_is("linear", "numbers"))
    why = "one unit for two classes"
    swap = () if out.ending.activation == "sigmoid" else (head_is("sigmoid", why),)
    return mismatch(said, FIRM, loss_is("binary_crossentropy", why), *swap)


def form_of_labels(out: Output) -> Fault | None:
    """Integers where one-hot rows are wanted, and the other way round."""
    t, end, family = out.targets, out.ending, out.loss.family
    if t is None or end.units < 2:
        return None
    depth = len(t.shape) + 1  # axes of the targets
    whole = t.kind in ("classes", "binary") and (depth < end.rank or t.shape[-1:] == (1,))
    if family == "categorical" and whole:
        said = "categorical_crossentropy wants one-hot rows, and the targets are integers."
        return mismatch(said, FIRM, loss_is("sparse_categorical_crossentropy", "the targets are integers"))
    if family == "sparse" and t.kind in ("one_hot", "distribution") and depth == end.rank and t.shape[-1] == end.units:
        said = "sparse_categorical_crossentropy wants integers, and the targets are one-hot rows."
        return mismatch(said, FIRM, loss_is("categorical_crossentropy", "the targets are one-hot rows"))
    if family in ("binary", "regression") and whole and t.column and end.rank == 2:
        said = f"{out.loss.name} holds one column of targets against {end.units} outputs: every output learns the same."
        if t.classes > end.units or (end.activation not in PROBABILITIES and t.kind != "binary"):
            return mismatch(said, LIKELY, units_are(1, "one number a row"))
        swap = () if end.activation == "softmax" else (head_is("softmax", "the classes exclude each other"),)
        return mismatch(said, FIRM, loss_is("sparse_categorical_crossentropy", "the targets are classes"), *swap)
    return None


def number_of_classes(out: Output) -> Fault | None:
    """Labels that have no output."""
    t, end, family = out.targets, out.ending, out.loss.family
    if t is None or out.loss.ignored is not None or end.units < 1:
        return None
    if family == "sparse" and t.kind in ("classes", "binary") and t.classes > end.units:
        start = " (they seem to start at 1)" if t.low == 1 and t.high == end.units else ""
        said = f"The labels go up to {int(t.high)}{start}, and the model has {end.units} outputs, 0 to {end.units - 1}."
        return mismatch(said, FIRM, units_are(t.classes, "every label needs an output"))
    if family == "sparse" and t.below_zero > 0 and t.kind in ("numbers", "signs") and t.distinct <= end.units + 1:
        said = f"The labels start at {t.low:g}: classes are counted from 0."
        return mismatch(said, FIRM, Change("data.labels", "look", "labels have to be 0 to C - 1"))
    if t.kind == "one_hot" and t.shape[-1] != end.units and len(t.shape) + 1 == end.rank and family:
        said = f"The targets have {t.shape[-1]} columns, one for each class, and the model has {end.units} outputs."
        return mismatch(said, FIRM, units_are(t.shape[-1], "one output for each class"))
    return None


def numbers_as_classes(out: Output) -> Fault | None:
    """Numbers held against probabilities."""
    t, end, family = out.targets, out.ending, out.loss.family
    if t is None or family not in CROSS_ENTROPIES or out.loss.ignored is not None:
        return None
    if family == "binary" and t.kind == "classes" and end.units == 1 and t.column:
        said = f"binary_crossentropy knows two classes, 0 and 1, and the labels go up to {int(t.high)}."
        return mismatch(
            said,
            FIRM,
            loss_is("sparse_categorical_crossentropy", f"there are {t.classes} classes"),
            units_are(t.classes, "one output for each class"),
            head_is("softmax", "the classes exclude each other"),
        )
    if family == "binary" and t.kind == "signs":
        said = "binary_crossentropy wants 0 and 1, and the labels are -1 and 1."
        return mismatch(said, FIRM, Change("data.labels", "look", "(y + 1) / 2 turns -1 and 1 into 0 and 1"))
    wild = t.kind == "numbers" and (t.outside_unit > 0.001 or family != "binary")
    if wild and (family == "binary" or t.distinct > 2):
        said = f"{out.loss.name} is for classes, and the targets are numbers from {t.low:.3g} to {t.high:.3g}."
        swap = () if end.activation == "linear" else (head_is("linear", "numbers have no bounds"),)
        size = 1 if t.column else t.shape[-1]
        wide = () if end.units == size else (units_are(size, "one output for each number"),)
        return mismatch(said, FIRM, loss_is("mean_squared_error", "the targets are numbers"), *swap, *wide)
    return None


def scores_or_probabilities(out: Output) -> Fault | None:
    """`from_logits` says the opposite of what the last layer does."""
    end, loss = out.ending, out.loss
    if loss.family not in CROSS_ENTROPIES:
        return None
    probable = end.activation in PROBABILITIES or (out.sums_to_one and end.activation == "custom")
    if loss.from_logits and probable:
        word = "softmax" if out.sums_to_one or end.activation == "softmax" else "sigmoid"
        said = f"The model ends in a {word}, and the loss (from_logits=True) applies one more."
        # TensorFlow's backend looks through a softmax of Keras's own to the scores before it: there it does no harm
        harmless = out.backend == "tensorflow" and end.activation in ("softmax", "sigmoid") and end.certain
        return mismatch(said, WEAK + 0.1 if harmless else LIKELY, logits(False, f"the {word} is in the model"))
    if not loss.from_logits and end.activation == "linear" and not out.sums_to_one and end.certain:
        said = f"The model ends in plain scores, and {loss.name} takes their logarithm as if they were probabilities."
        return mismatch(said, FIRM, logits(True, "the last layer has no activation"))
    return None


def wrong_probabilities(out: Output) -> Fault | None:
    """An activation that does not make probabilities, or not these."""
    end, loss, t = out.ending, out.loss, out.targets
    if loss.family not in CROSS_ENTROPIES or end.activation in ("linear", "custom"):
        return None
    several = t is not None and t.kind == "multi_label" and t.mean * t.shape[-1] > MORE_THAN_ONE
    if loss.family == "categorical" and several and not out.copies_input:
        said = "The rows of targets hold several labels at once, and categorical_crossentropy allows one."
        return mismatch(said, LIKELY, loss_is("binary_crossentropy", "several labels"), head_is("sigmoid", "the same"))
    if loss.family == "binary" and end.activation == "softmax" and several and not out.copies_input:
        said = "The rows of targets hold several labels at once, and the softmax lets one win."
        return mismatch(said, LIKELY, head_is("sigmoid", "several labels may hold"))
    wanted = "sigmoid" if loss.family == "binary" else "softmax"
    if end.activation not in PROBABILITIES:
        wanted = "linear" if loss.from_logits else wanted
        said = (
            f"The model ends in {end.activation}, which gives no {'scores' if loss.from_logits else 'probabilities'}."
        )
        return mismatch(said, 0.9, head_is(wanted, f"{loss.name} needs it"))
    if wanted == "softmax" and end.activation != "softmax" and not loss.from_logits and not out.sums_to_one:
        said = f"The model ends in {end.activation}, and {loss.name} wants probabilities that sum to one."
        return mismatch(said, LIKELY, head_is("softmax", "the classes exclude each other"))
    return None


def wrong_axis(out: Output) -> Fault | None:
    """A softmax along another axis than that of the classes."""
    end = out.ending
    if end.activation != "softmax" or end.softmax_axis == -1 or out.loss.family not in ("categorical", "sparse"):
        return None
    if out.loss.axis == end.softmax_axis or out.sums_to_one:
        return None
    said = f"The softmax runs along axis {end.softmax_axis}, and the classes lie along the last."
    return mismatch(said, 0.9, Change("head.axis", -1, "the loss compares along the last axis"))


def stacked(out: Output) -> Fault | None:
    """Two activations, one on top of the other, at the end."""
    kinds = out.ending.activations
    if len(kinds) < 2 or "custom" in kinds or kinds[-1] == "exponential":
        squashed = out.ending.before == "softmax" and out.ending.activation == "softmax"
        said = "Two layers with a softmax follow each other: the second sees numbers between 0 and 1 only."
        return Fault("double_softmax", said, (head_is_before(out),), LIKELY) if squashed else None
    first, last = kinds[-2], kinds[-1]
    if first in PROBABILITIES and last in PROBABILITIES:
        said = f"A {last} is applied to the outcome of a {first}: the answers can hardly leave the middle."
        return Fault("double_softmax", said, (_linear(out),), 0.9)
    said = f"The last layer's {first} stands before the {last}: it cuts off what the {last} needs."
    return mismatch(said, LIKELY, _linear(out)) if last in PROBABILITIES or first in PROBABILITIES else None


def _linear(out: Output) -> Change:
    return Change(f"layers.{out.ending.places[-2]}.activation", "linear", "one activation is enough")


def head_is_before(out: Output) -> Change:
    """The hidden softmax made a ReLU."""
    return Change(
        f"layers.{out.ending.before_layer}.activation", "relu", "a hidden layer is not a choice between classes"
    )
