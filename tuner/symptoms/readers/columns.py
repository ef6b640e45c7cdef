"""Which column is the training loss, which the validation accuracy? By their names, as frameworks write them.

A name is a split and a quantity in any order and with any separator: `val_loss`, `loss/validation`, `eval-acc`,
`train_epoch_loss`. No split means training, as in a Keras history.
"""

import math
import re
from collections.abc import Mapping, Sequence

from tuner.records import LearningCurves
from tuner.symptoms.context import Context
from tuner.symptoms.readers.reading import Choice, Column, ReadError, Reading
from tuner.symptoms.shape import is_accuracy

TRAIN = ("train", "training", "tr")
VALIDATION = ("val", "valid", "validation", "eval", "evaluation", "dev")
TEST = ("test", "testing")  # taken for validation where there is none
PER_STEP = ("batch", "step", "iter", "iteration")
FILLERS = ("epoch", "mean", "avg", "average", "metrics", "metric")
# quantities by preference: the first that is there is taken
LOSSES = (
    *("loss", "cost", "objective", "cross_entropy", "crossentropy", "nll"),
    *("mse", "mean_squared_error", "rmse", "mae", "mean_absolute_error"),
)
ACCURACIES = (
    *("accuracy", "acc", "sparse_categorical_accuracy", "categorical_accuracy", "binary_accuracy"),
    *("top1", "top_1", "f1", "auc"),
)
RATES = ("learning_rate", "lr")
EPOCHS = ("epoch", "epochs")
WANTED = "a training loss such as 'loss' or 'train_loss', and if possible 'val_loss', 'accuracy', 'val_accuracy'"


def reading_of(table: Mapping[str, Column], source: str, choice: Choice) -> Reading:
    """The curves in a table of columns. Raises `ReadError` that names the columns found and wanted."""
    names = [name for name, column in table.items() if any(value is not None for value in column)]
    taken = _by_choice(names, choice, source) if choice.train or choice.val else _by_name(names)
    if not {"loss", "val_loss", "accuracy", "val_accuracy"} & set(taken):
        raise ReadError(f"{source}: no learning curves. Found the columns {_listed(list(table))}; wanted {WANTED}.")
    if choice.higher_is_better and choice.train and _is_share(table, taken):
        taken = {{"loss": "accuracy", "val_loss": "val_accuracy"}.get(role, role): name for role, name in taken.items()}
    longest = _epochs_in(table, taken)
    rows = [row for row in range(longest) if _complete(table, taken, row, longest)]
    columns = {role: _numbers(table[name], rows) for role, name in taken.items() if role != "step_loss"}
    for role in ("accuracy", "val_accuracy"):
        columns[role] = _as_shares(columns.get(role, ()))
    steps = tuple(float(v) for v in table[taken["step_loss"]] if v is not None) if "step_loss" in taken else ()
    upside_down = choice.higher_is_better and "loss" in taken and "accuracy" not in taken
    return Reading(
        source,
        LearningCurves(**columns, step_loss=steps),
        taken,
        tuple(row + 1 for row in rows),
        tuple(name for name in table if name not in taken.values() and _quantity(name)[1] not in EPOCHS),
        Context(higher_is_better=upside_down),
    )


def _by_choice(names: Sequence[str], choice: Choice, source: str) -> dict[str, str]:
    taken = {role: name for role, name in _by_name(names).items() if role == "learning_rate"}
    for role, name in (("loss", choice.train), ("val_loss", choice.val)):
        if name is not None and name not in names:
            raise ReadError(f"{source}: no column '{name}'. Found {_listed(names)}.")
        if name is not None:
            taken[role] = name
    return taken


def _by_name(names: Sequence[str]) -> dict[str, str]:
    split_of = {name: _quantity(name) for name in names}
    has_validation = any(split == "validation" for split, _ in split_of.values())
    taken: dict[str, str] = {}
    for role, wanted_split, quantities in (
        ("loss", "train", LOSSES),
        ("val_loss", "validation" if has_validation else "test", LOSSES),
        ("accuracy", "train", ACCURACIES),
        ("val_accuracy", "validation" if has_validation else "test", ACCURACIES),
        ("learning_rate", "train", RATES),
        ("step_loss", "step", LOSSES),
    ):
        found = [
            (quantities.index(q), len(n), n) for n, (s, q) in split_of.items() if s == wanted_split and q in quantities
        ]
        if found:
            taken[role] = min(found)[2]
    return _matched(taken, split_of)


def _matched(taken: dict[str, str], split_of: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Training and validation in the same quantity: a validation loss is not held against a training error."""
    for train, validation in (("loss", "val_loss"), ("accuracy", "val_accuracy")):
        if train in taken and validation in taken:
            quantity = split_of[taken[train]][1]
            split = split_of[taken[validation]][0]
            same = [name for name, found in split_of.items() if found == (split, quantity)]
            if same:
                taken[validation] = same[0]
            elif _family(quantity) != _family(split_of[taken[validation]][1]):
                del taken[validation]
    return taken


def _family(quantity: str) -> str:
    return {"acc": "accuracy", "mean_squared_error": "mse", "mean_absolute_error": "mae"}.get(quantity, quantity)


def _quantity(name: str) -> tuple[str, str]:
    """The split and the quantity that a column's name is made of."""
    words = [word for word in re.split(r"[^a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()) if word]
    split = "train"
    for kind, marks in (("validation", VALIDATION), ("test", TEST), ("step", PER_STEP)):
        if any(word in marks for word in words):
            split = kind
            break
    known = (*TRAIN, *VALIDATION, *TEST, *PER_STEP, *FILLERS)
    rest = [word for word in words if word not in known]
    if not rest and words and words[-1] in EPOCHS:
        return split, "epoch"
    return split, "_".join(rest)


def _epochs_in(table: Mapping[str, Column], taken: Mapping[str, str]) -> int:
    return max(len(table[name]) for role, name in taken.items() if role != "step_loss")


def _complete(table: Mapping[str, Column], taken: Mapping[str, str], row: int, longest: int) -> bool:
    """Whether every curve has a value in that row; a curve that ends early does not hold the others back."""
    for role, name in taken.items():
        column = table[name]
        if role in ("step_loss", "learning_rate") or row >= len(column):
            continue
        if column[row] is None and any(value is not None for value in column[row:]):
            return False
    return True


def _numbers(column: Column, rows: Sequence[int]) -> tuple[float, ...]:
    values = [column[row] for row in rows if row < len(column)]
    while values and values[-1] is None:
        values.pop()
    return tuple(float(value) for value in values if value is not None)


def _as_shares(values: tuple[float, ...]) -> tuple[float, ...]:
    """Percentages as shares."""
    finite = [value for value in values if math.isfinite(value)]
    percent = bool(finite) and max(finite) > 1.5 and max(finite) <= 100 and min(finite) >= 0
    return tuple(value / 100 for value in values) if percent else values


def _is_share(table: Mapping[str, Column], taken: Mapping[str, str]) -> bool:
    names = [name for role, name in taken.items() if role in ("loss", "val_loss")]
    values = tuple(float(value) for name in names for value in table[name] if value is not None)
    return is_accuracy(_as_shares(values))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names[:20]) + (", …" if len(names) > 20 else "") if names else "nothing"
