"""Is the optimizer's rate of now the rate of the run? At the end of a schedule it is not, and nothing follows from it.

Source: keras.optimizers.schedules.CosineDecay ends at zero; keras.callbacks.ReduceLROnPlateau divides by ten.
"""

from tuner.symptoms import Context

HALF = 0.5  # of the rate that the run began with: below it the rate was taken down on purpose


def decayed(rate: float | None, context: Context) -> bool:
    """Whether a rate that is found after training is lower than that of the run because it was meant to be."""
    if rate is None:
        return False
    if context.learning_rate:
        return rate < HALF * context.learning_rate
    return bool(context.rate_is_scheduled)
