"""Was the model confident before it had learned anything?

The loss of the first batch is that of the untrained model. Over C classes it should be near ln C (or the entropy of the
class frequencies), in a regression near the loss of the best constant answer. Twice as much is a head that starts too
large, inputs that are not scaled, or a loss that is summed instead of averaged. It is judged where each step's loss was
recorded: the mean of a first epoch holds what the optimizer did as well. Only a regression that is still worse than a
constant answer after all its epochs is judged without.

Source: CS231n, neural-networks-3, "sanity checks" (ln C); TheDeepChecker (tolerates 100 % of ln C, kept here for the
alarm: one batch of a common initializer lies up to half a nat off); Karpathy's recipe (bias of the last layer).
"""

from tuner.records import Change, LearningCurves, Outcome, Verdict
from tuner.symptoms.context import Context
from tuner.symptoms.remedies import scaled
from tuner.symptoms.shape import cost, median, tail
from tuner.symptoms.symptom import Symptom
from tuner.symptoms.yardsticks import chance

FAR = 2.0  # times the loss of guessing
FAR_IN_A_REGRESSION = 5.0  # a bias that starts at 0 far from the mean of the targets is common, and mends itself
LEAST_EPOCHS = 8  # where only the means of epochs are there
WORSE_THAN_CONSTANT = 1.5  # times the loss of a constant answer, at the end
HARMLESS = 0.5  # of the loss of guessing: training that came below it got well in spite of its start


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """WARN where the first batch's loss is far above guessing and training did not get well in spite of it."""
    level = chance(curves, context)
    expected = level.loss if level else context.baseline_loss
    if expected is None or expected <= 0:
        return None
    if not curves.step_loss:
        return _still_there(curves, context) if level is None else None
    first, far = curves.step_loss[0], FAR if level else FAR_IN_A_REGRESSION
    if first <= far * expected:
        return None
    last = median(tail(cost(curves))) if curves.loss else median(tail(curves.step_loss))
    if last < HARMLESS * expected:
        return None
    return Verdict(
        "init_loss_wrong",
        Outcome.WARN,
        f"The first batch, before any step, has a loss of {first:.4g}; a model that knows nothing has {expected:.4g}: "
        "it starts confident and wrong.",
        {
            "first_step_loss": first,
            "expected": expected,
            "ratio": first / expected,
            "last": last,
            "causes": {"input_scale": 0.45, "bad_init": 0.35, "head_loss_mismatch": 0.2}
            if level
            else {"target_scale": 0.6, "input_scale": 0.25, "bad_init": 0.15},
        },
        _remedies(regression=level is None),
        onset=1,
        confidence=0.75,
        check="the loss of an untrained model on one batch, with inputs standardized and the penalties taken out",
        source="ln C (CS231n); 100 % of it, as TheDeepChecker tolerates; Karpathy's recipe",
    )


def _still_there(curves: LearningCurves, context: Context) -> Verdict | None:
    """WARN where a regression began far above the loss of a constant answer and has not come down to it."""
    base, losses = context.baseline_loss or 0.0, curves.loss
    if len(losses) < LEAST_EPOCHS or losses[0] <= FAR_IN_A_REGRESSION * base:
        return None
    last = min(median(tail(v)) for v in (losses, curves.val_loss) if v)
    if last <= WORSE_THAN_CONSTANT * base:
        return None
    return Verdict(
        "init_loss_wrong",
        Outcome.WARN,
        f"The first epoch's loss of {losses[0]:.4g} is {losses[0] / base:.3g} times that of a constant answer, and "
        f"after {len(losses)} epochs it is still {last / base:.3g} times that: its first answers are far too large.",
        {
            "first": losses[0],
            "expected": base,
            "ratio": losses[0] / base,
            "last": last,
            "causes": {"input_scale": 0.4, "bad_init": 0.4, "reg_overwhelming": 0.1, "lr_too_high": 0.1},
        },
        (scaled("large inputs make large answers before anything is learned"), *_remedies(regression=True)[:1]),
        onset=1,
        confidence=0.75,
        check="the loss of an untrained model on one batch, with inputs standardized and the penalties taken out",
        source="the loss of a constant answer; Karpathy's recipe",
    )


def _remedies(regression: bool) -> tuple[Change, ...]:
    inputs = scaled("large inputs make large scores before anything is learned")
    if regression:
        return (Change("data.scale_targets", "standardize", "a model starts near 0, so should its targets"), inputs)
    return (inputs, Change("model.head_initializer", "zeros", "a head that starts at zero knows nothing, as it should"))


SYMPTOM = Symptom(
    "init_loss_wrong",
    "The first batch's loss, before any step, is far above guessing.",
    find,
    yields_to=("nan_or_inf", "loss_increases_from_start", "stuck_at_chance", "reg_overwhelming"),
)
