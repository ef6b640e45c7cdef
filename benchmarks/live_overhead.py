"""What does `tuner.Diagnose` cost an epoch? Epochs with and without it, in turn, in one training.

    python -m benchmarks.live_overhead [--pairs 15] [--only cnn|mlp] [--json]

One `fit` of Fashion-MNIST (25,600 images, 200 steps, 2,000 for validation); the callback is told of every second epoch
only, in the order A-B-B-A, with the data to look inside the model. The clock runs from the beginning of an epoch to the
end of its last callback. An epoch's overhead is its time over that of its neighbour without; the figure is the median,
beside it all of the callback's own seconds over all seconds trained (looks inside the model included, which the median
would hide). What is done before and after training is no epoch's, and stands apart.

Source: goal of at most 3 % of an epoch.
"""

import argparse
import gzip
import json
import time
from pathlib import Path
from statistics import median
from typing import Any

import keras
import numpy as np

from tuner.diagnosis.live import Diagnose

FASHION = Path("/usr/share/datasets/fashion-mnist")
STEPS, BATCH, VALIDATION = 200, 128, 2000
WARM = 2  # epochs that are not counted: tracing, and the validation's first time
GOAL = 0.03


def images(count: int) -> tuple[np.ndarray, np.ndarray]:
    """The first `count` training images (count, 28, 28, 1) in [0, 1], and their labels."""
    with gzip.open(FASHION / "train-images-idx3-ubyte.gz") as file:
        x = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28, 1)[:count]
    with gzip.open(FASHION / "train-labels-idx1-ubyte.gz") as file:
        y = np.frombuffer(file.read(), np.uint8, offset=8)[:count]
    return (x / np.float32(255)).astype("float32"), y.astype("int64")


def cnn() -> keras.Model:
    """Two convolutions, about 50,000 numbers."""
    layers = [keras.Input((28, 28, 1))]
    for filters in (16, 32):
        layers += [keras.layers.Conv2D(filters, 3, activation="relu"), keras.layers.MaxPooling2D()]
    layers += [keras.layers.Flatten(), keras.layers.Dense(64, activation="relu"), keras.layers.Dense(10, "softmax")]
    return keras.Sequential(layers)


def mlp() -> keras.Model:
    """One hidden layer: an epoch takes half a second, and the least work shows."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(10, "softmax"),
        ]
    )


MODELS = {"cnn": cnn, "mlp": mlp}


class EverySecond(keras.callbacks.Callback):
    """Hands half of the epochs on to another callback, and times all of them."""

    async_safe = True

    def __init__(self, inner: Diagnose) -> None:
        super().__init__()
        self.inner, self.on, self.begin = inner, False, 0.0
        self.seconds: list[tuple[bool, float, float]] = []  # handed on?, of the epoch, of the callback at its end
        self.before = self.after = 0.0

    def set_model(self, model: keras.Model) -> None:
        super().set_model(model)
        self.inner.set_model(model)

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        self.inner.set_params(params)

    def on_train_begin(self, logs: Any = None) -> None:
        begin = time.perf_counter()
        self.inner.on_train_begin(logs)
        self.before = time.perf_counter() - begin

    def on_train_end(self, logs: Any = None) -> None:
        begin = time.perf_counter()
        self.inner.on_train_end(logs)
        self.after = time.perf_counter() - begin

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.begin, self.on = time.perf_counter(), epoch % 4 in (1, 2)
        if self.on:
            self.inner.on_epoch_begin(epoch, logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self.on:
            self.inner.on_train_batch_end(batch, logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        mine = time.perf_counter()
        if self.on:
            self.inner.on_epoch_end(epoch, logs)
        now = time.perf_counter()
        self.seconds.append((self.on, now - self.begin, now - mine))


def measure(name: str, pairs: int) -> dict[str, Any]:
    """The overhead on one model."""
    keras.utils.set_random_seed(0)
    x, y = images(STEPS * BATCH + VALIDATION)
    train, validation = (x[:-VALIDATION], y[:-VALIDATION]), (x[-VALIDATION:], y[-VALIDATION:])
    model = MODELS[name]()
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    turns = EverySecond(Diagnose(train, validation, warn=False))
    model.fit(
        *train, batch_size=BATCH, validation_data=validation, epochs=WARM + 2 * pairs, verbose=0, callbacks=[turns]
    )
    counted = turns.seconds[WARM:]
    found = []
    for one, other in zip(counted[::2], counted[1::2], strict=True):
        with_it, without = (one, other) if one[0] else (other, one)
        found.append(with_it[1] / without[1] - 1)
    epochs = [seconds for on, seconds, _ in counted if not on]
    return {
        "model": name,
        "backend": keras.backend.backend(),
        "pairs": pairs,
        "epoch_seconds": median(epochs),
        "overhead_median": median(found),
        "overhead_quartiles": [float(q) for q in np.quantile(found, [0.25, 0.75])],
        "own_share": sum(own for on, _, own in counted if on) / sum(s for on, s, _ in counted if on),
        "before_training_seconds": turns.before,
        "after_training_seconds": turns.after,
        "verdicts": [verdict.name for verdict in turns.inner.verdicts],
        "notes": list(turns.inner.notes),
        "within_goal": median(found) <= GOAL,
    }


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--pairs", type=int, default=15)
    asked.add_argument("--only", choices=list(MODELS))
    asked.add_argument("--json", action="store_true")
    args = asked.parse_args()
    for name in [args.only] if args.only else MODELS:
        found = measure(name, args.pairs)
        if args.json:
            print(json.dumps(found))
        else:
            low, high = found["overhead_quartiles"]
            print(
                f"{found['backend']} {name}: an epoch of {found['epoch_seconds']:.2f} s takes "
                f"{found['overhead_median']:+.1%} (quartiles {low:+.1%} to {high:+.1%}); at its end "
                f"{found['own_share']:.2%}; before training {found['before_training_seconds']:.2f} s, after "
                f"{found['after_training_seconds']:.2f} s; {', '.join(found['verdicts'])}"
            )


if __name__ == "__main__":
    main()
