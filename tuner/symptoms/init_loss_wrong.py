"""Was the model confident before it had learned anything?

The loss of the first batch is that of the untrained model. Over C classes it should be near ln C (or the entropy of the
class frequencies), in a regression near the loss of the best constant answer. Twice as much is a head that starts too
large, inputs that are not scaled, or a loss that is summed instead of averaged. It is judged only where each step's
loss was recorded: the mean of a first epoch holds what the optimizer did as well.

Source: CS231n, neural-networks-3, "sanity checks" (ln C); TheDeepChecker (tolerates 100 % of ln C, kept here for the
alarm: one batch of a common initializer lies up to half a nat off); Karpathy's recipe (bias of the last layer).
"""

from tuner.records import Change, LearningCurves, Outcome, Verdict
from tuner.symptoms.context import Context
from tuner.symptoms.shape import cost, median, tail
from tuner.symptoms.symptom import Symptom
from tuner.symptoms.yardsticks import chance

FAR = 2.0  # times the loss of guessing
FAR_IN_A_REGRESSION = 5.0  # a bias that starts at 0 far from the mean of the targets is common, and mends itself
HARMLESS = 0.5  # of the loss of guessing: training that came below it got well in spite of its start


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """WARN where the first batch's loss is far above guessing and training did not get well in spite of it."""
    level = chance(curves, context)
    expected = level.loss if level else context.baseline_loss
    if not curves.step_loss or expected is None or expected <= 0:
        return None
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


def _remedies(regression: bool) -> tuple[Change, ...]:
    scaled = Change("data.scale_inputs", "standardize", "large inputs make large scores before anything is learned")
    if regression:
        return (Change("data.scale_targets", "standardize", "a model starts near 0, so should its targets"), scaled)
    return (scaled, Change("model.head_initializer", "zeros", "a head that starts at zero knows nothing, as it should"))


SYMPTOM = Symptom(
    "init_loss_wrong",
    "The first batch's loss, before any step, is far above guessing.",
    find,
    yields_to=("nan_or_inf", "loss_increases_from_start", "stuck_at_chance"),
)
