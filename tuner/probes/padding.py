"""Does a recurrent layer read the zeros that only fill up, as if they were words?

Sequences of one length are made by filling up with zeros. Where these stand at the end and no mask is given, the last
thing that the layer has seen is a row of zeros, and what came before fades. Zeros at the beginning do no harm.

Source: Keras, guide on masking and padding; Dwarampudi and Reddy 2019 (pre- against post-padding).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tuner.probes import forward, graph
from tuner.probes.fitness import POOR
from tuner.probes.probe import Probe
from tuner.records import Change, Outcome, Verdict
from tuner.symptoms import Context

RECURRENT = ("LSTM", "GRU", "SimpleRNN")
MUCH = 0.3  # of a sequence, on average, are zeros at its end
GOOD = 0.9  # quality from which it has evidently done no harm
MOST = 512  # sequences that are looked at


@dataclass(frozen=True)
class Padding:
    """An embedding without a mask, and a recurrent layer that gives its last state."""

    embedding: str  # name of the layer
    recurrent: str
    filled: float  # share of a sequence that is zeros at its end, on average
    quality: float  # of the model by now: 1 perfect, 0 no better than one answer; NaN where nobody knows


def measure(subject: Any) -> Padding | None:
    """Count the zeros at the end; None where there is no such model, or no sequences of whole numbers."""
    layers = graph.leaves(subject.model) if subject.x is not None else []
    embedding = next((one for one in layers if graph.kind(one) == "Embedding"), None)
    last = next((one for one in layers if graph.kind(one) in RECURRENT and not one.return_sequences), None)
    if embedding is None or last is None or embedding.mask_zero or last.go_backwards:
        return None
    if any(graph.kind(one) == "Masking" for one in layers) or isinstance(subject.x, dict | list | tuple):
        return None
    x = np.asarray(subject.x)[:MOST]
    if x.ndim != 2 or x.dtype.kind not in "iuf" or not x.size:
        return None
    lengths = np.where((x != 0).any(1), x.shape[1] - (x[:, ::-1] != 0).argmax(1), 0)
    filled = float(1 - lengths.mean() / x.shape[1])
    return Padding(embedding.name, last.name, filled, forward.quality_of(subject))


def judge(evidence: Padding, context: Context) -> Iterator[Verdict]:
    """An alarm where the model is poor besides, else a note."""
    if evidence.filled < MUCH or evidence.quality >= GOOD:
        return
    poor = math.isfinite(evidence.quality) and evidence.quality < POOR
    yield Verdict(
        "unmasked_padding",
        Outcome.WARN if poor else Outcome.PASS,
        f"{evidence.filled:.0%} of a sequence are zeros at its end, on average, and {evidence.recurrent!r} reads them "
        f"all: {evidence.embedding!r} gives it no mask.",
        {"filled": evidence.filled, "quality": evidence.quality},
        (
            Change(f"layers.{evidence.embedding}.mask_zero", True, "layers behind it then skip the zeros", False),
            Change("data.inputs", "look", 'pad_sequences(padding="pre") has the words last'),
        ),
        confidence=0.85 if poor else 0.6,
        check="the answers for one sequence, with and without the zeros at its end",
        source="Keras, masking and padding; Dwarampudi and Reddy 2019",
    )


PROBE = Probe("padding", "Are zeros that fill up read as if they were words?", Padding, measure, judge)
