"""Has the model begun to learn what holds for the training data only?

The validation loss has left its minimum for good while the training loss still falls. Whether accuracy suffers too is
told: a validation loss that rises under an accuracy that holds is a model that grows too sure of itself.

A rise is believed as soon as it leaves the noise and would, if it went on for ten epochs more as it began, be 6 %:
to wait until it is 5 % costs twice the epochs and saves hardly a false alarm. Where the training loss has fallen by
three tenths meanwhile the two curves part for certain, and all that a rise must reach may lie ahead.

Source: the lecture's step 5; CS231n; Google's tuning playbook; 5 % above the minimum (runmedic), here looked ahead to,
and in units of the noise and of the way that validation went; calibrated on small networks on drawn tables.
"""

from collections.abc import Sequence

from tuner.records import Change, LearningCurves, Outcome, Verdict
from tuner.symptoms import gap
from tuner.symptoms.context import Context
from tuner.symptoms.costs import cheapest_first
from tuner.symptoms.remedies import look_at_labels, more_data, regularized, softened, stopped_early
from tuner.symptoms.shape import cost, is_accuracy, lowest, median, median_of_three, noise, tail, val_cost
from tuner.symptoms.symptom import BROKEN, Symptom
from tuner.symptoms.yardsticks import accuracy_noise, chance, examples_behind, start

LEAST_EPOCHS = 5
PATIENCE = 2  # epochs since the best one
LATEST = 2  # epochs that "now" is the mean of: a tenth of a long run would say it late
RISE = 0.02  # of the minimum, already
AHEAD = 10  # epochs that the rise is continued for, at its mean pace since the minimum
RISE_AHEAD, RISE_AHEAD_WHERE_ACCURACY_HOLDS = 0.06, 0.07  # of the minimum, by then
RISE_OF_START = 0.01  # of the loss of guessing
EXAMPLES = 0.7  # validation examples that go from right to guessing
RISE_OF_WAY = 0.02  # of the way from the first validation loss to the best
ABOVE_NOISE = 3.5
EASED, ABOVE_NOISE_EASED = 0.2, 2.0  # of what a rise must reach, where a gap in accuracy is wide already
BEFORE, LEAST_FOR_NOISE = 5, 10  # epochs before the best, and at least, that the noise is measured on
LEAST_SINCE = 8  # epochs from before the minimum on, of which alone the noise can be measured
LEARNED_ON = 0.05  # training must have fallen by this share of its value since the best epoch
APART = 0.2  # of the training loss: validation lies above it by so much
PARTED, APART_FOR_SURE = 0.3, 0.5  # training fell by so much since, and validation lies so far above: the curves part
PARTED_RISE, PARTED_WAY, PARTED_EXAMPLES = 0.05, 0.10, 1.0  # what a rise must then reach, ten epochs ahead


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """WARN where the validation loss left its minimum and the training loss went on falling."""
    validation, training = val_cost(curves), cost(curves)
    if len(validation) < LEAST_EPOCHS or len(training) < len(validation):
        return None
    smooth = median_of_three(validation)
    best, now = lowest(smooth), median(validation[-LATEST:])
    since, rise = len(validation) - 1 - best, now - smooth[best]
    if since < PATIENCE or rise <= 0:
        return None
    learned, before = median(training[-LATEST:]), _level(training, best)
    if learned > before - LEARNED_ON * abs(before) or now - learned < APART * abs(learned):
        return None
    accuracy, suffers = _accuracy_loss(curves, context, best)
    pace = RISE_AHEAD if suffers else RISE_AHEAD_WHERE_ACCURACY_HOLDS
    ahead = _ahead(validation, best, smooth[best])
    wanted = max(
        RISE * abs(smooth[best]),
        pace * abs(smooth[best]) * rise / ahead,
        RISE_OF_WAY * max(smooth[0] - smooth[best], 0.0),
        _of_the_start(curves, context),
    )
    jitter = _jitter(validation, best)
    if gap.find(curves, context):  # the other half of overfitting stands firm already
        wanted, above_noise = EASED * wanted, ABOVE_NOISE_EASED
    else:
        above_noise = ABOVE_NOISE
    if rise <= max(wanted, above_noise * jitter) and not _parted(curves, context, smooth, best, jitter):
        return None
    return _verdict(curves, context, best, smooth[best], now, accuracy, suffers)


def _of_the_start(curves: LearningCurves, context: Context, share: float = EXAMPLES) -> float:
    """A rise that matters at all, measured by what guessing costs: 1 % of it, and one validation example's share."""
    begin = abs(start(curves, context))
    examples = context.val_examples or examples_behind(curves.val_accuracy)
    return begin * max(RISE_OF_START, share / examples if examples else 0.0)


def _parted(curves: LearningCurves, context: Context, smooth: Sequence[float], best: int, jitter: float) -> bool:
    """Whether training fell so far since the best epoch that a rise beyond noise is enough, if it goes on."""
    before, learned = _level(cost(curves), best), median(cost(curves)[-LATEST:])
    now = median(val_cost(curves)[-LATEST:])
    if learned > (1 - PARTED) * before or now - learned < APART_FOR_SURE * abs(learned):
        return False
    rise = now - smooth[best]
    wanted = max(
        PARTED_RISE * abs(smooth[best]),
        PARTED_WAY * (smooth[0] - smooth[best]),
        _of_the_start(curves, context, PARTED_EXAMPLES),
    )
    return rise > ABOVE_NOISE * jitter and _ahead(val_cost(curves), best, smooth[best]) > wanted


def _ahead(validation: Sequence[float], best: int, lowest_loss: float) -> float:
    """The rise in `AHEAD` epochs if it goes on as since the minimum, or as lately where it has slowed down."""
    since = len(validation) - 1 - best
    rise = median(validation[-LATEST:]) - lowest_loss
    half = since // 2
    if half < LATEST:
        return rise * (1 + AHEAD / since)
    lately = (median(validation[-LATEST:]) - median(validation[-LATEST - half : -half])) / half
    return rise + AHEAD * max(0.0, min(rise / since, lately))


def _level(training: Sequence[float], best: int) -> float:
    """The training loss around the best epoch: one epoch of it may be luck."""
    return median(training[max(0, best - 1) : best + 2])


def _jitter(validation: Sequence[float], best: int) -> float:
    """The noise from shortly before the minimum on, or since then alone: the bend of the way down looks like noise."""
    around = noise(validation[max(0, min(best - BEFORE, len(validation) - LEAST_FOR_NOISE)) :])
    since = validation[max(0, best - 1) :]
    return min(around, noise(since)) if len(since) >= LEAST_SINCE else around


def _verdict(
    curves: LearningCurves,
    context: Context,
    best: int,
    lowest_loss: float,
    now: float,
    accuracy: float | None,
    suffers: bool,
) -> Verdict:
    rise = f"{(now - lowest_loss) / abs(lowest_loss):.0%}" if lowest_loss else f"{now:.3g}"
    memorized, validation = _memorized(curves), val_cost(curves)
    best = min(range(max(0, best - 1), min(best + 2, len(validation))), key=validation.__getitem__)  # as it is recorded
    lowest_loss = validation[best]
    about = (
        " Validation never learned anything: look at the labels."
        if memorized
        else " Accuracy is that of guessing: look at the labels, and at how validation is prepared."
        if _guesses(curves, context)
        else " Accuracy holds, the model only grows too sure of itself."
        if accuracy is not None and not suffers
        else ""
    )
    kept = " Early stopping has put the best epoch back." if context.stops_early else ""
    return Verdict(
        "overfit",
        Outcome.PASS if context.stops_early else Outcome.WARN,
        f"Overfitting since epoch {best + 2}: the validation loss is {rise} above its minimum of {lowest_loss:.4g} "
        f"at epoch {best + 1} while the training loss went on falling.{about}{kept}",
        {
            "best_epoch": best + 1,
            "best_val_loss": lowest_loss,
            "val_loss": now,
            "train_loss": median(tail(cost(curves), least=2)),
            "val_accuracy_lost": accuracy,
        },
        _remedies(context, suffers, memorized),
        onset=best + 2,
        confidence=0.95 if suffers or curves.val_accuracy == () else 0.75,
        check="look at twenty training images with their labels"
        if memorized
        else f"the weights of epoch {best + 1} against the last ones, on validation",
        source="6 % above the minimum ten epochs ahead, 3.5 times the noise; the lecture's step 5, Google's playbook",
    )


def _accuracy_loss(curves: LearningCurves, context: Context, best: int) -> tuple[float | None, bool]:
    values = curves.val_accuracy
    if len(values) <= best or not is_accuracy(values):
        return None, True
    lost = max(median_of_three(values)[: best + 2]) - median(tail(values))
    return lost, lost > accuracy_noise(values, context.val_examples)


def _memorized(curves: LearningCurves) -> bool:
    """Training accuracy went far up and validation accuracy nowhere."""
    if len(curves.accuracy) < LEAST_EPOCHS or len(curves.val_accuracy) < LEAST_EPOCHS:
        return False
    gained = median(tail(curves.accuracy)) - curves.accuracy[0]
    val_gained = max(median_of_three(curves.val_accuracy)) - curves.val_accuracy[0]
    return gained > 0.3 and val_gained < 0.1 * gained and median(curves.val_accuracy) < 0.6


def _guesses(curves: LearningCurves, context: Context) -> bool:
    """Whether validation is surely no better than guessing at the end."""
    level = chance(curves, context)
    if level is None or not curves.val_accuracy:
        return False
    return median(tail(curves.val_accuracy)) <= level.accuracy + accuracy_noise(
        curves.val_accuracy, context.val_examples
    )


def _remedies(context: Context, suffers: bool, memorized: bool) -> tuple[Change, ...]:
    look = (look_at_labels("what is learned by heart and carries over to nothing may be wrong"),) if memorized else ()
    softer = softened(context, "soft labels keep the model from growing too sure")
    ends = stopped_early(context, "the best epoch's weights are better than the last ones, whatever else is changed")
    firm = regularized(context)
    held = cheapest_first((*firm, *softer) if suffers else (*softer, *firm))
    return (*look, *ends, *held, more_data(context, "what holds for more examples cannot be learned by heart"))


SYMPTOM = Symptom(
    "overfit", "The validation loss left its minimum while the training loss went on falling.", find, yields_to=BROKEN
)
