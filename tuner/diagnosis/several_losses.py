"""Does one of several outputs drown the others?

What is trained is the weighted sum of all losses. Where one of them is a hundred times as large as another, the layers
that both share hardly hear of the other; the sum falls all the same, and its curve looks sound.

Source: Kendall et al. 2018 (weights of several losses decide what is learned); Chen et al. 2018 (GradNorm).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tuner.diagnosis.training import Training
from tuner.records import Change, Outcome, Verdict

NAME = "losses_uneven"
DROWNS = 100.0  # times another's, in the first epoch
LEARNED = 0.5  # of its own first loss: who has come so far was heard all the same
LEAST_EPOCHS = 5


def drowned(found: Sequence[Verdict], training: Training) -> tuple[Verdict, ...]:
    """The verdicts, and one more, first, where a loss is drowned by another and did not come down by itself."""
    losses = _weighted(training)
    if len(losses) < 2:
        return tuple(found)
    loud = max(losses, key=lambda name: losses[name][0])
    quiet = [
        name
        for name, values in losses.items()
        if 0 < DROWNS * values[0] <= losses[loud][0] and min(values) > (1 - LEARNED) * values[0]
    ]
    if not quiet:
        return tuple(found)
    least = min(quiet, key=lambda name: losses[name][0])
    return (_verdict(loud, least, losses), *(verdict for verdict in found if verdict.name != "healthy"))


def _weighted(training: Training) -> dict[str, list[float]]:
    """Name of an output -> its loss in each epoch, times its weight; empty where any of it is not known."""
    names = list(getattr(training.model, "output_names", None) or ())
    weights, history = _weights(training.model, names), training.history or {}
    columns = {name: [value for value in history.get(f"{name}_loss", ()) if value is not None] for name in names}
    if any(len(values) < LEAST_EPOCHS for values in columns.values()) or not weights:
        return {}
    return {name: [weights[name] * value for value in values] for name, values in columns.items()}


def _weights(model: Any, names: Sequence[str]) -> dict[str, float]:
    """Of each output in the sum, 1 where nothing is said; empty where they are given in a form of somebody's own."""
    given = getattr(getattr(model, "_compile_loss", None), "_user_loss_weights", None)
    if given is None:
        return dict.fromkeys(names, 1.0)
    if isinstance(given, Mapping):
        return {name: float(given.get(name, 1.0)) for name in names}
    listed = isinstance(given, list | tuple) and len(given) == len(names)
    return {name: float(weight) for name, weight in zip(names, given, strict=True)} if listed else {}


def _verdict(loud: str, quiet: str, losses: Mapping[str, Sequence[float]]) -> Verdict:
    first, other = losses[loud][0], losses[quiet][0]
    gained = 1 - min(losses[quiet]) / other
    weight = float(f"{other / first:.1g}")
    return Verdict(
        NAME,
        Outcome.WARN,
        f"The loss of {loud!r} begins {first / other:,.0f} times as large as that of {quiet!r} ({first:.3g} and "
        f"{other:.3g}, weights counted): their sum is hardly about {quiet!r}, whose own loss fell by {gained:.0%}.",
        {"loud": loud, "loud_loss": first, "quiet": quiet, "quiet_loss": other, "quiet_gained": gained},
        (
            Change("loss.weights", {loud: weight, quiet: 1.0}, "both begin alike, and both are heard", None),
            Change("data.scale_targets", "standardize", f"targets of {loud!r} near 1 have a loss near 1"),
        ),
        onset=1,
        confidence=0.8,
        check=f"train with {quiet!r} alone: its loss should not come lower than now",
        source="Kendall et al. 2018; Chen et al. 2018",
    )
