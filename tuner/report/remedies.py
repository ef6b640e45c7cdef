"""How is a change said to a person: its path in words, and in a Keras program?

Paths are those of a recipe, and some that only a Keras program has.
"""

from collections.abc import Sequence
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
    "schedule.length": "Length of the schedule, steps",
    "schedule.warmup_epochs": "Warm-up, epochs",
    "model.dropout": "Dropout",
    "model.units": "Width of the layers",
    "model.head_initializer": "Initial weights of the head",
    "model.head_units": "Hidden layer before the head",
    "transfer.stage": "Stage of transfer learning",
    "transfer": "Stages of transfer learning",
    "model.backbone": "Network",
    "model.normalization": "Normalization",
    "model.auxiliary_head": "Weight of an auxiliary head",
    "data.train_examples": "Training examples",
    "loss.name": "Loss",
    "loss.weights": "Weights of the losses",
    "loss.from_logits": "The loss gets plain scores (from_logits)",
    "loss.label_smoothing": "Label smoothing",
    "head.activation": "Activation of the last layer",
    "head.units": "Units of the last layer",
    "head.axis": "Axis of the last softmax",
    "head.kernel_initializer": "Initial weights of the last layer",
    "layers": "Layers of your own",
    "layers.kernel_initializer": "Initial weights of the layers",
    "layers.trainable": "Training of the layers",
    "layers.add_batch_normalization": "Add batch normalization",
    "layers.add_skip_connections": "Add skip connections",
    "layers.add_flatten": "Add a Flatten layer",
    "layers.batch_normalization.momentum": "Momentum of batch normalization",
    "regularization.l2": "Penalty on large weights (l2)",
    "augmentation": "Augmentation",
    "metrics": "Metrics",
    "training.early_stopping": "Early stopping, epochs without a gain",
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
    "mask_zero": "Mask",
}  # of layers.<name>.<key>
PLAIN = (bool, int, float, str)
MOST_NAMES = 6  # layers that a title names
DOING = ("add_", "drop_")  # how the last part of a path begins that says what is done; its value, True, adds nothing
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
    "training.early_stopping": "keras.callbacks.EarlyStopping(patience={}, restore_best_weights=True)",
    "data.batch_size": "model.fit(…, batch_size={})",
    "steps.change.epochs": "model.fit(…, epochs={})",
    "data.scale_inputs": STANDARDIZED.format("x"),
    "data.scale_targets": STANDARDIZED.format("y"),
    "data.class_weight": "model.fit(…, class_weight={{0: …, 1: …}})",
}


def grouped(changes: Sequence[Change]) -> list[tuple[Change, ...]]:
    """The same change to several layers is one remedy; remedies in the order of their first change."""
    found: dict[Any, list[Change]] = {}
    for number, change in enumerate(changes):
        layer, key = _of_layer(change.path)
        same = (key, repr(change.value), repr(change.before), change.because) if layer else number
        found.setdefault(same, []).append(change)
    return [tuple(group) for group in found.values()]


def title(*paths: str) -> str:
    """What a change's path is called in words, or those of one remedy; empty for an unknown one."""
    path = paths[0]
    _, key = _of_layer(path)
    if key:
        names = [words.name(_of_layer(one)[0]) for one in paths]
        shown, more = names[:MOST_NAMES], len(names) - MOST_NAMES
        if len(shown) > 1 and more <= 0:
            shown = [*shown[:-2], f"{shown[-2]} and {shown[-1]}"]
        return f"{OF_LAYER[key]} of {', '.join(shown)}" + (
            f" and {words.plural(more, 'more layer')}" if more > 0 else ""
        )
    parts = path.split(".")
    if path not in REMEDIES and parts[0] == "layers" and len(parts) == 2:
        return f"Layer {words.name(parts[1])}"
    return REMEDIES.get(path, "")


def _of_layer(path: str) -> tuple[str, str]:
    """The layer that a path names and what of it; two empty texts where it names none."""
    parts = path.split(".")
    known = parts[0] == "layers" and len(parts) > 2 and parts[-1] in OF_LAYER
    return (".".join(parts[1:-1]), parts[-1]) if known else ("", "")


def value(change: Change) -> str:
    """The new value in words; empty where the title says all."""
    if change.value is True and change.path.rsplit(".", 1)[-1].startswith(DOING):
        return ""
    return ", ".join(name for name, _ in _layers(change)) or words.setting(change.value)


def _layers(change: Change) -> list[tuple[str, dict[str, Any]]]:
    """The layers of an augmentation with their settings; empty for any other change, or one of another form."""
    given = change.value if change.path == "augmentation" and isinstance(change.value, list | tuple) else ()
    known = [tuple(one) for one in given if isinstance(one, list | tuple) and len(one) == 2]
    if len(known) != len(given) or not all(isinstance(n, str) and isinstance(s, dict) for n, s in known):
        return []
    return [(words.name(name), settings) for name, settings in known]


def code(change: Change) -> str:
    """The same change in a Keras program, where it is one expression; empty where it is not, or has no value yet."""
    value = change.value
    if layers := _layers(change):
        made = (f"keras.layers.{name}({', '.join(f'{k}={_literal(v)}' for k, v in s.items())})" for name, s in layers)
        return f"keras.Sequential([{', '.join(made)}])"
    pattern = IN_KERAS.get(change.path)
    if key := _of_layer(change.path)[1]:
        pattern = f"{key}={{}}"
    if pattern is None or (isinstance(value, str) and not value.isidentifier()) or not isinstance(value, PLAIN):
        return ""
    return pattern.format(_literal(value))


def _literal(value: Any) -> str:
    """As Python spells it, numbers with three digits."""
    return words.compact(value) if isinstance(value, float) else f'"{value}"' if isinstance(value, str) else str(value)
