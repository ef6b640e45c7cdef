"""Did the model learn its own training data? What a look inside means depends on it.

Dead units, saturated outputs or small gradients in a model that fits are how it fits, no fault. So an alarm on signals
asks for a model that is poor as well; of an untrained model nobody knows yet.
"""

import math
from dataclasses import dataclass

import numpy as np

from tuner.probes.passes import Passes
from tuner.probes.stateless import loss, problems

POOR = 0.5  # of the way from a constant answer to a perfect one, on training data
LITTLE = 0.3  # of the first loss: less than that was gained, where the way itself has no measure
UNTOUCHED = 1e-7  # largest change of a weight, relative, below which nothing was trained


@dataclass(frozen=True)
class Fitness:
    """How well a model answers its own training sample."""

    trained: bool | None = None
    quality: float = math.nan  # 0 no better than a constant answer, 1 perfect
    progress: float = math.nan  # share of the loss before training that is gone

    @property
    def poor(self) -> bool:
        """Trained, and yet it did not learn."""
        if self.trained is False:
            return False
        if math.isfinite(self.quality) and self.progress != -math.inf:
            return self.quality < POOR and (self.trained is True or math.isnan(self.progress))
        return self.progress < LITTLE

    def below(self, quality: float) -> bool:
        """Trained, and poor or short of a quality (0 a constant answer, 1 perfect)."""
        return self.poor or (self.trained is True and self.quality < quality)

    @property
    def open(self) -> bool:
        """Nothing speaks against a fault: it is untrained, or poor."""
        return self.trained is False or self.poor


def fitness(found: Passes) -> Fitness:
    """The fitness of a subject's model as it is now."""
    subject = found.subject
    progress = math.nan
    if subject.initial is not None and len(subject.initial) == len(found.model.weights):
        ours = {v.path: w for v, w in zip(found.model.weights, subject.initial, strict=True)}
        values = [ours[v.path] for v in found.model.trainable_variables]
        try:
            before = np.mean([loss(found.model, values, *found.batch(i), True).data for i in range(2)])
            now = np.mean([loss(found.model, None, *found.batch(i), True).data for i in range(2)])
        except problems():
            return Fitness(subject.trained, found.quality)
        progress = float(1 - now / before) if before > 0 else math.nan
    if not all(math.isfinite(one.data) for one in found.backward[0]):
        progress = -math.inf  # it got lost
    return Fitness(subject.trained, found.quality, progress)
