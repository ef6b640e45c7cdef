"""What is to be changed, as recipe paths with values? The few remedies that all symptoms draw from.

Where the current setting is known the value is a number; where it is not (curves that someone else recorded), the
value of a factor is a text such as "÷3", for a person to read.
"""

from tuner.records import Change, LearningCurves
from tuner.symptoms.context import Context
from tuner.symptoms.yardsticks import rate

DROPOUT_STEP, DROPOUT_MOST = 0.2, 0.5
DECAY_START, DECAY_MOST = 1e-4, 1e-1  # per step, decoupled
SMOOTHING = 0.1
WHOLE_WAY, STEPS_UP = 1.0, (30, 10, 3)  # from guessing to zero; factors of a rate, the least one last
PATIENCE = 5  # epochs without a better validation loss after which a run ends: a dip of that length is rare
LARGE_RATE = 0.02  # above it the rate itself is the likeliest reason of a broken start, whatever the optimizer:
# Keras' own are 0.01 (SGD) and 0.001 (the others)
USUAL_RATE = 1e-3  # of Adam and its kin, in Keras
DISTORTIONS = [["RandomTranslation", {"height_factor": 0.1, "width_factor": 0.1}], ["RandomRotation", {"factor": 0.05}]]


def slower(curves: LearningCurves, context: Context, factor: int, because: str) -> Change:
    """A learning rate that is `factor` times lower."""
    now = rate(curves, context)
    return Change("optimizer.learning_rate", f"÷{factor}" if now is None else _rounded(now / factor), because, now)


def faster(curves: LearningCurves, context: Context, factor: int, because: str) -> Change:
    """A learning rate that is `factor` times higher."""
    now = rate(curves, context)
    return Change("optimizer.learning_rate", f"×{factor}" if now is None else _rounded(now * factor), because, now)


def woken(curves: LearningCurves, context: Context, because: str) -> Change:
    """A rate ten times higher where nothing moves, and a usual one where that would still be tiny."""
    now = rate(curves, context)
    if now is not None and 0 < 10 * now < USUAL_RATE:
        return Change("optimizer.learning_rate", USUAL_RATE, because, now)
    return faster(curves, context, 10, because)


def step_up(covered: float) -> int:
    """Factor of a rate at which a loss that falls in a straight line would come all of its way.

    Args:
        covered: share of the way from guessing to zero that was covered.
    """
    return next((factor for factor in STEPS_UP if factor * covered <= WHOLE_WAY), STEPS_UP[-1])


def is_large(curves: LearningCurves, context: Context) -> bool | None:
    """Whether the rate is larger than what is usual with any optimizer; None where it is not known."""
    now = rate(curves, context)
    return None if now is None else now > LARGE_RATE


def stopped_early(context: Context, because: str) -> tuple[Change, ...]:
    """Training that ends when validation gets no better, with the weights of its best epoch; unless it does already."""
    return () if context.keeps_best else (Change("training.early_stopping", PATIENCE, because),)


def clipped(because: str) -> Change:
    """Gradients cut to a global norm of one."""
    return Change("optimizer.global_clipnorm", 1.0, because)


def scaled(because: str) -> Change:
    """Inputs with mean 0 and standard deviation 1."""
    return Change("data.scale_inputs", "standardize", because)


def targets_scaled(because: str) -> Change:
    """Targets with mean 0 and standard deviation 1."""
    return Change("data.scale_targets", "standardize", because)


def normalized(because: str) -> Change:
    """Batch normalization between the layers."""
    return Change("layers.add_batch_normalization", True, because)


def look_at_labels(because: str) -> Change:
    """No number: a person has to look."""
    return Change("data.labels", "look", because)


def longer(context: Context, epochs: int, because: str) -> Change:
    """Twice the epochs there were."""
    return Change("steps.change.epochs", max(10, 2 * epochs), because, context.epochs_planned)


def regularized(context: Context) -> tuple[Change, ...]:
    """More dropout, more weight decay, softer labels, distorted images: what is not yet at its limit, in that order."""
    changes: list[Change] = []
    dropout = context.dropout or 0.0
    if dropout < DROPOUT_MOST:
        value = round(min(dropout + DROPOUT_STEP, DROPOUT_MOST), 2)
        changes.append(
            Change("model.dropout", value, "units that may vanish cannot memorize together", context.dropout)
        )
    decay = context.weight_decay or 0.0
    if decay < DECAY_MOST:
        value = min(max(10 * decay, DECAY_START), DECAY_MOST)
        changes.append(Change("optimizer.weight_decay", value, "smaller weights fit less noise", context.weight_decay))
    if not context.augmented:
        changes.append(Change("augmentation", DISTORTIONS, "distorted images (if these are images) are new examples"))
    return tuple(changes)


def softened(context: Context, because: str) -> tuple[Change, ...]:
    """Label smoothing, if there is none yet."""
    return (
        ()
        if context.label_smoothing
        else (Change("loss.label_smoothing", SMOOTHING, because, context.label_smoothing),)
    )


def enlarged(context: Context) -> tuple[Change, ...]:
    """More capacity: the next transfer stage, then whatever holds the model back, then a wider head."""
    changes: list[Change] = []
    if context.next_stage:
        changes.append(
            Change("transfer.stage", "next", "more trainable layers can fit what the frozen ones do not show")
        )
    if context.dropout:
        changes.append(Change("model.dropout", 0.0, "dropout holds back a model that underfits", context.dropout))
    if context.weight_decay and context.weight_decay > DECAY_START:
        value = context.weight_decay / 10
        changes.append(Change("optimizer.weight_decay", value, "so does weight decay", context.weight_decay))
    changes.append(Change("model.head_units", [256], "a hidden layer can fit what a linear head cannot"))
    return tuple(changes)


def _rounded(value: float) -> float:
    return float(f"{value:.2g}")
