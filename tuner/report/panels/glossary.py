"""Ten words that this page cannot do without, in two lines each."""

from collections.abc import Iterator

from tuner.report.blocks import Block, Terms
from tuner.report.view import View

TERMS = (
    (
        "Loss",
        "How surprised the model is by the right answers, averaged over images; training makes it small. In "
        "nats: guessing evenly among C classes costs ln C, for 10 classes 2.30.",
    ),
    (
        "Accuracy",
        "The share of images whose most probable class is the right one. Easier to grasp than the loss, but "
        "it moves in jumps and says nothing about how sure the model was.",
    ),
    (
        "Training, validation, test",
        "Images to learn from, images to choose settings by, and images looked at once, at the very end. Only"
        " the last give an honest number, because nothing was chosen by them.",
    ),
    (
        "Epoch",
        "One pass over all training images, batch by batch. Short runs of a few epochs are enough to tell bad"
        " settings from good ones.",
    ),
    (
        "Learning rate",
        "How far each batch may move the weights. Ten times too high and training diverges, ten times too low"
        " and it crawls; no other setting matters as much.",
    ),
    (
        "Overfitting",
        "Learning the training images by heart instead of what they have in common: training goes on "
        "improving while validation does not. More data, augmentation and regularization help.",
    ),
    (
        "Regularization",
        "Whatever makes learning by heart harder: weight decay keeps weights small, dropout switches units "
        "off at random, label smoothing forbids being too sure.",
    ),
    (
        "Transfer learning",
        "Starting from a network trained on millions of other images. First a new head is trained on its "
        "frozen features; then, at about a tenth of the rate, more layers.",
    ),
    (
        "Trial",
        "One training run with one choice of settings. Two trials closer than the noise cannot be told apart "
        "by the validation images there are.",
    ),
    (
        "95 % interval",
        "Where the accuracy on endless images of this kind would plausibly lie, given how few were measured. "
        "Four times as many images make it half as wide.",
    ),
)


def panel(view: View) -> Iterator[Block]:
    """The terms."""
    yield Terms(TERMS)
