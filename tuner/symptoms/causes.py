"""Where one shape has several likely causes: how likely is each, and which remedy comes first?

The weights are shares of belief that add up to one. They are orders of magnitude, set by hand from what each sign in
the curve rules out, and they decide the order of the remedies: the likeliest first, the cheaper first of two alike.

A cause has the name of the verdict that a look inside the model would give, where there is one; `OF_NO_VERDICT` are the
others.

Source: section 4 of the reference (no tool says by what the causes of one shape can be told apart); Humbatova et al.
2025 (several fixes of one fault are right at once).
"""

from collections.abc import Mapping

from tuner.records import Change

OF_NO_VERDICT = {  # cause -> what it says
    "wrong_sign": "what is minimized is lowest where the model is wrong",
    "val_data": "numbers that are not finite in the validation data alone",
}


def weighed(weights: Mapping[str, float]) -> dict[str, float]:
    """Cause -> share of belief, the likeliest first; shares add up to one and are rounded to hundredths."""
    total = sum(weights.values())
    ordered = sorted(weights.items(), key=lambda item: -item[1])
    return {cause: round(weight / total, 2) for cause, weight in ordered if weight > 0}


def ordered(causes: Mapping[str, float], remedies: Mapping[str, tuple[Change, ...]]) -> tuple[Change, ...]:
    """The remedies of the causes, the likeliest cause's first, each path once."""
    changes: dict[str, Change] = {}
    for cause in causes:
        for change in remedies.get(cause, ()):
            changes.setdefault(change.path, change)
    return tuple(changes.values())
