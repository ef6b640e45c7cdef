"""What does a column's name say? A split and a quantity, in any order and with any separator.

`val_loss`, `loss/validation`, `eval-acc`, `train_epoch_loss`, `run 7 - val_loss`. No split means training, as in a
Keras history.

Source: the names that Keras, TensorBoard, PyTorch Lightning, Hugging Face's Trainer, MLflow and W&B give to columns.
"""

import re
from functools import lru_cache

TRAIN = ("train", "training", "tr")
VALIDATION = ("val", "valid", "vl", "validation", "eval", "evaluation", "dev", "holdout")
TEST = ("test", "testing")  # taken for validation where there is none
PER_STEP = ("batch", "step", "iter", "iteration", "iterations", "steps", "minibatch")
FILLERS = ("epoch", "mean", "avg", "average", "metrics", "metric", "running", "curve", "scores")
# quantities by preference: the first that is there is taken
LOSSES = (
    *("loss", "total_loss", "cost", "objective", "cross_entropy", "crossentropy", "ce", "bce", "nll", "log_loss"),
    *("logloss", "mse", "mean_squared_error", "rmse", "root_mean_squared_error", "mae", "mean_absolute_error"),
)
ACCURACIES = (
    *("accuracy", "acc", "sparse_categorical_accuracy", "categorical_accuracy", "binary_accuracy"),
    *("top1", "top_1", "acc1", "accuracy_score", "balanced_accuracy"),
)
SHARES = ("f1", "f1_score", "auc", "roc_auc", "auroc", "iou", "dice")  # read where there is neither loss nor accuracy
SCORES = ("r2", "r2_score", "r_square", "r_squared")  # higher is better, and below 0 is possible
RATES = ("learning_rate", "lr")
EPOCHS = ("epoch", "epochs")
ACCURACY_ENDS, LOSS_ENDS = ("_accuracy", "_acc"), ("_loss",)
OTHER_KINDS = re.compile(r"(?:^|_)(?:top_?k|top_?(?!1_)\d+|regulari[sz]ation|kl|l1|l2|aux|auxiliary)(?:_|$)")
"""Not to be read for want of better: of top-k accuracy chance is not 1 / classes, a penalty is no loss."""
SAME = {"acc": "accuracy", "mean_squared_error": "mse", "mean_absolute_error": "mae", "root_mean_squared_error": "rmse"}


@lru_cache(maxsize=4096)
def quantity(name: str) -> tuple[str, str]:
    """(split, quantity) that a column's name is made of; the split is train, validation, test, step or none."""
    if name.endswith(("__MIN", "__MAX")):  # W&B writes the bounds beside each curve
        return "none", name
    words = words_of(name.rsplit(" - ", 1)[-1])  # W&B puts the run in front
    splits = [
        kind for kind, marks in (("validation", VALIDATION), ("test", TEST)) if any(word in marks for word in words)
    ]
    split = splits[0] if splits else "train"
    if any(word in PER_STEP for word in words):
        split = "step" if not splits else "none"  # validation within an epoch is no curve of epochs
    known = (*TRAIN, *VALIDATION, *TEST, *PER_STEP, *FILLERS)
    rest = [word for word in words if word not in known]
    if not rest and words and words[-1] in EPOCHS:
        return split, "epoch"
    return split, "_".join(dict.fromkeys(rest))


def words_of(name: str) -> list[str]:
    """The words of a name in lower case: `trainAcc` gives train, acc."""
    return [word for word in re.split(r"[^a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()) if word]


def split_in(name: str) -> str | None:
    """The word of a folder's name that tells the split: `Loss_train` gives train."""
    return next((word for word in words_of(name) if word in (*TRAIN, *VALIDATION, *TEST)), None)


def family(name: str) -> str:
    """One spelling for the quantities that Keras spells twice."""
    return SAME.get(name, name)


def listed(names: list[str] | tuple[str, ...]) -> str:
    """Names for a sentence, the first twenty."""
    shown = ", ".join(f"'{name}'" for name in names[:20])
    return shown + (", …" if len(names) > 20 else "") if names else "nothing"
