"""Which verdict is a cause and which its consequence, and in which order are they told?

A firm cause silences what follows from it: a plateau behind the wrong loss is no second fault. What was silenced stands
in the evidence of its cause (`explains`). A cause that is not firm silences nothing and comes after those that are.

Source: the order of report of the lecture's steps (data and loss, small sample, rate, fit); AUTOTRAINER and
DeepDiagnosis stop at the first symptom of a fixed order, and take consequences for causes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from tuner.records import Change, Outcome, Verdict

FIRM = 0.7  # confidence from which a cause silences its consequences
PLAIN = 0.8  # confidence from which a fault of the data silences its consequences however sure these are
READ_OFF = 0.95  # confidence that only inputs which are all alike give to `ignores_input`
DOUBTFUL = 0.6  # confidence below which a verdict comes after all others

BROKEN = ("nan_or_inf", "loss_increases_from_start", "diverging", "stuck_at_chance")
SLOW = ("plateau", "underfit", "undertrained", "lr_too_low")
RESTLESS = ("oscillating", "loss_spikes", "lr_too_high", "exploding_gradient")
SIGNAL = ("vanishing_gradient", "dead_relu", "saturated")
START = ("init_loss_wrong", "cannot_overfit_tiny", "ignores_input", "bad_init")
DISAGREE = ("loss_metric_disagree", "train_eval_mismatch")

CONSEQUENCES: dict[
    str, tuple[str, ...]
] = {  # cause -> what follows from it; causes before consequences: the order told
    "nan_input": (*BROKEN, *SLOW, *RESTLESS, *SIGNAL, *START, *DISAGREE, "unchanged_weights", "label_noise"),
    "nan_or_inf": ("exploding_gradient", "diverging", "loss_increases_from_start", "dead_relu", "unchanged_weights"),
    "int_input": (*BROKEN, *SLOW, *RESTLESS, *SIGNAL, *START),
    "head_loss_mismatch": (
        *(*BROKEN, *SLOW, *RESTLESS, *SIGNAL, *START, *DISAGREE),
        *("target_scale", "class_imbalance", "shuffled_labels", "label_noise", "unchanged_weights", "layer_order"),
    ),
    "double_softmax": (*BROKEN[1:], *SLOW, *SIGNAL, "cannot_overfit_tiny", "init_loss_wrong"),
    "layer_order": ("stuck_at_chance", "plateau", "underfit", "cannot_overfit_tiny", *DISAGREE),
    "missing_or_linear_activation": ("stuck_at_chance", *SLOW, "cannot_overfit_tiny"),
    "input_scale": (*BROKEN, *SLOW, *RESTLESS, *SIGNAL, *START, *DISAGREE, "unchanged_weights"),
    "unmasked_padding": ("stuck_at_chance", *SLOW, "vanishing_gradient", "ignores_input", "shuffled_labels"),
    "target_scale": (*BROKEN, *SLOW, *RESTLESS, *SIGNAL, *START, *DISAGREE, "unchanged_weights", "reg_overwhelming"),
    "split_mismatch": (
        *("shuffled_labels", "label_noise", "overfit", "gap", "oscillating", "loss_spikes", "val_below_train"),
        *("overtrained_budget", "init_loss_wrong"),
    ),
    "shuffled_labels": ("label_noise", "gap", "stuck_at_chance", *SLOW),
    "label_noise": ("gap", "plateau", "underfit", "loss_spikes"),
    "val_suspiciously_good": ("val_below_train",),
    "class_imbalance": ("stuck_at_chance", *SLOW, "loss_metric_disagree"),
    "unchanged_weights": (*BROKEN[3:], *SLOW, *SIGNAL, *START[:3]),
    "bad_init": (*BROKEN, *SLOW, "loss_metric_disagree", *RESTLESS, *SIGNAL, *START[:3], "unchanged_weights"),
    "init_loss_wrong": ("loss_spikes",),
    "reg_overwhelming": ("stuck_at_chance", *SLOW, *SIGNAL, *DISAGREE, "init_loss_wrong", "lr_too_high"),
    "reg_not_applied": (),
    "lr_too_high": (
        *BROKEN[1:],
        *SLOW,
        "loss_metric_disagree",
        "oscillating",
        "loss_spikes",
        "exploding_gradient",
        "cannot_overfit_tiny",
        "unchanged_weights",  # units pushed out of reach let no gradient through
    ),
    "degradation": (
        *("exploding_gradient", "stuck_at_chance", "plateau", "underfit", "undertrained", "lr_too_low"),
        "cannot_overfit_tiny",
    ),
    "exploding_gradient": ("diverging", "loss_spikes", "oscillating", "plateau", "underfit"),
    "loss_increases_from_start": (),
    "diverging": (),
    "dead_relu": ("vanishing_gradient", "stuck_at_chance", *SLOW, "cannot_overfit_tiny", "ignores_input"),
    "saturated": ("vanishing_gradient", "stuck_at_chance", *SLOW, "cannot_overfit_tiny"),
    "vanishing_gradient": ("stuck_at_chance", *SLOW, "cannot_overfit_tiny", "ignores_input"),
    "ignores_input": ("loss_metric_disagree", "stuck_at_chance", "cannot_overfit_tiny", "plateau", "underfit"),
    "cannot_overfit_tiny": ("stuck_at_chance", "loss_metric_disagree", "plateau", "underfit"),
    "lr_too_low": (
        *("loss_metric_disagree", "stuck_at_chance", "plateau", "underfit", "undertrained"),
        "init_loss_wrong",  # the first answers stay what they were
    ),
    "train_eval_mismatch": ("gap", "oscillating", "loss_metric_disagree", "underfit", "plateau"),
    "stuck_at_chance": ("loss_metric_disagree", "underfit", "plateau", "undertrained"),
    "loss_metric_disagree": (),
    "overfit": ("gap",),
    "gap": (),
    "oscillating": (),
    "loss_spikes": (),
    "underfit": ("plateau", "undertrained"),
    "plateau": (),
}
ORDER = {name: place for place, name in enumerate(CONSEQUENCES)}
SEEN_ONLY = (  # shapes of curves: they name no cause of their own, and a firm cause silences them however sure they are
    *BROKEN,
    *("plateau", "underfit", "undertrained", "oscillating", "loss_spikes", "loss_metric_disagree", "gap"),
    *("init_loss_wrong", "cannot_overfit_tiny"),
)
OF_THE_DATA = (
    "nan_input",
    "int_input",
    "head_loss_mismatch",
    "input_scale",
    "target_scale",
    "split_mismatch",
)  # read, not inferred
READ_IN_USE = (
    *("shuffled_labels", "gap", "overfit", "oscillating", "underfit", "plateau", "loss_spikes", "stuck_at_chance"),
    *("loss_metric_disagree", "overtrained_budget", "diverging"),
    *("dead_relu", "saturated"),  # looked for in a model that is poor in use, with the units as they are in use
)
ON_ITS_WAY = ("undertrained", "too_short_to_tell")  # notes of the curves: what a longer run would mend is no fault
SLOW_OR_STUCK = ("stuck_at_chance", "plateau", "underfit", "lr_too_low", "cannot_overfit_tiny", "vanishing_gradient")


def joined(inside: Sequence[Verdict], outside: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """Verdicts of probes and of curves as one list, the most important first, each name once.

    `healthy` only where nothing asks for anything.
    """
    inside, outside = _acquitted(inside, outside)
    found = merged([*_in_this_light(inside, outside), *outside])
    alarms = _one_rate([v for v in found if v.outcome is not Outcome.PASS])
    uneven = any(v.name == "class_imbalance" for v in found)
    told = sorted(_suspected(_told(alarms), uneven), key=_place)
    notes = [v for v in found if v.outcome is Outcome.PASS and not (told and v.name == "healthy")]
    of_the_run = {v.name for v in outside}
    notes.sort(key=lambda v: v.name not in of_the_run)
    return (*told, *notes)


def _suspected(told: list[Verdict], uneven: bool) -> list[Verdict]:
    """Without a mere suspicion against the labels where a firm cause is known, or uneven classes look the same."""
    firm = uneven or any((v.confidence or 0) >= FIRM and v.name not in SEEN_ONLY for v in told)
    return [v for v in told if not (firm and v.name == "shuffled_labels" and (v.confidence or 1) < DOUBTFUL)]


def _one_rate(alarms: list[Verdict]) -> list[Verdict]:
    """Too high and too low at once cannot be: the surer one is kept."""
    rates = [v for v in alarms if v.name in ("lr_too_high", "lr_too_low")]
    surest = max(rates, key=lambda v: v.confidence or 0, default=None)
    return [v for v in alarms if v is surest or v not in rates]


def _acquitted(inside: Sequence[Verdict], outside: Sequence[Verdict]) -> tuple[list[Verdict], list[Verdict]]:
    """Without what the other side speaks against: curves that suspect, and a look inside or a longer run that explains.

    While the run still improves it may catch up with the simpler model yet. Labels that a simple model predicts on
    validation data are not shuffled. A network as good as the simple models may be as good as can be. Moving averages
    that have not arrived spoil whatever is read off validation.
    """
    passes = {v.name for v in inside if v.outcome is Outcome.PASS}
    gone = passes & {"shuffled_labels", "plateau"}
    if "plateau" in gone:
        gone |= {v.name for v in outside if v.name == "underfit" and (v.confidence or 0) < FIRM}
    if any(v.name == "train_eval_mismatch" for v in inside):
        gone |= set(READ_IN_USE)
    early = bool({v.name for v in outside} & set(ON_ITS_WAY))
    unpenalized = passes & {"reg_overwhelming"}  # the curves suspect a penalty, and there is none
    cleared = [v for v in inside if v.name not in gone and not (early and "yardstick" in v.evidence)]
    return (
        [v for v in cleared if v.name not in unpenalized or v.outcome is not Outcome.PASS],
        [v for v in outside if v.name not in gone | unpenalized],
    )


def _in_this_light(inside: Iterable[Verdict], outside: Sequence[Verdict]) -> list[Verdict]:
    """A head that often works all the same is no alarm, unless the run went badly."""
    names = {v.name for v in (*inside, *outside) if v.outcome is not Outcome.PASS}
    badly = any(name in names for name in SLOW_OR_STUCK)
    return [
        replace(v, outcome=Outcome.WARN, confidence=min(v.confidence or DOUBTFUL, DOUBTFUL))
        if badly and v.name == "head_loss_mismatch" and v.outcome is Outcome.PASS and _swaps(v)
        else v
        for v in inside
    ]


def _swaps(verdict: Verdict) -> bool:
    return any(change.path == "loss.name" for change in verdict.changes)


def merged(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Each name once: the surest verdict, the worse outcome, the evidence and the changes of all."""
    found: dict[str, Verdict] = {}
    for verdict in verdicts:
        found[verdict.name] = _both(found[verdict.name], verdict) if verdict.name in found else verdict
    return list(found.values())


def _both(one: Verdict, other: Verdict) -> Verdict:
    alarm = [v for v in (one, other) if v.outcome is not Outcome.PASS]
    if len(alarm) == 1:
        return alarm[0]
    first, second = (one, other) if (one.confidence or 0) >= (other.confidence or 0) else (other, one)
    outcome = Outcome.FAIL if Outcome.FAIL in (one.outcome, other.outcome) else first.outcome
    return replace(
        first,
        outcome=outcome,
        evidence={**second.evidence, **first.evidence},
        changes=_all_changes(first.changes, second.changes),
        onset=first.onset if first.onset is not None else second.onset,
    )


def _all_changes(first: Sequence[Change], second: Sequence[Change]) -> tuple[Change, ...]:
    known = {change.path for change in first}
    return (*first, *(change for change in second if change.path not in known))


def _told(alarms: Sequence[Verdict]) -> list[Verdict]:
    """What is left when each firm cause has silenced its consequences."""
    silenced = _alike(alarms)
    for cause in sorted(alarms, key=_place):
        if cause.name in silenced or (cause.confidence or 0) < FIRM:
            continue
        for other in alarms:
            if other.name in CONSEQUENCES.get(cause.name, ()) and other.name not in silenced and _follows(cause, other):
                silenced[other.name] = cause.name
    return [_explaining(v, silenced) for v in alarms if v.name not in silenced]


def _alike(alarms: Sequence[Verdict]) -> dict[str, str]:
    """What inputs that are all alike explain: whatever is seen inside the model. Else dead units explain blind ones."""
    alike = any(v.name == "ignores_input" and (v.confidence or 0) >= READ_OFF for v in alarms)
    seen = (*SIGNAL, *SLOW, "stuck_at_chance", "shuffled_labels", *START[:2]) if alike else ()
    return {v.name: "ignores_input" for v in alarms if v.name in seen}


def _follows(cause: Verdict, other: Verdict) -> bool:
    plain = cause.name in OF_THE_DATA and (cause.confidence or 0) >= PLAIN
    surer = (cause.confidence or 0) >= (other.confidence or 0)
    return other is not cause and (plain or surer or other.name in SEEN_ONLY)


def _explaining(verdict: Verdict, silenced: dict[str, str]) -> Verdict:
    names = sorted(name for name, cause in silenced.items() if cause == verdict.name)
    return replace(verdict, evidence={**verdict.evidence, "explains": names}) if names else verdict


def _place(verdict: Verdict) -> tuple[bool, int]:
    doubtful = (verdict.confidence if verdict.confidence is not None else 1.0) < DOUBTFUL
    return doubtful, ORDER.get(verdict.name, len(ORDER))
