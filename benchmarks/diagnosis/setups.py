"""How is one network trained? A setup is one frozen record; a fault is a healthy setup with one field changed."""

from dataclasses import dataclass

import numpy as np

from benchmarks.diagnosis.tasks import Task

SCHEDULES = ("none", "step", "cosine", "one_cycle", "warmup", "exponential")


@dataclass(frozen=True)
class Setup:
    """Everything that decides a run. Words of the fields are those of Keras, `None` is what suits the task."""

    task: str
    optimizer: str = "adam"  # sgd | momentum | adam | rmsprop
    learning_rate: float = 1e-3
    schedule: str = "none"
    epochs: int = 30
    batch_size: int = 32
    units: tuple[int, ...] | None = None
    activation: str | None = "relu"  # of hidden layers; None: linear
    initializer: str = "glorot_uniform"
    init_std: float | None = None  # a normal of this standard deviation instead
    bias: float = 0.0  # of hidden layers, at the start
    batch_norm: bool = False
    bn_momentum: float = 0.9
    dropout: float = 0.0
    l2: float = 0.0
    skip: bool = False  # skip connections around hidden layers of equal width
    head_units: int | None = None
    head_activation: str | None = None  # softmax | sigmoid | linear | relu
    loss: str | None = None
    from_logits: bool = False
    label_smoothing: float = 0.0
    clipnorm: float | None = None
    inputs: str = "standardized"  # standardized | raw | large | offset | mixed | blank
    targets: str = "standardized"  # standardized | large | offset
    label_noise: float = 0.0  # share of the labels that are swapped; 1: all shuffled
    examples: int | None = None  # train on so many only
    frozen: str = "none"  # none | hidden | all
    leak: float = 0.0  # share of the validation examples that are also trained on
    imbalance: float = 1.0  # the first class, as a multiple of every other
    class_weight: bool = False
    patience: int | None = None  # epochs without a better validation loss, after which the best weights are put back
    climbs: bool = False  # the loss has the wrong sign
    unit: float = 1.0  # the loss is reported times this: the same run, in another unit
    seed: int = 0


@dataclass(frozen=True)
class Data:
    """What the model is given: scaled, spoilt where the setup says so. `test` is never spoilt, nor is `val_truth`."""

    train: tuple[np.ndarray, np.ndarray]
    val: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]
    val_truth: np.ndarray  # the targets of validation without label noise


def rates(setup: Setup) -> np.ndarray:
    """The learning rate of every epoch."""
    part = np.arange(setup.epochs) / setup.epochs
    factor = {
        "none": np.ones(setup.epochs),
        "step": np.where(part < 0.5, 1.0, np.where(part < 0.75, 0.1, 0.01)),
        "cosine": 0.5 * (1 + np.cos(np.pi * part)),
        "one_cycle": np.where(part < 0.3, 0.1 + 3 * part, np.maximum(0.01, (1 - part) / 0.7)),
        "warmup": np.minimum(1.0, (np.arange(setup.epochs) + 1) / 5),
        "exponential": 0.05**part,
    }[setup.schedule]
    return setup.learning_rate * factor


def prepared(task: Task, setup: Setup) -> Data:
    """The task's data as the setup gives them to the model."""
    rng = np.random.default_rng(1000 + setup.seed)
    parts = [task.train, task.val, task.test]
    if setup.imbalance != 1.0:
        parts = [_rare(x, y, setup.imbalance) for x, y in parts]
    if setup.examples is not None:
        parts[0] = tuple(part[: setup.examples] for part in parts[0])
    if setup.leak:
        copies = rng.permutation(len(parts[1][0]))[: int(setup.leak * len(parts[1][0]))]
        parts[0] = tuple(np.concatenate([a, b[copies]]) for a, b in zip(parts[0], parts[1], strict=True))
    x, y = _scaled_inputs(task, setup, [part[0] for part in parts]), _targets(task, setup, [part[1] for part in parts])
    truth = y[1]
    if setup.label_noise:  # labels are wrong before anybody splits them: in training and in validation
        y = [_mistaken(part, setup.label_noise, rng) for part in y[:2]] + y[2:]
    train, val, test = zip(x, y, strict=True)
    return Data(train, val, test, truth)


def _mistaken(y: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Targets of which a share is swapped among each other."""
    return np.where(rng.random(len(y)) < share, rng.permutation(y), y)


def _rare(x: np.ndarray, y: np.ndarray, ratio: float) -> tuple[np.ndarray, np.ndarray]:
    """All of class 0, and of every other class one in `ratio`, but two at least."""
    most = max(2, int((y == 0).sum() / ratio))
    keep = np.sort(np.concatenate([np.flatnonzero(y == c)[: (None if c == 0 else most)] for c in np.unique(y)]))
    return x[keep], y[keep]


def _scaled_inputs(task: Task, setup: Setup, parts: list[np.ndarray]) -> list[np.ndarray]:
    if setup.inputs == "blank":
        return [np.zeros_like(part) for part in parts]
    if task.vocabulary or setup.inputs == "raw":
        return parts
    axes = tuple(range(task.train[0].ndim - 1)) if task.train[0].ndim == 2 else None
    center, spread = task.train[0].mean(axes), task.train[0].std(axes) + 1e-6
    parts = [(part - center) / spread for part in parts]
    if setup.inputs == "large":
        parts = [100 * part for part in parts]
    if setup.inputs == "offset":
        parts = [part + 50 for part in parts]
    if setup.inputs == "mixed":
        scale = 10.0 ** np.random.default_rng(9).uniform(-3, 3, parts[0].shape[1:])
        parts = [part * scale for part in parts]
    return [part.astype(np.float32) for part in parts]


def _targets(task: Task, setup: Setup, parts: list[np.ndarray]) -> list[np.ndarray]:
    if task.classes:
        return parts
    center, spread = task.train[1].mean(), task.train[1].std()
    parts = [(part - center) / spread for part in parts]
    if setup.targets == "large":
        parts = [1000 * part for part in parts]
    if setup.targets == "offset":
        parts = [part + 300 for part in parts]
    return [part.astype(np.float32) for part in parts]
