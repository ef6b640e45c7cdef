"""What does a trial that trains a network cost beside Keras's own `fit`? Half of the network, and all of it.

    python -m benchmarks.unfrozen [--px 224]

`cut_ratio` times a warm half-frozen trial (goal G7): `fit` runs the lower layers forward for each image and epoch, the
engine `cut` reads their maps. `overhead` times the first and the second trial of a wholly trainable network (goal G8),
building and tracing included. MobileNetV2 with random weights and random images: right for time, not for accuracy.

Both sides in one process, in the order A-B-A-B, the least of each.
"""

import argparse
import dataclasses
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from tuner.data import Dataset, Problem, Split
from tuner.hyperparameters import Hyperparameters
from tuner.interrupts import StopFlag
from tuner.progress import Silent
from tuner.records import TrialSpec
from tuner.store import Store

CLASSES = 10
ROUNDS = 3
PX, IMAGES, EPOCHS = 224, 128, 2  # of the half-frozen trial
SMALL_PX, STEPS, BATCH = 64, 200, 16  # of the wholly trainable one


@dataclasses.dataclass(frozen=True)
class Cut:
    """Seconds of one warm half-frozen trial, and how many times less ours takes."""

    fit: float
    ours: float
    filling: float  # running the lower layers over the images once

    @property
    def ratio(self) -> float:
        """With the maps there."""
        return self.fit / self.ours

    @property
    def ratio_with_filling(self) -> float:
        """Of one trial that has to fill the cache itself."""
        return self.fit / (self.ours + self.filling)


@dataclasses.dataclass(frozen=True)
class Overhead:
    """Seconds of the first and the second trial of a wholly trainable network."""

    fit: tuple[float, float]
    ours: tuple[float, float]

    @property
    def shares(self) -> tuple[float, float]:
        """What ours takes more, as a share: 0.02 is 2 %."""
        first, second = (own / theirs - 1 for own, theirs in zip(self.ours, self.fit, strict=True))
        return first, second


def cut_ratio() -> float:
    """How many times longer a warm half-frozen trial takes in `fit` than above the cut."""
    return measured_cut().ratio


def overhead() -> tuple[float, float]:
    """What the first and the second wholly trainable trial take more than in `fit`, as shares."""
    return measured_overhead().shares


def measured_cut(px: int = PX) -> Cut:
    """The half-frozen trial both ways, traced before."""
    from tuner.training.engines import ENGINES
    from tuner.training.families import clear

    cut = next(engine for engine in ENGINES if engine.name == "cut")
    asked = spec(trainable="half", epochs=EPOCHS, batch_size=32)
    with workplace(px, IMAGES) as (problem, run):
        clear()
        plain = compiled(problem, asked)
        plain_trial(plain, problem, dataclasses.replace(asked, epochs=1))
        cut.serve(problem, run, [asked])
        rates = iter(np.geomspace(1e-4, 1e-3, ROUNDS))  # random weights: another seed would be another lower part
        fit, ours = least(
            lambda: plain_trial(plain, problem, asked),
            lambda: cut.serve(problem, run, [at_rate(asked, float(next(rates)))]),
        )
        filling = filled(problem)
    return Cut(fit, ours, filling)


def filled(problem: Problem) -> float:
    """Seconds of running the traced lower layers over all images."""
    from tuner.models import structure_of
    from tuner.training.families import lower_of

    lower = lower_of(problem, structure_of(spec(trainable="half").hyperparameters), problem.recipe.seed)
    assert lower is not None
    began = perf_counter()
    for split in (problem.dataset.train, problem.dataset.validation):
        lower.features(split.images)
    return perf_counter() - began


def measured_overhead(px: int = SMALL_PX) -> Overhead:
    """The wholly trainable trial both ways: the first with all that it builds and traces, then one more of its kind."""
    from tuner.training import fit
    from tuner.training.families import clear

    asked = spec(trainable="all", epochs=1, batch_size=BATCH)
    found: dict[str, list[list[float]]] = {"fit": [[], []], "ours": [[], []]}
    for turn in range(ROUNDS):
        for number in range(2):
            with workplace(px, STEPS * BATCH) as (problem, _):
                began = perf_counter()
                plain_trial(compiled(problem, asked), problem, asked)
                found["fit"][number].append(perf_counter() - began)
        clear()
        with workplace(px, STEPS * BATCH) as (problem, run):
            for number in range(2):
                began = perf_counter()
                fit(problem, run, dataclasses.replace(asked, seed=2 * turn + number))
                found["ours"][number].append(perf_counter() - began)
    first, second = ((min(found["fit"][n]), min(found["ours"][n])) for n in range(2))
    return Overhead((first[0], second[0]), (first[1], second[1]))


def least(*sides: Callable[[], Any]) -> list[float]:
    """The least seconds of each side, in turns."""
    seconds: list[list[float]] = [[] for _ in sides]
    for _ in range(ROUNDS):
        for place, side in enumerate(sides):
            began = perf_counter()
            side()
            seconds[place].append(perf_counter() - began)
    return [min(each) for each in seconds]


def spec(**point: Any) -> TrialSpec:
    """A trial by SGD at a small rate."""
    epochs = point.pop("epochs", 1)
    return TrialSpec(Hyperparameters(optimizer="SGD", learning_rate=1e-3, **point), epochs, 0, "benchmark")


def at_rate(asked: TrialSpec, rate: float) -> TrialSpec:
    """The same trial at another learning rate."""
    return dataclasses.replace(asked, hyperparameters=dataclasses.replace(asked.hyperparameters, learning_rate=rate))


def compiled(problem: Problem, asked: TrialSpec) -> Any:
    """The same classifier, compiled for plain `fit`."""
    import keras

    from tuner.models import build_classifier, structure_of

    data = problem.dataset
    structure = structure_of(asked.hyperparameters)
    model = build_classifier(problem.recipe, data.num_classes, data.image_shape, structure, asked.seed).model
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(1e-3, momentum=0.9), loss, metrics=["accuracy"])
    return model


def plain_trial(model: Any, problem: Problem, asked: TrialSpec) -> None:
    """One trial in `fit`."""
    train, validation = problem.dataset.train, problem.dataset.validation
    model.fit(
        train.images,
        train.labels,
        batch_size=asked.hyperparameters.batch_size,
        epochs=asked.epochs,
        validation_data=(validation.images, validation.labels),
        verbose=0,
    )


@contextmanager
def workplace(px: int, images: int) -> Iterator[tuple[Problem, Store]]:
    """Random images, a recipe for MobileNetV2 and an empty run, gone afterwards."""
    from tuner import recipe as recipes

    rng = np.random.default_rng(0)
    train, validation, test = (
        Split(rng.integers(0, 256, (count, px, px, 3), np.uint8), np.arange(count) % CLASSES)
        for count in (images, 32, CLASSES)
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text = {
            "version": 1,
            "name": "unfrozen",
            "data": {"source": "digits", "image_size": [px, px]},
            "model": {"backbone": "MobileNetV2", "weights": "none"},
        }
        (folder / "recipe.yaml").write_text(json.dumps(text))
        names = tuple(f"class {number}" for number in range(CLASSES))
        dataset = Dataset("random", f"random {px} {images}", train, validation, names, {}, test)
        problem = Problem(recipes.load(folder / "recipe.yaml"), dataset, folder / "cache")
        run = Store.create(folder / "reports", "unfrozen", {}, "", {}, Silent(), StopFlag())
        try:
            yield problem, run
        finally:
            run.close()


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--px", type=int, default=PX, help="of the half-frozen trial")
    parser.add_argument("--only", choices=("cut", "overhead"))
    asked = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    if asked.only != "overhead":
        cut = measured_cut(asked.px)
        print(f"half-frozen, {asked.px} px, {IMAGES} + 32 images, {EPOCHS} epochs, warm")
        print(f"  fit {cut.fit:.2f} s   cut {cut.ours:.2f} s   ratio {cut.ratio:.2f}")
        print(f"  filling the cache {cut.filling:.2f} s   ratio with it {cut.ratio_with_filling:.2f}")
    if asked.only != "cut":
        found = measured_overhead()
        print(f"all layers, {SMALL_PX} px, {STEPS} steps of {BATCH}")
        for number, word in enumerate(("first", "second")):
            share = found.shares[number]
            print(f"  {word}: fit {found.fit[number]:.2f} s   ours {found.ours[number]:.2f} s   {share:+.1%}")


if __name__ == "__main__":
    main()
