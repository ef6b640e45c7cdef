"""The words that this page cannot do without, in two lines each; only those that it uses."""

from collections.abc import Iterator

from tuner.inspection import Inspection
from tuner.report.blocks import Block, Terms

LOSS = (
    "Loss",
    "How wrong the model is on average, as one number; training makes it small. Cross-entropy of C classes is ln C for"
    " a guess: 0.69 for two, 2.30 for ten.",
)
SETS = (
    "Training and validation",
    "Examples to learn from, and examples that were kept aside. Only the second tell how well the model will do on new"
    " ones.",
)
EPOCH = ("Epoch", "One pass over all training examples, batch by batch. One batch is one step.")
RATE = (
    "Learning rate",
    "How far each step moves the weights. Ten times too high and training diverges, ten times too low and it crawls.",
)
CONFIDENCE = (
    "Confidence",
    "How often a finding of this kind is right, estimated. Below one half it is a hint; the check beside it tells for"
    " certain.",
)
GRADIENT = (
    "Gradient",
    "In which direction, and how strongly, each weight should change to make the loss smaller. It is passed back from"
    " the output to the input, layer by layer.",
)
RATIO = (
    "Update against weight",
    "How large one step is, compared with the weights that it changes. About one in a thousand is usual.",
)
ACTIVATION = (
    "Activation",
    "What a layer gives to the next one. A unit that always gives zero is dead; one that is always at the flat end of a"
    " sigmoid or tanh is saturated. Neither learns.",
)
NOISE = (
    "Noise",
    "How much a number would change with another random seed or other validation examples. A smaller gain may be"
    " chance.",
)


def part(inspection: Inspection) -> Iterator[Block]:
    """The terms that this inspection needs."""
    used = [LOSS, SETS, EPOCH, RATE] if inspection.curves.epochs else [LOSS, RATE]
    used += [CONFIDENCE] if any(verdict.confidence is not None for verdict in inspection.verdicts) else []
    used += [GRADIENT, RATIO, ACTIVATION] if inspection.layers else []
    used += [NOISE] if inspection.duels else []
    yield Terms(tuple(used))
