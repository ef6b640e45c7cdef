"""What do the heads of a slab compute in one step? Two matrix multiplications, the loss, and an update in blocks."""

from collections.abc import Sequence

import numpy as np

from tuner.training.heads.bank import Array
from tuner.training.heads.rules import Columns
from tuner.training.heads.slabs import Slab

NOTHING = np.float32(
    1e-20
)  # a probability that moves no weight; below 1e-38 each multiplication takes a hundred cycles


def step(
    slab: Slab, features: Array, labels: Array, weights: Array, rates: Array, uniform: Array | None
) -> tuple[Array, Array]:
    """One step of a slab: its loss and accuracy, a number a head each."""
    with np.errstate(all="ignore"):  # a head that diverges does so in its own columns; its NaN is the finding
        hidden = _hidden(slab, features)
        scale = _scale(slab, uniform)
        scores, inputs = _scores(slab, hidden, features, scale)
        loss, accuracy, back = _loss(slab, scores, labels, weights)
        gradients = _gradients(slab, features, hidden, inputs, scale, back)
        _penalize(slab, gradients)
        _clip(slab, gradients)
        _update(slab, gradients, rates)
    return loss, accuracy


def _hidden(slab: Slab, features: Array) -> Array | None:
    """Activations (B, heads * H) of the hidden layer, if there is one."""
    if not slab.hidden:
        return None
    kernel, bias = slab.parameters[:2]
    found: Array = features @ kernel.value
    found += bias.value
    return np.maximum(found, 0, out=found)


def inference(slab: Slab, features: Array) -> Array:
    """Logits (N, heads, C) without dropout."""
    with np.errstate(all="ignore"):
        return _scores(slab, _hidden(slab, features), features, None)[0]


def _scale(slab: Slab, uniform: Array | None) -> Array | None:
    """Inverted dropout's factors, 0 or 1 / (1 - rate): (B, D), or (B, heads * H); None if nothing is dropped."""
    if uniform is None or not slab.dropout:
        return None
    rate = np.float32(slab.dropout)
    scale: Array = (uniform >= rate).astype(np.float32)
    scale /= 1 - rate
    return np.tile(scale, slab.heads) if slab.hidden else scale


def _scores(slab: Slab, hidden: Array | None, features: Array, scale: Array | None) -> tuple[Array, Array]:
    """Logits (B, heads, C), and the inputs of the last layer: shared (B, D), or each head's own (B, heads * H)."""
    kernel, bias = slab.parameters[-2:]
    inputs = features if hidden is None else hidden
    inputs = inputs if scale is None else inputs * scale
    apart = hidden is not None
    found = _joined(_by_head(slab, inputs) @ _by_head(slab, kernel.value)) if apart else inputs @ kernel.value
    found += bias.value
    return found.reshape(len(inputs), slab.heads, slab.num_classes), inputs


def _loss(slab: Slab, scores: Array, labels: Array, weights: Array) -> tuple[Array, Array, Array]:
    """Plain loss and accuracy, and the gradient (B, heads * C) of the weighted, smoothed loss by the logits.

    Classes come first in between: NumPy adds up long rows quickly, and short ones slowly.
    """
    rows, classes = np.arange(len(labels)), slab.num_classes
    right = (scores.argmax(axis=2) == labels[:, None]).astype(np.float32)
    powers = np.ascontiguousarray(scores.transpose(2, 0, 1))
    powers -= powers.max(axis=0)
    truth = powers[labels, rows]
    np.exp(powers, out=powers)
    total = powers.sum(axis=0)
    losses = np.log(total) - truth
    powers *= powers > NOTHING
    share = (weights / weights.sum())[:, None]
    powers *= share / total
    powers -= share * (slab.smoothing / classes)
    powers[labels, rows] -= share * (1 - slab.smoothing)
    counts = (weights > 0).astype(np.float32)
    counts /= counts.sum()
    back = np.ascontiguousarray(powers.transpose(1, 2, 0)).reshape(len(labels), -1)
    return counts @ losses, counts @ right, back


def _gradients(
    slab: Slab, features: Array, hidden: Array | None, inputs: Array, scale: Array | None, back: Array
) -> list[Array]:
    """Gradients in the order of `parameters`, each in the shape of its value."""
    room = [parameter.gradient for parameter in slab.parameters]
    bias = back.sum(axis=0, out=room[-1][0])[None]
    if hidden is None:
        return [np.matmul(inputs.T, back, out=room[0]), bias]
    error = _by_head(slab, back)
    np.matmul(_by_head(slab, inputs).transpose(0, 2, 1), error, out=_by_head(slab, room[-2]))
    below = _joined(error @ _by_head(slab, slab.parameters[-2].value).transpose(0, 2, 1))
    below *= hidden > 0
    if scale is not None:
        below *= scale
    return [np.matmul(features.T, below, out=room[0]), below.sum(axis=0, out=room[1][0])[None], room[-2], bias]


def _penalize(slab: Slab, gradients: Sequence[Array]) -> None:
    """Add the slopes of l1 * sum |w| and l2 * sum w^2 over the kernels."""
    for parameter, gradient in zip(slab.parameters, gradients, strict=True):
        if parameter.is_kernel and slab.l1.any():
            gradient += np.repeat(slab.l1, parameter.per) * np.sign(parameter.value)
        if parameter.is_kernel and slab.l2.any():
            gradient += np.repeat(2 * slab.l2, parameter.per) * parameter.value


def _clip(slab: Slab, gradients: Sequence[Array]) -> None:
    """Scale each head's gradient down to its `global_clipnorm`."""
    if not np.isfinite(slab.clip).any():
        return
    squares = [_squares(slab, gradient) for gradient in gradients]
    scale = np.minimum(slab.clip / np.sqrt(np.sum(squares, axis=0)), 1)
    for parameter, gradient in zip(slab.parameters, gradients, strict=True):
        gradient *= np.repeat(scale, parameter.per)


def _squares(slab: Slab, gradient: Array) -> Array:
    """The squared length of each head's gradient of one kernel or bias: (heads,)."""
    found: Array = np.square(gradient).sum(axis=0).reshape(slab.heads, -1).sum(axis=1)
    return found


def _update(slab: Slab, gradients: Sequence[Array], rates: Array) -> None:
    """Decay, then the rule, in blocks of rows."""
    np.add(slab.iterations, 1, out=slab.iterations)
    decay = slab.decay * rates
    before = decay.any() and not slab.rule.by_layer
    for parameter, gradient in zip(slab.parameters, gradients, strict=True):
        columns = Columns(
            np.repeat(rates, parameter.per),
            np.repeat(slab.momentum, parameter.per),
            np.repeat(decay, parameter.per) if before else None,
            np.repeat(slab.iterations, parameter.per),
            np.repeat(slab.decay, parameter.per),
            np.repeat(_squares(slab, gradient), parameter.per) if slab.rule.by_layer else None,
        )
        size = len(parameter.scratch)
        for row in range(0, len(gradient), size):
            rows = slice(row, row + size)
            w, g = parameter.value[rows], gradient[rows]
            own = parameter.scratch[: len(w)]
            if columns.decay is not None:
                np.multiply(w, columns.decay, out=own)
                w -= own
            slab.rule.update(w, g, [slot[rows] for slot in parameter.slots], columns, own)


def _by_head(slab: Slab, values: Array) -> Array:
    """(rows, heads * n) as (heads, rows, n), a view."""
    return values.reshape(len(values), slab.heads, -1).transpose(1, 0, 2)


def _joined(values: Array) -> Array:
    """(heads, rows, n) as (rows, heads * n)."""
    return values.transpose(1, 0, 2).reshape(values.shape[1], -1)
