"""Is a difference between two accuracies more than chance?

Validation accuracy over n images is a mean of n coin tosses: its standard error is sqrt(p (1 - p) / n), and a gain
smaller than that is not a gain. Intervals are Wilson's, which hold near 0 and 1 where the normal one does not.

Source: E. B. Wilson, Probable inference, JASA 22 (1927); Agresti and Coull (1998) on its coverage.
"""

import math

Z95 = 1.959964  # two-sided 95 % quantile of the standard normal


def standard_error(accuracy: float, examples: int) -> float:
    """Standard error of an accuracy in [0, 1] over `examples` images; never below that of one image in `examples`."""
    if examples <= 0 or not math.isfinite(accuracy):
        return math.nan
    p = min(max(accuracy, 0.5 / examples), 1 - 0.5 / examples)
    return math.sqrt(p * (1 - p) / examples)


def wilson_interval(correct: int, examples: int, z: float = Z95) -> tuple[float, float]:
    """The 95 % interval of an accuracy, (low, high) in [0, 1]. Raises `ValueError` unless 0 <= correct <= examples."""
    if examples <= 0 or not 0 <= correct <= examples:
        raise ValueError(f"need 0 <= correct <= examples and examples > 0, got {correct} of {examples}")
    p = correct / examples
    centre = (p + z * z / (2 * examples)) / (1 + z * z / examples)
    half = z / (1 + z * z / examples) * math.sqrt(p * (1 - p) / examples + z * z / (4 * examples * examples))
    low = 0.0 if correct == 0 else centre - half
    high = 1.0 if correct == examples else centre + half
    return (low, high)
