"""What does a verdict mean to somebody who never heard its name? A headline, a short name, and one or two sentences.

A name that is not in the table (a probe of somebody else's) is its own headline, and its sentence says the rest.

Source: the lecture; CS231n, neural-networks-3; A. Karpathy, "A recipe for training neural networks".
"""

from dataclasses import dataclass

from tuner.records import Outcome, Verdict
from tuner.report import words


@dataclass(frozen=True)
class Meaning:
    """A verdict in plain words: `short` fits beside a mark of a chart, `says` explains it, `note` is a calm title."""

    headline: str
    short: str
    says: str = ""
    note: str = ""  # headline where it is no alarm


MEANINGS: dict[str, Meaning] = {
    "healthy": Meaning(
        "Nothing is wrong with this training", "healthy", "No other symptom was found in what was looked at."
    ),
    "too_short_to_tell": Meaning(
        "Too short to tell", "too short", "A few points are no trend: whatever was said of them would be a guess."
    ),
    "nan_or_inf": Meaning(
        "Some values are no numbers any more",
        "not finite",
        "One division by zero or one overflow is enough: all that is computed from it is lost, and so is every "
        "weight that is updated by it. Nothing is learned from there on.",
    ),
    "diverging": Meaning(
        "The training diverges",
        "diverging",
        "The loss went down and then turned around: each step overshoots the valley by more than the one before.",
    ),
    "loss_increases_from_start": Meaning(
        "The training loss only rises",
        "rising loss",
        "Training walks uphill. Either the sign of the loss is wrong, or the very first steps are far too long.",
    ),
    "stuck_at_chance": Meaning(
        "The model does no better than guessing",
        "at chance",
        "Loss and accuracy are those of a model that gives every class its share and never looks at the input.",
    ),
    "init_loss_wrong": Meaning(
        "The loss is wrong before training begins",
        "wrong start",
        "An untrained model should know nothing, which has a price: ln C for C classes. A much higher loss means that"
        " it is sure of nonsense; a much lower one, that an answer leaks in.",
        note="The untrained model is a little too sure",
    ),
    "reg_not_applied": Meaning(
        "A penalty is set but has no effect", "no penalty", "Penalties on weights must make the loss larger; here not."
    ),
    "reg_overwhelming": Meaning(
        "The penalty outweighs the data",
        "strong penalty",
        "Most of the gradient asks for smaller weights, and little of it for better answers.",
    ),
    "cannot_overfit_tiny": Meaning(
        "The model cannot learn a handful of examples by heart",
        "cannot memorize",
        "What cannot learn twenty examples will not learn thousands. Something between input and loss is broken.",
        note="A handful of examples takes its time",
    ),
    "ignores_input": Meaning(
        "The model does not look at its input",
        "ignores input",
        "It does just as well when every input is replaced by zeros: the answer does not depend on what is shown.",
    ),
    "lr_too_high": Meaning(
        "The learning rate is too high",
        "rate too high",
        "Each step jumps over the valley that it should walk into, so the loss bounces or climbs.",
    ),
    "lr_too_low": Meaning(
        "The learning rate is too low",
        "rate too low",
        "The steps lead downhill, but they are so short that the training would take many times as long as it could.",
    ),
    "oscillating": Meaning(
        "Validation swings from epoch to epoch",
        "oscillating",
        "The swings are larger than the size of the validation set explains, so the last epoch is a matter of luck.",
    ),
    "loss_spikes": Meaning(
        "The training loss jumps up now and then",
        "spikes",
        "Single batches throw the weights out of the valley. Training comes back, but may not next time.",
    ),
    "plateau": Meaning(
        "The training has come to a halt",
        "plateau",
        "The loss is far from good and does not move. Often a smaller rate gets on, sometimes a larger model.",
    ),
    "plateau_then_drop": Meaning(
        "The loss fell suddenly after standing still",
        "sudden fall",
        "That is what a step of the learning rate does; the flat stretch before it is no fault.",
    ),
    "hockey_stick": Meaning(
        "The first epochs only learn the average",
        "hockey stick",
        "A first fall much steeper than the rest is the model learning the mean answer, which it could start with.",
    ),
    "underfit": Meaning(
        "The model underfits",
        "underfitting",
        "It is no better on the examples that it learns from than on new ones, and good on neither: it is too small,"
        " held back, or not trained well.",
    ),
    "undertrained": Meaning(
        "It was still improving when it ended",
        "still improving",
        "More epochs may bring more; nothing is wrong with these.",
    ),
    "overtrained_budget": Meaning(
        "Fewer epochs would have done", "nothing gained", "Validation was as good as it would get long before the end."
    ),
    "overfit": Meaning(
        "The model overfits",
        "overfitting",
        "From here on it learns its training examples by heart instead of what they have in common: training goes on"
        " improving while the validation loss rises.",
    ),
    "gap": Meaning(
        "Training is far better than validation",
        "gap",
        "What was learned holds for the training examples and less for others. More data or regularization close it.",
    ),
    "val_below_train": Meaning(
        "Validation is better than training",
        "val. below train",
        "Dropout and augmentation make training harder than validation, and training is averaged over the epoch while"
        " validation is measured after it.",
    ),
    "val_suspiciously_good": Meaning(
        "Validation is too good to be true",
        "too good",
        "Copies of training examples in the validation set, or an input that gives the answer away, look like this.",
    ),
    "loss_metric_disagree": Meaning(
        "Loss and accuracy do not agree",
        "disagree",
        "The loss falls and the accuracy does not follow: they do not measure the same thing.",
    ),
    "split_mismatch": Meaning(
        "Validation data are of another kind than training data",
        "other data",
        "Classes that training never saw, or features that lie elsewhere: what validation says then is no matter of"
        " the model.",
    ),
    "train_eval_mismatch": Meaning(
        "The model behaves differently in training and in use",
        "train and use differ",
        "Batch normalization and dropout work differently while training. Here they differ by more than is normal.",
        note="The moving averages are still on their way",
    ),
    "vanishing_gradient": Meaning(
        "The gradient vanishes on its way back",
        "vanishing",
        "The first layers hear almost nothing of the error at the output, so they do not learn.",
    ),
    "degradation": Meaning(
        "So deep a plain network trains worse than a shallower one",
        "degradation",
        "Many layers in a row have to pass everything on; with a sum around every two, each need only correct.",
    ),
    "exploding_gradient": Meaning(
        "The gradient explodes on its way back",
        "exploding",
        "Each layer makes the message of the error larger; the steps of the first layers are wild.",
    ),
    "dead_relu": Meaning(
        "Many units are dead",
        "dead units",
        "A unit that answers zero to every example gets no gradient and never comes back to life.",
    ),
    "saturated": Meaning(
        "Many units are saturated",
        "saturated",
        "A sigmoid or tanh at its flat ends hardly changes with its input, so almost no gradient passes.",
    ),
    "bad_init": Meaning(
        "The initial weights are unsuitable",
        "bad start",
        "Weights that are all equal, far too small or far too large make signals vanish or explode with depth.",
    ),
    "unchanged_weights": Meaning(
        "Some weights never change",
        "no change",
        "No gradient reaches them, they are frozen, or the rate is zero: training goes on without them.",
    ),
    "head_loss_mismatch": Meaning(
        "The last layer and the loss do not fit each other",
        "head and loss",
        "A loss expects certain answers: probabilities, or plain scores, one a class, or a number. This layer gives"
        " something else.",
        note="Another loss may suit the last layer better",
    ),
    "double_softmax": Meaning(
        "Softmax is applied twice",
        "two softmax",
        "The second one flattens the probabilities of the first, so the model can never be sure and learns slowly.",
    ),
    "missing_or_linear_activation": Meaning(
        "Layers follow each other with nothing non-linear between",
        "linear layers",
        "Two linear layers in a row can do no more than one.",
    ),
    "layer_order": Meaning("Layers stand in the wrong order", "layer order", note="Layers stand in an unusual order"),
    "input_scale": Meaning(
        "The inputs are not scaled",
        "input scale",
        "Networks learn best from inputs around zero with a spread near one. Large inputs make large, wild steps.",
    ),
    "target_scale": Meaning(
        "The targets are not scaled",
        "target scale",
        "The last layer has to grow to the size of the targets first, and the loss is huge until it has.",
    ),
    "nan_input": Meaning(
        "Some inputs are no numbers", "NaN in the data", "A single NaN in a batch turns every weight into NaN."
    ),
    "int_input": Meaning("The inputs are whole numbers", "integer input"),
    "unmasked_padding": Meaning(
        "Zeros that only fill up are read as words",
        "no mask",
        "A recurrent layer remembers best what it read last. Where that is filling, the words before it fade.",
        note="Sequences end in zeros that are not masked",
    ),
    "losses_uneven": Meaning(
        "One output drowns the other",
        "one loss drowns",
        "What is trained is the sum of the losses; one that is a hundred times as large leaves the others unheard.",
    ),
    "class_imbalance": Meaning(
        "Some classes are rare",
        "imbalance",
        "A model that always answers the frequent class looks good on average, and never finds the rare one.",
    ),
    "label_noise": Meaning(
        "Some labels look wrong", "label noise", "Examples that look alike carry different labels."
    ),
    "shuffled_labels": Meaning(
        "The labels do not belong to the inputs",
        "labels",
        "The model learns its training examples by heart, and nothing of that holds for others.",
    ),
}  # fmt: skip

HINT = 0.6  # confidence below which a headline says "perhaps"
STATUS = {"fail": "stop", "warn": "look here", "pass": "note"}


def of(name: str) -> Meaning:
    """The meaning of a verdict's name; of an unknown one, the name in words."""
    known = MEANINGS.get(name)
    if known:
        return known
    shown = words.name(name).replace("_", " ")
    return Meaning(shown[:1].upper() + shown[1:], shown[:20])


def headline(verdict: Verdict) -> str:
    """The headline of a verdict, as sure as the verdict is."""
    meaning = of(verdict.name)
    said = meaning.note if _calm(verdict) else meaning.headline
    if verdict.outcome is Outcome.PASS or verdict.confidence is None or verdict.confidence >= HINT:
        return said
    return f"Perhaps {within(verdict.name)}"


def says(verdict: Verdict) -> str:
    """What a verdict means, in a sentence or two; empty where the sentence would be too grave for a note."""
    return "" if _calm(verdict) else of(verdict.name).says


def _calm(verdict: Verdict) -> bool:
    return verdict.outcome is Outcome.PASS and bool(of(verdict.name).note)


def within(name: str) -> str:
    """A verdict's headline as it stands within a sentence."""
    said = of(name).headline
    return f"{said[:1].lower()}{said[1:]}"


def status(verdict: Verdict) -> tuple[str, str]:
    """The look and the word of a verdict: pass | warn | fail | none, and healthy, note, too early, look here, stop."""
    if verdict.outcome is not Outcome.PASS:
        return verdict.outcome.value, STATUS[verdict.outcome.value]
    if verdict.name == "healthy":
        return "pass", "healthy"
    return "none", "too early" if verdict.name == "too_short_to_tell" else STATUS["pass"]
