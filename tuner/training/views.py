"""How does anybody get the features of a split? From disk, without Keras, or computed once and kept.

A split has two views: `plain`, the images as they are, and `flipped`, their mirror images. A random horizontal flip
has no third outcome, so training with flips reads cached features too. Importing this file does not import Keras.
"""

from collections.abc import Callable

import numpy as np

from tuner.data import Problem
from tuner.data.folds import picked
from tuner.models.structure import Structure
from tuner.store import Store
from tuner.training.asked import split_of
from tuner.training.features import Trunk, cached_features, features_file, opened
from tuner.training.known import known_trunk

VIEWS = ("plain", "flipped")


def split_features(
    problem: Problem, run: Store, spec_seed: int, structure: Structure, split: str, view: str = "plain"
) -> np.ndarray:
    """Features (N, D), float32, read-only, memory-mapped, of a split by the frozen backbone of the recipe.

    Keras is imported only if they are not on disk, or if the backbone is the user's own.

    Args:
        problem: whose recipe names the backbone; a user's whole classifier has none (`AssertionError`).
        run: its progress is told, and its stop obeyed (`Interrupted`).
        spec_seed: the seed of the first weights, which counts only for a backbone with random ones.
        structure: of the trial; the features do not depend on it, but it names the classifier that is built.
        split: `train` or `validation`.
        view: `plain`, or `flipped` for the images mirrored left to right.
    """
    if view not in VIEWS:
        raise ValueError(f"a split has the views {', '.join(VIEWS)}, not {view}")
    if problem.dataset.fold is not None:
        return _of_fold(problem, split, lambda p, each: split_features(p, run, spec_seed, structure, each, view))
    known = known_trunk(problem, spec_seed)
    if known is not None:
        file = features_file(problem.cache, problem.dataset.fingerprint, view_name(split, view), known)
        kept = opened(file, len(split_of(problem, split).images), known)
        if kept is not None:
            return kept
    from tuner.training.families import trunk_of

    trunk = trunk_of(problem, structure, spec_seed)
    assert trunk is not None  # or another engine would serve
    return trunk_features(problem, run, trunk, split, view)


def trunk_features(problem: Problem, run: Store, trunk: Trunk, split: str, view: str = "plain") -> np.ndarray:
    """`split_features` by a trunk that is at hand: a frozen backbone, or the part of one below a cut."""
    if problem.dataset.fold is not None:
        return _of_fold(problem, split, lambda p, each: trunk_features(p, run, trunk, each, view))
    images = split_of(problem, split).images
    seen = images if view == "plain" else images[:, :, ::-1]
    file = features_file(problem.cache, problem.dataset.fingerprint, view_name(split, view), trunk)
    return cached_features(file, seen, trunk, run.progress, run.stop)


def _of_fold(problem: Problem, split: str, features: Callable[[Problem, str], np.ndarray]) -> np.ndarray:
    """The features of a split of a fold: rows of those of the whole problem, of which none is computed again."""
    fold = problem.dataset.fold
    assert fold is not None  # or there is nothing to pick from
    return picked([features(problem.whole, each) for each in ("train", "validation")], fold.rows[split])


def view_name(split: str, view: str) -> str:
    """What a view of a split is called in the name of its features."""
    return split if view == "plain" else f"{split}-{view}"
