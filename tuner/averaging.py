"""Is the mean answer to several copies of an image better than the answer to the image? Measured on validation first.

Noise in training, the mean over it at test time: an image and its augmented copies go through the best trial, and their
probabilities are averaged. The copies come from the trial's own augmentation, as far as that keeps labels; a trial that
was trained without any is shown mirror images. Only where validation gains does the test figure use them.

Source: L0 (regularization: "in training add noise, at test time average it out"); Krizhevsky et al. 2012, section 4.1
(ten crops and mirror images of a test image, averaged).
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from tuner.data import Problem
from tuner.records import Trial
from tuner.store import Store
from tuner.training import predict

BLOCK = 1 << 28  # bytes of images of which copies are made at once
TINY = 1e-7  # probabilities are clipped to it before the logarithm, as in training
MIRROR = (("RandomFlip", (("mode", "horizontal"),)),)  # drawn as a coin in training; here both sides are seen

Layers = tuple[tuple[str, tuple[tuple[str, Any], ...]], ...]


@dataclass(frozen=True)
class Averaging:
    """What averaging did on the validation images, and whether the test figure uses it."""

    copies: int  # beside the image itself
    layers: tuple[str, ...]  # names of what made them
    accuracy: tuple[float, float]  # on validation, of the image alone and of the mean
    loss: tuple[float, float]  # likewise, nats
    used: bool

    @property
    def sentence(self) -> str:
        """For the report."""
        how = f"the mean of an image and {self.copies} {'copy' if self.copies == 1 else 'copies'}"
        what = ", ".join(self.layers)
        gain = (
            f"validation accuracy {self.accuracy[0]:.3f} → {self.accuracy[1]:.3f}, "
            f"loss {self.loss[0]:.3f} → {self.loss[1]:.3f}"
        )
        end = (
            "The test figure is that of the mean; best.keras answers for one image at a time."
            if self.used
            else "No gain, so the test figure is that of the image alone."
        )
        return f"Test-time augmentation, {how} ({what}): {gain}. {end}"


def measured(problem: Problem, run: Store, best: Trial) -> Averaging | None:
    """What the recipe's `output.test_time_augmentation` gives on validation; None if it asks for none."""
    asked = problem.recipe.output.test_time_augmentation
    if not asked:
        return None
    run.progress.say(f"Test-time augmentation: {asked} copies of each validation image")
    layers = copying(best)
    split, count = problem.dataset.validation, copies_of(layers, asked)
    alone = predict(problem, run, best, split.images)
    mean = averaged(problem, run, best, split.images, count, alone)
    accuracies, losses = zip(*(_figures(found, split.labels) for found in (alone, mean)), strict=True)
    better = accuracies[1] > accuracies[0] or (accuracies[1] == accuracies[0] and losses[1] < losses[0])
    return Averaging(count, tuple(name for name, _ in layers), accuracies, losses, better)


def averaged(
    problem: Problem, run: Store, best: Trial, images: np.ndarray, copies: int, alone: np.ndarray
) -> np.ndarray:
    """Mean probabilities (N, num_classes) of uint8 images and so many copies; `alone` are those of the images."""
    total = np.array(alone, np.float64)
    for begin in range(0, len(images), size := max(1, BLOCK // math.prod(images.shape[1:]))):
        block = np.asarray(images[begin : begin + size])
        for number in range(copies):
            run.stop.check()
            total[begin : begin + size] += predict(problem, run, best, _copy(problem, best, block, number))
    return np.asarray(total / (1 + copies), np.float32)


def copying(best: Trial) -> Layers:
    """The layers that make copies: those of the trial that keep labels, else mirror images."""
    from tuner.training.augmentation import label_keeping

    return label_keeping(best.hyperparameters.augmentation) or MIRROR


def copies_of(layers: Layers, asked: int) -> int:
    """How many copies differ: of a mirror image there is one."""
    return 1 if layers == MIRROR else asked


def _copy(problem: Problem, best: Trial, images: np.ndarray, number: int) -> np.ndarray:
    layers = copying(best)
    if layers == MIRROR:
        return np.ascontiguousarray(images[:, :, ::-1])
    from tuner.training.copies import distorted

    return distorted(layers, images, problem.recipe.seed, number)


def _figures(probabilities: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Accuracy in [0, 1] and mean cross-entropy in nats."""
    right = probabilities[np.arange(len(labels)), labels]
    loss = -np.log(np.clip(right.astype(np.float64), TINY, 1)).mean()
    return float((probabilities.argmax(axis=1) == labels).mean()), float(loss)


def to_json(averaging: Averaging | None) -> dict[str, Any]:
    """What the conclusion keeps of it; empty where there is none."""
    if averaging is None:
        return {}
    return {"test_time_augmentation": dataclasses.asdict(averaging) | {"sentence": averaging.sentence}}
