"""How is a net trained whose lower layers are held? The engine `cut`: above the first layer that trains, on kept maps.

What lies below the cut computes the same for an image whenever it is asked, so it runs once over the images, in
inference mode, and its feature maps are kept on disk like the features of a whole backbone. A training step starts at
the cut. The trial is that of the engine `net`, batch for batch and weight for weight, within rounding; so a trial of
either may go on from one of the other.

Augmented images are new ones in each epoch, and are `net`'s.

Source: Nakandala and Kumar 2022 (Nautilus): keep what is frozen if reading it is cheaper than computing it.
"""

import shutil
from collections.abc import Sequence

from tuner import models
from tuner.data import Problem
from tuner.models.work import operations
from tuner.records import Trial, TrialSpec
from tuner.store import Store
from tuner.training.asked import ancestors, first_seed, split_of
from tuner.training.families import lower_of, untouched
from tuner.training.features import Trunk, features_file, opened
from tuner.training.single import serve_one

SPLITS = ("train", "validation")
BYTES = 4  # of a number: maps are float32, because they stand for what `net` computes
LEAST_WORK = 100  # floating-point operations a byte that is kept. Memory gives 5e9 bytes a second or more, and networks
# are computed at 2.5e11 operations a second (two CPU cores, measured) at most: below 50, reading would be no gain
MOST_BYTES = 32 << 30  # of the maps of one cut of one data set
SHARE_OF_FREE_DISK = 0.5  # that the maps may take


def can_serve(problem: Problem, run: Store, spec: TrialSpec) -> bool:
    """Whether keeping the maps pays, and nothing below the cut has moved in the trials that this one starts from.

    That depends on the spec, the recipe and the data alone, never on what is kept or on the disk.
    """
    line = [spec, *ancestors(run, spec)]
    structure, seed = models.structure_of(spec.hyperparameters), line[-1].seed
    if not pays(problem, structure, seed):
        return False
    return untouched(problem, structure, seed, [each.hyperparameters.trainable for each in line])


def pays(problem: Problem, structure: models.Structure, seed: int) -> bool:
    """Whether the maps at the cut of this structure are worth the disk that they take."""
    lower = lower_of(problem, structure, seed)
    if lower is None:
        return False
    return operations(lower.backbone) >= LEAST_WORK * BYTES * lower.width and _bytes(problem, lower) <= MOST_BYTES


def serve(problem: Problem, run: Store, specs: Sequence[TrialSpec]) -> list[Trial]:
    """Train one after the other; as `net`, whose trials are the same, where the disk has no room for the maps."""
    return [serve_one("cut" if _fits(problem, run, spec) else "net", problem, run, spec) for spec in specs]


def _bytes(problem: Problem, lower: Trunk) -> int:
    """Of the maps of the images that are trained on and validated on."""
    images = sum(len(split_of(problem, split).labels) for split in SPLITS)
    return images * lower.width * BYTES


def _fits(problem: Problem, run: Store, spec: TrialSpec) -> bool:
    """Whether the maps are there, or the disk has room for them."""
    problem = problem.whole  # a fold's maps are rows of those of all images
    lower = lower_of(problem, models.structure_of(spec.hyperparameters), first_seed(run, spec))
    assert lower is not None  # or this engine would not serve
    files = {split: features_file(problem.cache, problem.dataset.fingerprint, split, lower) for split in SPLITS}
    if all(opened(file, len(split_of(problem, split).labels), lower) is not None for split, file in files.items()):
        return True
    problem.cache.mkdir(parents=True, exist_ok=True)
    return _bytes(problem, lower) <= SHARE_OF_FREE_DISK * shutil.disk_usage(problem.cache).free
