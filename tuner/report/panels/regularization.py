"""What acts against learning by heart in the model that was chosen? A line for each regulariser, with its strength.

Source: the lectures on regularisation; Goodfellow, Bengio, Courville 2016, chapter 7; Srivastava et al. 2014 (dropout);
Szegedy et al. 2015, arXiv 1512.00567 (label smoothing); Loshchilov and Hutter 2017, arXiv 1711.05101 (decoupled decay).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tuner.report import read, words
from tuner.report.blocks import Block, Cell, Table
from tuner.report.view import View

MEANS: Mapping[str, str] = {
    "regularization.l1": "L1: the sum of the head's absolute weights, times this, is added to the loss; weights that "
    "matter little go to zero.",
    "regularization.l2": "L2: the sum of the head's squared weights, times this, is added to the loss; large weights "
    "cost most, so that no single feature decides.",
    "optimizer.weight_decay": "Decoupled weight decay: each step takes the learning rate times this of every weight "
    "away, beside the gradient, so that an adaptive optimizer does not rescale it.",
    "model.dropout": "Inverted dropout: in training this share of the features is struck out before the classifier, "
    "and the rest is made larger, so that the mean is kept; in use nothing happens.",
    "loss.label_smoothing": "Label smoothing: this share of each label is spread over all classes, so that it does not "
    "pay to be too sure.",
    "model.auxiliary_head": "Auxiliary head: the loss of a second classifier in the middle of the network, times this, "
    "is added in training, so that lower layers get a gradient of their own; the saved model has none.",
    "optimizer.ema_momentum": "Average of the weights: each step keeps this share of the average so far; validation "
    "and the saved model use the average.",
    "augmentation": "Augmentation: images are changed anew in every epoch, so that none can be learned by heart.",
}
ELASTIC = "L1 and L2 together are the elastic net: few weights, and none of them large."
EARLY = (
    "Early stopping: a longer run ends after so many epochs without a better validation loss, and the weights of its "
    "best epoch are kept."
)
BOTH = ("regularization.l1", "regularization.l2")


def panel(view: View) -> Iterator[Block]:
    """The regularisers in force; nothing where no model was chosen."""
    final = read.mapping(view.run.conclusion, "hyperparameters")
    rows = [_row(path, final[path], means) for path, means in MEANS.items() if _acts(final.get(path))]
    if not final:
        return
    if all(_acts(final.get(path)) for path in BOTH):
        rows.insert(2, (Cell(""), "", ELASTIC))
    patience = read.value(read.mapping(read.mapping(view.run.recipe, "regularization"), "early_stopping"), "patience")
    if patience is not None:
        rows.append(_row("regularization.early_stopping.patience", patience, EARLY))
    table = Table("Settings in force", ("Setting", "Value", "What it does"), tuple(rows), "lll", quiet=True)
    yield table


def _acts(value: Any) -> bool:
    return bool(value) and value != "none"


def _row(path: str, value: Any, means: str) -> tuple[str | Cell, ...]:
    return (Cell(words.name(path), code=True), Cell(words.setting(value), code=True), means)
