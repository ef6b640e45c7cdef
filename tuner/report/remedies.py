"""How is a change said to a person: its path in words, and in a Keras program?

Paths are those of a recipe, and some that only a Keras program has.
"""

from typing import Any

from tuner.records import Change
from tuner.report import words

REMEDIES: dict[str, str] = {
    "optimizer.learning_rate": "Learning rate",
    "optimizer.name": "Optimizer",
    "optimizer.global_clipnorm": "Cut gradients to a norm of",
    "optimizer.weight_decay": "Weight decay",
    "optimizer.momentum": "Momentum",
    "schedule.name": "Schedule of the learning rate",
    "schedule.warmup_epochs": "Warm-up, epochs",
    "model.dropout": "Dropout",
    "model.units": "Width of the layers",
    "model.head_initializer": "Initial weights of the head",
    "model.head_units": "Hidden layer before the head",
    "transfer.stage": "Stage of transfer learning",
    "loss.name": "Loss",
    "loss.from_logits": "The loss gets plain scores (from_logits)",
    "loss.label_smoothing": "Label smoothing",
    "head.activation": "Activation of the last layer",
    "head.units": "Units of the last layer",
    "head.axis": "Axis of the last softmax",
    "layers.add_batch_normalization": "Add batch normalization",
    "layers.add_skip_connections": "Add skip connections",
    "layers.add_flatten": "Add a Flatten layer",
    "layers.batch_normalization.momentum": "Momentum of batch normalization",
    "augmentation": "Augmentation",
    "metrics": "Metrics",
    "steps.change.epochs": "Epochs",
    "data.batch_size": "Batch size",
    "data.scale_inputs": "Scale the inputs",
    "data.scale_targets": "Scale the targets",
    "data.drop_non_finite": "Drop examples with NaN or infinity",
    "data.class_weight": "Class weights",
    "data.inputs": "Inputs",
    "data.labels": "Labels",
    "data.split": "Split into training and validation",
}
OF_LAYER = {
    "activation": "Activation",
    "kernel_initializer": "Initial weights",
    "trainable": "Training",
    "rate": "Dropout rate",
}  # of layers.<name>.<key>
PLAIN = (bool, int, float, str)
STANDARDIZED = "{0} = ({0} - {0}_train.mean(axis=0)) / ({0}_train.std(axis=0) + 1e-7)"
IN_KERAS = {  # `{}` is the value
    "optimizer.learning_rate": "keras.optimizers.…(learning_rate={})",
    "optimizer.global_clipnorm": "keras.optimizers.…(global_clipnorm={})",
    "optimizer.weight_decay": "keras.optimizers.…(weight_decay={})",
    "optimizer.name": "model.compile(optimizer={}, …)",
    "loss.name": "model.compile(loss={}, …)",
    "loss.from_logits": "keras.losses.…(from_logits={})",
    "head.activation": "keras.layers.Dense(…, activation={})",
    "head.units": "keras.layers.Dense({}, …)",
    "model.dropout": "keras.layers.Dropout({})",
    "data.batch_size": "model.fit(…, batch_size={})",
    "steps.change.epochs": "model.fit(…, epochs={})",
    "data.scale_inputs": STANDARDIZED.format("x"),
    "data.scale_targets": STANDARDIZED.format("y"),
    "data.class_weight": "model.fit(…, class_weight={{0: …, 1: …}})",
}


def title(path: str) -> str:
    """What a change's path is called in words; empty for an unknown one."""
    parts = path.split(".")
    if parts[0] == "layers" and len(parts) > 2 and parts[-1] in OF_LAYER:
        return f"{OF_LAYER[parts[-1]]} of {words.name('.'.join(parts[1:-1]))}"
    return REMEDIES.get(path, "")


def code(change: Change) -> str:
    """The same change in a Keras program, where it is one expression; empty where it is not, or has no value yet."""
    value = change.value
    pattern = IN_KERAS.get(change.path)
    parts = change.path.split(".")
    if parts[0] == "layers" and len(parts) > 2 and parts[-1] in OF_LAYER:
        pattern = f"{parts[-1]}={{}}"
    if pattern is None or (isinstance(value, str) and not value.isidentifier()) or not isinstance(value, PLAIN):
        return ""
    return pattern.format(_literal(value))


def _literal(value: Any) -> str:
    """As Python spells it, numbers with three digits."""
    return words.compact(value) if isinstance(value, float) else f'"{value}"' if isinstance(value, str) else str(value)
