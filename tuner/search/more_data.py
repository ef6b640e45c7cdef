"""Would more data help? How the errors of a model fell while its training examples doubled tells what comes next.

The error of a model falls as a power of the number of its training examples, over a wide range: on logarithmic axes it
is a straight line, whose slope is found from a quarter, a half and all of the examples. The line is continued by one
doubling, and no further; it knows no floor, so what it promises is rather too much than too little.

Source: Hestness et al. 2017, arXiv 1712.00409 (power laws of learning curves, exponents of -0.07 to -0.5 in use).
"""

import math
from dataclasses import dataclass

from tuner.search.noise import Z95

SHARES = (0.25, 0.5, 1.0)  # of the training examples
LEAST_GAIN = 0.005  # of accuracy: below half a point nobody collects as many images again


@dataclass(frozen=True)
class DataCurve:
    """Errors of one model on the same validation examples, trained on more and more examples."""

    examples: tuple[int, ...]
    errors: tuple[float, ...]  # share of the validation examples that is wrong, in [0, 1]
    validation: int  # examples
    what: str = "a linear head on these features"  # the model, in words


@dataclass(frozen=True)
class Doubling:
    """What twice the examples are worth."""

    slope: float  # of log error by log examples: 0 is no gain at all, -0.5 is as good as it gets in practice
    gain: float  # of accuracy
    noise: float  # standard error of that gain, by the validation examples that are wrong

    @property
    def pays(self) -> bool:
        """Whether it is worth the while, beyond doubt."""
        return self.gain - Z95 * self.noise > 0 and self.gain >= LEAST_GAIN


def doubling(curve: DataCurve) -> Doubling:
    """The power law through the errors, by least squares, continued by one doubling.

    An error of zero counts as that of half an example. Raises `ValueError` for fewer than two sizes.
    """
    if len(curve.examples) < 2 or len(curve.examples) != len(curve.errors):
        raise ValueError(f"a slope needs two sizes and an error for each, not {curve.examples} and {curve.errors}")
    x = [math.log(count) for count in curve.examples]
    y = [math.log(max(error, 0.5 / curve.validation)) for error in curve.errors]
    middle = sum(x) / len(x)
    weights = [(value - middle) / sum((other - middle) ** 2 for other in x) for value in x]
    slope = min(0.0, sum(weight * value for weight, value in zip(weights, y, strict=True)))
    wrong = [max(error * curve.validation, 0.5) for error in curve.errors]
    spread = math.sqrt(
        sum(w * w * _relative_variance(count, curve.validation) for w, count in zip(weights, wrong, strict=True))
    )
    last, factor = math.exp(y[-1]), 2.0**slope
    return Doubling(slope, last * (1 - factor), last * factor * math.log(2) * spread)


def _relative_variance(wrong: float, examples: int) -> float:
    """Variance of the logarithm of a share of which so many of the examples are made: (1 - p) / (n p)."""
    return max(1 - wrong / examples, 0.0) / wrong


def sentence(curve: DataCurve) -> str:
    """The errors, and what twice the examples would be worth, in points of accuracy."""
    found = doubling(curve)
    sizes = ", ".join(f"{count:,}" for count in curve.examples[:-1]) + f" and {curve.examples[-1]:,}"
    errors = ", ".join(f"{error:.1%}" for error in curve.errors[:-1]) + f" and {curve.errors[-1]:.1%}"
    worth = f"twice the images are worth {100 * found.gain:.1f} ± {100 * found.noise:.1f} points of accuracy"
    end = f"{worth}, if that goes on." if found.pays else f"{worth}: more images of this kind would hardly help."
    return f"Trained on {sizes} images, {curve.what} is wrong on {errors} of the validation images: {end}"


def shares(examples: int, least: int) -> tuple[int, ...]:
    """The sizes to train on, the smallest first; none where the smallest would be below `least`."""
    sizes = tuple(round(share * examples) for share in SHARES)
    return sizes if sizes[0] >= least else ()
