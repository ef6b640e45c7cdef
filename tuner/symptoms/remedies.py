"""What is to be changed, as recipe paths with values? The few remedies that all symptoms draw from.

Where the current setting is known the value is a number; where it is not (curves that someone else recorded), the
value of a factor is a text such as "÷3", for a person to read.
"""

from tuner.recipe.batch_norm import DROPOUT_MOST as DROPOUT_MOST_BESIDE_BATCH_NORM
from tuner.recipe.batch_norm import WHY
from tuner.recipe.ladder import augmentation_ladder
from tuner.recipe.names import CLASSICS, WITHOUT_BATCH_NORM
from tuner.records import Change, LearningCurves
from tuner.symptoms.context import Context
from tuner.symptoms.costs import cheapest_first
from tuner.symptoms.networks import LARGER, WITH_SKIP_CONNECTIONS
from tuner.symptoms.yardsticks import rate

DROPOUT_STEP, DROPOUT_MOST = 0.2, 0.5
DROPOUT_STEP_BESIDE_BATCH_NORM = 0.1
DECAY_START, DECAY_MOST = 1e-4, 1e-1  # per step, decoupled
PENALTY_START, PENALTY_MOST = 1e-4, 1e-1  # times the sum of squared kernel weights
SMOOTHING = 0.1
AUXILIARY = 0.3  # weight of a second classifier in the loss (arXiv 1409.4842)
FINE_TUNE_FACTOR = 0.1  # of the head's rate, for pretrained layers (the lecture)
ONE_STEP_FOR_ALL, ADAPTIVE = ("SGD",), "AdamW"
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


def normalized(context: Context, because: str) -> tuple[Change, ...]:
    """Batch normalization between the layers, of a program or of a network of ours that has none."""
    told = context.recipe
    if told is None:
        return (Change("layers.add_batch_normalization", True, because),)
    lacks = told.backbone in CLASSICS and told.backbone in WITHOUT_BATCH_NORM and told.normalization == "own"
    return (Change("model.normalization", "batch", because),) if lacks and told.trainable != "none" else ()


def look_at_labels(because: str) -> Change:
    """No number: a person has to look."""
    return Change("data.labels", "look", because)


def longer(context: Context, epochs: int, because: str) -> Change:
    """Twice the epochs there were."""
    return Change("steps.change.epochs", max(10, 2 * epochs), because, context.epochs_planned)


def regularized(context: Context) -> tuple[Change, ...]:
    """More dropout, more decay, a penalty, distorted images: what is not yet at its limit, the cheapest first."""
    changes = [*_dropped(context), *_decayed(context), *_penalized(context), *_distorted(context)]
    return cheapest_first(changes)


def _dropped(context: Context) -> tuple[Change, ...]:
    """More dropout; little of it where batch normalization trains, and after the others."""
    most, step, because = DROPOUT_MOST, DROPOUT_STEP, "units that may vanish cannot memorize together"
    if context.batch_norm_trains:
        most, step = DROPOUT_MOST_BESIDE_BATCH_NORM, DROPOUT_STEP_BESIDE_BATCH_NORM
        because = f"{because}; only a little, because {WHY}"
    now = context.dropout or 0.0
    if now >= most:
        return ()
    return (Change("model.dropout", round(min(now + step, most), 2), because, context.dropout),)


def _decayed(context: Context) -> tuple[Change, ...]:
    now = context.weight_decay or 0.0
    if now >= DECAY_MOST:
        return ()
    value = min(max(10 * now, DECAY_START), DECAY_MOST)
    return (Change("optimizer.weight_decay", value, "smaller weights fit less noise", context.weight_decay),)


def _penalized(context: Context) -> tuple[Change, ...]:
    """A penalty on squared weights, which unlike decoupled decay goes through the optimizer as a gradient."""
    now = context.l2 or 0.0
    if now >= PENALTY_MOST:
        return ()
    because = "a penalty on large weights, inside the loss, makes answers less steep"
    return (Change("regularization.l2", min(max(10 * now, PENALTY_START), PENALTY_MOST), because, context.l2),)


def _distorted(context: Context) -> tuple[Change, ...]:
    """Images that differ in every epoch: of a recipe, each rung of the ladder; of a program, one, if it has none."""
    told = context.recipe
    if told is not None:
        rungs = augmentation_ladder(told.augmentation, told.image_size, told.class_names)
        return tuple(Change("augmentation", [list(layer) for layer in rung.value], rung.because) for rung in rungs)
    if context.augmented or context.images is False:
        return ()
    doubt = "" if context.images else " (if these are images)"
    return (Change("augmentation", DISTORTIONS, f"distorted images{doubt} are new examples"),)


def softened(context: Context, because: str) -> tuple[Change, ...]:
    """Label smoothing, if there is none yet."""
    return (
        ()
        if context.label_smoothing
        else (Change("loss.label_smoothing", SMOOTHING, because, context.label_smoothing),)
    )


def enlarged(context: Context) -> tuple[Change, ...]:
    """More capacity, the cheapest first: less that holds back, a wider head, more that trains, another network."""
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
    if context.l2 and context.l2 > PENALTY_START:
        changes.append(Change("regularization.l2", context.l2 / 10, "so does a penalty", context.l2))
    changes.append(Change("model.head_units", [256], "a hidden layer can fit what a linear head cannot"))
    return cheapest_first([*changes, *_unfrozen(context), *_other_network(context)])


def _unfrozen(context: Context) -> tuple[Change, ...]:
    """A recipe whose stages end before all layers train."""
    told = context.recipe
    if told is None or context.next_stage or not told.pretrained or told.trainable == "all":
        return ()
    stages = [
        {"name": "head", "trainable": "none"},
        {"name": "all", "trainable": "all", "learning_rate_factor": FINE_TUNE_FACTOR},
    ]
    return (Change("transfer", stages, "layers that train can learn what the frozen ones do not show"),)


def _other_network(context: Context) -> tuple[Change, ...]:
    """Of a recipe, as far as they are missing: normalization, skip connections, a second head, a larger backbone."""
    told = context.recipe
    if told is None:
        return ()
    changes = [*normalized(context, "normalized layers pass signal and gradient on")]
    skipping = WITH_SKIP_CONNECTIONS.get(told.backbone)
    if told.trainable != "none" and skipping:
        changes.append(Change("model.auxiliary_head", AUXILIARY, "lower layers get a gradient of their own"))
        changes.append(Change("model.backbone", skipping, "as deep, with ways around its layers for the gradient"))
    elif told.backbone in LARGER:
        changes.append(Change("model.backbone", LARGER[told.backbone], "a larger network of its kind can fit more"))
    return tuple(changes)


def adaptive(context: Context, because: str) -> tuple[Change, ...]:
    """An optimizer with a step of its own for each weight, where it has one step for all; its rate is found anew."""
    if context.optimizer not in ONE_STEP_FOR_ALL:
        return ()
    return (
        Change("optimizer.name", ADAPTIVE, f"{because}; its learning rate has to be found anew", context.optimizer),
    )


def decaying(because: str) -> Change:
    """A learning rate that falls to zero."""
    return Change("schedule.name", "CosineDecay", because)


def warmed_up(because: str) -> Change:
    """A learning rate that grows for one epoch before it is what it is."""
    return Change("schedule.warmup_epochs", 1.0, because)


def more_data(context: Context, because: str) -> Change:
    """Twice the examples, which only a person can collect."""
    return Change("data.train_examples", "×2", because, context.train_examples)


def _rounded(value: float) -> float:
    return float(f"{value:.2g}")
