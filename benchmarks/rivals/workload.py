"""On which data, with which network, for how long? The workloads, and the arrays that every contender reads.

Fashion-MNIST, drawn once with a fixed seed, goes through the product's own `npz` source: decoded and resized once into
uint8 arrays on disk. Contenders map those same files; nobody decodes or resizes while the clock runs.

Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST", arXiv:1708.07747, in Debian's package dataset-fashion-mnist.
"""

import dataclasses
import gzip
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

PLACE = Path(os.environ.get("TUNER_BENCHMARKS", Path(tempfile.gettempdir()) / "tuner-benchmarks"))
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
CLASSES = 10
TEST = 32  # images of a third part that every recipe has and nobody reads
DRAW = 0  # seed of the draw
RATES = (1e-4, 1.0)  # learning rates are searched between these, log-uniform
MOMENTUM = 0.9  # SGD for everybody
FEATURES = "features-{part}.npy"

AUGMENTATION: tuple[tuple[str, dict[str, Any]], ...] = (
    ("RandomFlip", {"mode": "horizontal"}),
    ("RandomRotation", {"factor": 0.05}),
    ("RandomZoom", {"height_factor": 0.1}),
)


@dataclass(frozen=True)
class Arrays:
    """What is trained on: images uint8 (N, H, W, 3) or features float32 (N, D), and labels int64 (N,)."""

    x: np.ndarray
    y: np.ndarray
    x_val: np.ndarray
    y_val: np.ndarray


@dataclass(frozen=True)
class Workload:
    """One kind of work."""

    name: str
    train: int  # images
    validation: int
    size: int  # pixels, height and width
    epochs: int
    batch_size: int = 32
    backbone: str = "EfficientNetLite0"
    weights: str = "imagenet"  # or none, or a file of random ones: good for time, not for accuracy
    trainable: str = "none"  # none | half | all
    augmented: bool = False

    @property
    def key(self) -> str:
        """A folder of its own for each set of arrays and features."""
        return f"{self.train}-{self.validation}-{self.size}-{self.backbone}-{Path(self.weights).name}"

    def on(self, backbone: str) -> "Workload":
        """The same work on another backbone, with its real weights where a package brings them.

        Frozen, it has random ones from a file, the same for everybody: `tuner` refuses to freeze what never learned.
        """
        random = "none" if self.trainable != "none" else str(PLACE / f"random-{self.size}-{backbone}.weights.h5")
        weights = "imagenet" if backbone == "EfficientNetLite0" else random
        return dataclasses.replace(self, backbone=backbone, weights=weights)

    def recipe(self) -> dict[str, Any]:
        """The recipe of `tuner` for it."""
        return {
            "version": 1,
            "name": self.name.lower(),
            "seed": 1,
            "data": {
                "source": "npz",
                "path": "images.npz",
                "image_size": [self.size, self.size],
                "batch_size": self.batch_size,
                "cache_dir": "cache",
            },
            "model": {"backbone": self.backbone, "weights": self.weights},
            "transfer": [{"name": "only", "trainable": self.trainable}],
            "optimizer": {"name": "SGD", "learning_rate": 0.01, "momentum": MOMENTUM, "weight_decay": 0},
            "augmentation": [{name: arguments} for name, arguments in AUGMENTATION] if self.augmented else [],
            "steps": {"short_runs": {"epochs": self.epochs}},
        }


_ALL = (
    Workload("W1", 2000, 500, 224, 5),
    Workload("W1s", 256, 64, 224, 3),
    Workload("W3s", 256, 64, 224, 3, augmented=True),
    Workload("W4s", 256, 64, 224, 3, backbone="MobileNetV2", weights="none", trainable="half"),
    Workload("W5s", 1600, 64, 64, 4, backbone="MobileNetV2", weights="none", trainable="all"),
)

WORKLOADS: dict[str, Workload] = {workload.name: workload for workload in _ALL}


def write_images(workload: Workload, folder: Path) -> None:
    """Write `images.npz` into `folder`: 28 x 28 pixels, train, validation and test apart.

    Raises `FileNotFoundError` if Debian's package is not installed.
    """
    images, labels = _idx("train-images-idx3", 16), _idx("train-labels-idx1", 8)
    counts = (workload.train, workload.validation, TEST)
    rows = np.split(np.random.default_rng(DRAW).permutation(len(labels))[: sum(counts)], np.cumsum(counts)[:-1])
    parts = {}
    for part, chosen in zip(("train", "val", "test"), rows, strict=True):
        parts |= {f"x_{part}": images.reshape(-1, 28, 28)[chosen], f"y_{part}": labels[chosen].astype(np.int64)}
    np.savez(folder / "images.npz", **parts)


def write_recipe(workload: Workload, folder: Path) -> Path:
    """Write the workload's recipe beside its images; returns the file."""
    file = folder / f"{workload.name}.yaml"
    file.write_text(json.dumps(workload.recipe(), indent=1))
    return file


def _idx(name: str, header: int) -> np.ndarray:
    """The bytes of one of the four original files."""
    file = DEBIAN / f"{name}-ubyte.gz"
    if not file.is_file():
        raise FileNotFoundError(f"{file} is missing: apt-get install dataset-fashion-mnist")
    return np.frombuffer(gzip.decompress(file.read_bytes()), np.uint8, offset=header)


def features_of(folder: Path, part: str) -> Path:
    """Where the features of `train` or `validation` are."""
    return folder / FEATURES.format(part=part)
