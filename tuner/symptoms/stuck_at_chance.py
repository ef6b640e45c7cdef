"""Has the model learned nothing at all?

A run that stays where guessing would put it (`at_chance`) trains nothing, however many epochs it lasts. What keeps it
there is weighed by what the curve rules out.

Source: the lecture's step 1 (ln C); CS231n; runmedic's band of 2 %.
"""

from tuner.records import Change, LearningCurves, Outcome, Verdict
from tuner.symptoms.at_chance import (
    NEAR_CONSTANT,
    NOTHING,
    SAME_ANSWER,
    SURE_OF_ONE,
    WELL_ABOVE,
    after_the_first,
    at,
    creeps,
    fell_to,
    level_of,
)
from tuner.symptoms.causes import ordered, weighed
from tuner.symptoms.context import Context
from tuner.symptoms.remedies import is_large, look_at_labels, normalized, scaled, slower, woken
from tuner.symptoms.shape import mean, noise
from tuner.symptoms.symptom import Symptom
from tuner.symptoms.yardsticks import AT_CHANCE, Chance, chance, rate

LEAST_EPOCHS = 3
THROWN_OUT = 1.1  # first epoch over the mean of the others: it came back to chance from above
WANDERS = 1e-3  # jitter of the loss, as a share of chance, that small steps do not make
LARGE_RATE, SMALL_RATE = 0.05, 1e-5  # beyond which a rate is a likely cause by itself, whatever the optimizer
SLOW_START = 0.6  # of the run: who was at chance until then, and is hardly off it, is no better
HARDLY = 0.5  # of chance


def find(curves: LearningCurves, context: Context) -> Verdict | None:
    """FAIL where loss and accuracy are no better than those of a model that ignores its input."""
    told = chance(curves, context)
    if max(len(curves.loss), len(curves.accuracy)) < LEAST_EPOCHS:
        return None
    level = level_of(curves, context)
    if level is None:
        return _slow_start(curves, context, told)
    losses, accuracies = after_the_first(curves.loss), after_the_first(curves.accuracy)
    if fell_to(level, curves):
        losses, accuracies = losses[-SAME_ANSWER:], accuracies[-SAME_ANSWER:]
    return _verdict(curves, context, level, losses, accuracies)


def _verdict(
    curves: LearningCurves,
    context: Context,
    level: Chance,
    losses: tuple[float, ...],
    accuracies: tuple[float, ...],
    late: str = "",
) -> Verdict:
    epochs, causes = curves.epochs, _causes(curves, context, level)
    accuracy = f" and accuracy {mean(accuracies):.3g}, guessing gives {level.accuracy:.3g}" if accuracies else ""
    loss = f"Loss stays at {mean(losses):.4g}, guessing gives {level.loss:.4g}" if losses else "Nothing is learned"
    return Verdict(
        "stuck_at_chance",
        Outcome.WARN if late else Outcome.FAIL,
        f"{loss}{accuracy}: " + (late or f"after {epochs} epochs the model has learned nothing."),
        {
            "chance_loss": level.loss,
            "chance_accuracy": level.accuracy,
            "chance_is_told": level.told,
            "far_above": bool(losses) and mean(losses) > WELL_ABOVE * level.loss,
            "loss": mean(losses) if losses else None,
            "accuracy": mean(accuracies) if accuracies else None,
            "causes": causes,
        },
        _remedies(curves, context, causes),
        onset=1,
        confidence=0.98 if level.told and losses and accuracies and epochs >= 5 else 0.85,
        check="overfit twenty examples (step 2): if that fails too, inputs, labels or gradients are not connected",
        source="ln C within 2 % (CS231n, runmedic); the lecture's steps 1 and 2",
    )


def _slow_start(curves: LearningCurves, context: Context, told: Chance | None) -> Verdict | None:
    """WARN where most of the run was spent at chance, and what came then has not gone far."""
    begin = round(SLOW_START * curves.epochs)
    if told is None or min(len(curves.loss), len(curves.accuracy)) < NOTHING:
        return None
    if curves.loss[-1] < HARDLY * told.loss or begin < SAME_ANSWER:
        return None
    early = LearningCurves(curves.loss[:begin], curves.val_loss[:begin], curves.accuracy[:begin])
    losses, accuracies = early.loss[1:], early.accuracy[1:]
    if not at(told, losses, accuracies, early, context) or creeps(early.loss, told):
        return None
    late = f"the first {begin} of {curves.epochs} epochs taught it nothing, and it has not come far since."
    return _verdict(early, context, told, losses, accuracies, late)


def _causes(curves: LearningCurves, context: Context, level: Chance) -> dict[str, float]:
    """What keeps a run at chance, by what the curve rules out."""
    losses, now = after_the_first(curves.loss), rate(curves, context)
    if len(losses) > 1 and losses[0] > THROWN_OUT * losses[-1]:  # it took epochs to come down
        return weighed({"reg_overwhelming": 0.5, "lr_too_high": 0.3, "input_scale": 0.2})
    if losses and mean(losses) > SURE_OF_ONE * level.loss and noise(losses) < NEAR_CONSTANT * mean(losses):
        return weighed({"bad_init": 0.35, "lr_too_high": 0.25, "head_loss_mismatch": 0.2, "input_scale": 0.2})
    if curves.loss and losses and curves.loss[0] > THROWN_OUT * mean(losses):
        return weighed({"lr_too_high": 0.5, "input_scale": 0.3, "dead_relu": 0.2})
    weights = {"lr_too_low": 0.3, "dead_relu": 0.25, "ignores_input": 0.2, "lr_too_high": 0.15, "bad_init": 0.1}
    if losses and noise(losses) > WANDERS * level.loss:
        weights |= {"lr_too_high": 0.5, "lr_too_low": 0.05}  # steps so small would not move it at all
    elif losses and mean(losses) > (1 + AT_CHANCE) * level.loss:
        weights["lr_too_low"] = 0.6  # not even the way down to chance was gone
    if now is not None and now >= LARGE_RATE:
        weights |= {"lr_too_high": 0.5, "lr_too_low": 0.05}
    elif now is not None and now <= SMALL_RATE:
        weights |= {"lr_too_low": 0.7, "lr_too_high": 0.02}
    elif is_large(curves, context) is False:  # a usual rate throws out what was about to break anyway
        weights |= {"dead_relu": 0.35, "lr_too_high": min(weights["lr_too_high"], 0.25)}
    return weighed(weights)


def _remedies(curves: LearningCurves, context: Context, causes: dict[str, float]) -> tuple[Change, ...]:
    live = normalized(context, "units that never answer learn nothing; normalized inputs wake them")
    return ordered(
        causes,
        {
            "lr_too_high": (slower(curves, context, 10, "the first steps may have broken the model"),),
            "reg_overwhelming": (
                Change("regularization.l2", 0.0, "a penalty that outweighs the data brings all weights to zero"),
                Change("optimizer.weight_decay", 0.0, "so does a decay that is too strong", context.weight_decay),
            ),
            "lr_too_low": (woken(curves, context, "nothing moves, and nothing was thrown out"),),
            "input_scale": (scaled("large inputs make the first steps too large"),),
            "dead_relu": live,
            "bad_init": live,
            "ignores_input": (look_at_labels("inputs or labels may not be connected to the loss"),),
        },
    )


SYMPTOM = Symptom(
    "stuck_at_chance",
    "Loss and accuracy stay where guessing would put them.",
    find,
    yields_to=("nan_or_inf", "loss_increases_from_start", "diverging"),
)
