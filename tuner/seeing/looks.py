"""Where did the best trial look when it was sure, and wrong? Validation images only; the test set stays sealed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.data import Split
from tuner.models import Classifier
from tuner.seeing.heat import heat, looking
from tuner.seeing.overlay import pair

Array = NDArray[Any]

FILE = "looks.json"  # the artifact of a run
MOST = 12  # mistakes that are shown


@dataclass(frozen=True)
class Look:
    """One mistake: the image and the heat on it, as one picture."""

    image: str  # a data URI: the image, and beside it the heat for the class that was said
    true: str
    predicted: str
    probability: float  # of the wrong answer
    map: tuple[int, int]  # places of the feature map, rows and columns
    place: tuple[float, float]  # of the most heat: share of the height from the top, of the width from the left


def looks(
    classifier: Classifier, split: Split, probabilities: Array, names: tuple[str, ...], most: int = MOST
) -> tuple[Look, ...]:
    """The surest mistakes of a split, surest first, with where the network looked; none where it has no feature map.

    Args:
        classifier: with its trained weights.
        split: the images and labels that `probabilities` (N, num_classes) belong to.
        probabilities: what the classifier says.
        names: of the classes.
        most: how many at most.
    """
    rows = surest_mistakes(probabilities, np.asarray(split.labels), most)
    seeing = looking(classifier) if len(rows) else None
    if seeing is None:
        return ()
    images, said = np.stack([split.images[row] for row in rows]), probabilities[rows].argmax(axis=1)
    return tuple(
        Look(
            pair(image, warm),
            names[int(split.labels[row])],
            names[int(guess)],
            float(probabilities[row, guess]),
            (warm.shape[0], warm.shape[1]),
            hottest(warm),
        )
        for row, image, guess, warm in zip(rows, images, said, heat(seeing, images, said), strict=True)
    )


def surest_mistakes(probabilities: Array, labels: Array, most: int) -> Array:
    """Rows of the wrong answers with the highest probability, highest first."""
    said = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(said != labels)
    found: Array = wrong[np.argsort(-probabilities[wrong, said[wrong]], kind="stable")][:most]
    return found


def hottest(warm: Array) -> tuple[float, float]:
    """The middle of the hottest place, as shares of height and width."""
    row, column = np.unravel_index(int(warm.argmax()), warm.shape)
    return (row + 0.5) / warm.shape[0], (column + 0.5) / warm.shape[1]
