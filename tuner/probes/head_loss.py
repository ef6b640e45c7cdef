"""Do the last layer, the loss and the targets belong together?

The largest class of faults in questions about Keras, and the cheapest to see: nothing has to be trained. Each output of
the model is judged by itself; the swap that would make it right is named.

Source: AUTOTRAINER (improper activation and loss), DeepDiagnosis (range of outputs), NeuraLint, UMLAUT; the rules and
their sources are in `head_rules.py` and `head_rules_numbers.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tuner.probes import head_rules, head_rules_numbers
from tuner.probes.head_facts import Output, outputs_of
from tuner.probes.head_rules import FIRM, LIKELY, Fault
from tuner.probes.probe import Probe
from tuner.records import Change, Outcome, Verdict
from tuner.symptoms import Context

RULES = (  # the first that speaks counts; impossible before unlikely
    head_rules.single_softmax,
    head_rules.single_unit_cross_entropy,
    head_rules_numbers.shape,
    head_rules.form_of_labels,
    head_rules.number_of_classes,
    head_rules.numbers_as_classes,
    head_rules_numbers.columns,
    head_rules.stacked,
    head_rules.wrong_axis,
    head_rules.wrong_probabilities,
    head_rules.scores_or_probabilities,
    head_rules_numbers.out_of_reach,
    head_rules_numbers.distance_of_classes,
    head_rules_numbers.margins,
    head_rules_numbers.counts,
    head_rules_numbers.accuracy_of_numbers,
)


@dataclass(frozen=True)
class HeadLoss:
    """Every output of the model."""

    outputs: tuple[Output, ...]


def measure(subject: Any) -> HeadLoss | None:
    """Read the end of the model, its loss and its targets; None where it has no loss of its own."""
    outputs = outputs_of(subject)
    return HeadLoss(outputs) if outputs else None


def judge(evidence: HeadLoss, context: Context) -> Iterator[Verdict]:
    """One verdict for each output that does not fit, and for what stands behind its last activation."""
    for out in evidence.outputs:
        fault = fault_of(out)
        if fault is not None:
            yield _verdict(out, fault, len(evidence.outputs) > 1)
        yield from behind(out)


def fault_of(out: Output) -> Fault | None:
    """The first rule that speaks."""
    return next((found for found in (rule(out) for rule in RULES) if found is not None), None)


def behind(out: Output) -> Iterator[Verdict]:
    """Dropout or batch normalization behind the last layer with weights disturbs the answer itself."""
    for name in out.ending.after:
        yield Verdict(
            "layer_order",
            Outcome.WARN,
            f"The dropout {name} stands behind the last layer with weights: it strikes out answers, not features.",
            {"layer": name},
            (Change(f"layers.{name}.rate", 0.0, "answers are not to be dropped"),),
            confidence=0.85,
            check="train once with its rate at 0",
            source="NeuraLint (order of layers)",
        )
    if out.ending.normalized and out.ending.activation in head_rules.PROBABILITIES:
        yield Verdict(
            "layer_order",
            Outcome.WARN,
            f"The batch normalization {out.ending.normalized} stands behind the {out.ending.activation}: "
            "what leaves it is no probability.",
            {"layer": out.ending.normalized},
            (Change(f"layers.{out.ending.normalized}", "remove", "the answers have to stay probabilities"),),
            confidence=0.85,
            check="train once without it",
            source="NeuraLint (order of layers)",
        )


def _verdict(out: Output, fault: Fault, several: bool) -> Verdict:
    firm = fault.confidence >= LIKELY
    targets = out.targets
    return Verdict(
        fault.name,
        Outcome.PASS if fault.note else Outcome.FAIL if firm else Outcome.WARN,
        f"Output {out.name}: {fault.sentence}" if several else fault.sentence,
        {
            "loss": out.loss.name,
            "from_logits": out.loss.from_logits,
            "activation": out.ending.activation,
            "units": out.ending.units,
            "targets": targets.kind if targets else None,
            "classes": targets.classes if targets else None,
            "output_low": out.low,
            "output_high": out.high,
        },
        fault.changes,
        confidence=fault.confidence,
        check="look at model.summary(), the loss and three rows of targets side by side"
        if fault.confidence < FIRM
        else "one batch: the loss as it is and after the swap",
        source="keras.losses; AUTOTRAINER, NeuraLint",
    )


PROBE = Probe(
    "head_loss_mismatch", "Do the last layer, the loss and the targets belong together?", HeadLoss, measure, judge
)
