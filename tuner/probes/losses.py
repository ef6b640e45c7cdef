"""Which loss was the model compiled with, in one word, and does it take scores or probabilities?

A loss may come as a name, a function, an object or a class of Keras's; anything else is somebody's own and is not
judged.

Source: Keras 3.15.1, `keras.losses`.
"""

import inspect
import re
from dataclasses import dataclass
from typing import Any

import keras

FAMILIES = {
    **{"categorical_crossentropy": "categorical", "categorical_focal_crossentropy": "categorical"},
    "sparse_categorical_crossentropy": "sparse",
    **{"binary_crossentropy": "binary", "binary_focal_crossentropy": "binary"},
    **dict.fromkeys(
        (
            *("mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error"),
            *("mean_squared_logarithmic_error", "huber", "log_cosh"),
        ),
        "regression",
    ),
    **{"hinge": "hinge", "squared_hinge": "hinge", "categorical_hinge": "categorical_hinge"},
    **{"poisson": "poisson", "kl_divergence": "divergence"},
}
SHORT = {
    **{"mse": "mean_squared_error", "mae": "mean_absolute_error", "mape": "mean_absolute_percentage_error"},
    **{"msle": "mean_squared_logarithmic_error", "bce": "binary_crossentropy", "kld": "kl_divergence"},
    **{"kullback_leibler_divergence": "kl_divergence", "logcosh": "log_cosh", "huber_loss": "huber"},
}


@dataclass(frozen=True)
class Loss:
    """One loss, as far as its name tells."""

    name: str  # snake_case as Keras spells it; "custom" where it is not Keras's; "" where there is none
    from_logits: bool = False
    axis: int = -1
    ignored: int | None = None  # a class that counts as missing

    @property
    def family(self) -> str:
        """categorical, sparse, binary, regression, hinge, categorical_hinge, poisson, divergence, or ""."""
        return FAMILIES.get(self.name, "")


def read(loss: Any) -> Loss:
    """What `compile(loss=...)` was given for one output."""
    if loss is None:
        return Loss("")
    if isinstance(loss, str):
        return Loss(_spelled(loss))
    if inspect.isclass(loss):
        return Loss(_spelled(loss.__name__)) if loss.__module__.startswith("keras.") else Loss("custom")
    if not str(getattr(type(loss), "__module__", "")).startswith("keras."):
        ours = str(getattr(loss, "__module__", "")).startswith("keras.") and hasattr(loss, "__name__")
        return Loss(_spelled(loss.__name__)) if ours else Loss("custom")
    function = getattr(loss, "fn", None)
    if type(loss).__name__ == "LossFunctionWrapper" and function is not None:
        return read(function)
    options = getattr(loss, "_fn_kwargs", {}) or {}
    return Loss(
        _spelled(type(loss).__name__),
        bool(getattr(loss, "from_logits", options.get("from_logits", False))),
        int(getattr(loss, "axis", options.get("axis", -1)) or -1),
        getattr(loss, "ignore_class", options.get("ignore_class")),
    )


def _spelled(name: str) -> str:
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("__", "_")
    snake = SHORT.get(snake, snake)
    return snake if snake in FAMILIES or hasattr(keras.losses, name) else "custom"


def of_outputs(loss: Any, names: list[str]) -> list[Loss]:
    """One loss for each output of a model: given once, as a list, or by the name of the output."""
    if isinstance(loss, dict):
        return [read(loss.get(name)) for name in names]
    if isinstance(loss, list | tuple):
        return [read(item) for item in loss] if len(loss) == len(names) else [Loss("custom")] * len(names)
    return [read(loss)] * len(names)


def split(targets: Any, names: list[str]) -> list[Any]:
    """The targets of each output, from one array, a list or a dictionary."""
    if isinstance(targets, dict):
        return [targets.get(name) for name in names]
    if isinstance(targets, list | tuple) and len(targets) == len(names) > 1:
        return list(targets)
    return [targets if len(names) == 1 else None] * len(names)
