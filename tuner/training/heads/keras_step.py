"""What do K heads compute in one step? The mathematics of a bank, in `keras.ops`.

Gradients are written out: the loss is a sum over heads of a softmax's cross-entropy, and what a tape would add is
memory. Every number by which heads differ is a value; the graph depends on the `Shape` alone.

Source: keras 3.15.1, src/optimizers/{base_optimizer,sgd,adam,rmsprop}.py.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from keras import ops

from tuner.training.heads.rules import (
    ADAGRAD_START,
    ADAM_EPSILON,
    BETA_1,
    BETA_2,
    NOVOGRAD_1,
    NOVOGRAD_2,
    NOVOGRAD_EPSILON,
    RHO,
    RMSPROP_EPSILON,
    RULES,
)
from tuner.training.heads.shapes import Part, Shape

NUMBERS = ("label_smoothing", "momentum", "weight_decay", "l1", "l2", "global_clipnorm", "dropout")

Tensor = Any
Moved = tuple[Tensor, tuple[Tensor, ...]]  # weights and slots after a step


def sgd(w: Tensor, g: Tensor, slots: Sequence[Tensor], rate: Tensor, momentum: Tensor) -> Moved:
    """Momentum; with momentum 0, plain gradient descent."""
    m = momentum * slots[0] - rate * g
    return w + m, (m, *slots[1:])


def nesterov(w: Tensor, g: Tensor, slots: Sequence[Tensor], rate: Tensor, momentum: Tensor) -> Moved:
    """Nesterov's momentum as Keras writes it."""
    step = rate * g
    m = momentum * slots[0] - step
    return w + momentum * m - step, (m, *slots[1:])


def adam(w: Tensor, g: Tensor, slots: Sequence[Tensor], rate: Tensor, momentum: Tensor) -> Moved:
    """Adam; `rate` holds the correction of the first steps."""
    m = slots[0] + (g - slots[0]) * (1 - BETA_1)
    v = slots[1] + (ops.square(g) - slots[1]) * (1 - BETA_2)
    return w - rate * m / (ops.sqrt(v) + ADAM_EPSILON), (m, v)


def rmsprop(w: Tensor, g: Tensor, slots: Sequence[Tensor], rate: Tensor, momentum: Tensor) -> Moved:
    """RMSprop, not centered; with momentum 0, without it."""
    v = RHO * slots[0] + (1 - RHO) * ops.square(g)
    m = momentum * slots[1] + rate * g / ops.sqrt(v + RMSPROP_EPSILON)
    return w - m, (v, m)


def adagrad(w: Tensor, g: Tensor, slots: Sequence[Tensor], rate: Tensor, momentum: Tensor) -> Moved:
    """Adagrad."""
    total = slots[0] + ops.square(g)
    return w - rate * g / ops.sqrt(total + ADAGRAD_START), (total, *slots[1:])


def novograd(
    w: Tensor, g: Tensor, slots: Sequence[Tensor], rate: Tensor, momentum: Tensor, decay: Tensor, square: Tensor
) -> Moved:
    """NovoGrad; `square` is the squared length of the gradient of the head's whole kernel or bias."""
    v = ops.where(slots[1] > 0, NOVOGRAD_2 * slots[1] + (1 - NOVOGRAD_2) * square, square)
    m = NOVOGRAD_1 * slots[0] + g / (ops.sqrt(v) + NOVOGRAD_EPSILON) + decay * w
    return w - rate * m, (m, v)


MOVES: Mapping[str, Callable[..., Moved]] = {
    "sgd": sgd,
    "nesterov": nesterov,
    "adam": adam,
    "rmsprop": rmsprop,
    "adagrad": adagrad,
    "novograd": novograd,
}


def spread(part: Part, numbers: Tensor) -> Tensor:
    """One number a head (heads,), in a shape that multiplies the part's variable."""
    return ops.reshape(ops.repeat(numbers, part.per), (part.groups, 1, part.length * part.per))


def _product(inputs: Tensor, kernel: Tensor) -> Tensor:
    """(G, B, n) or (1, B, n) with (G, n, m): (G, B, m)."""
    return ops.matmul(inputs[0], kernel[0])[None] if kernel.shape[0] == 1 else ops.matmul(inputs, kernel)


def hidden_of(shape: Shape, w: Sequence[Tensor], features: Tensor) -> Tensor:
    """Activations (heads, B, H)."""
    flat = ops.relu(_product(features[None], w[0]) + w[1])
    return ops.transpose(ops.reshape(flat, (-1, shape.heads, shape.hidden)), (1, 0, 2))


def logits_of(shape: Shape, w: Sequence[Tensor], inputs: Tensor) -> Tensor:
    """Scores (G, B, L, C) of the last layer's inputs (G, B, n) or (1, B, n)."""
    last = shape.parts[-1]
    found = _product(inputs, w[-2]) + w[-1]
    return ops.reshape(found, (last.groups, -1, last.length, shape.num_classes))


def gradients_of(
    shape: Shape, numbers: Tensor, w: Sequence[Tensor], batch: tuple[Tensor, Tensor, Tensor, Tensor | None]
) -> tuple[Tensor, list[Tensor]]:
    """Loss and accuracy (2, heads) of a batch, and the gradients of the loss that is minimized."""
    features, labels, weights, uniform = batch
    hidden = hidden_of(shape, w, features) if shape.hidden else None
    inputs = features[None] if hidden is None else hidden
    scale = None if uniform is None else _scale(shape, numbers, uniform)
    inputs = inputs if scale is None else inputs * scale
    log, back = _loss(shape, numbers, logits_of(shape, w, inputs), labels, weights)
    last = [_product(ops.transpose(inputs, (0, 2, 1)), back), ops.sum(back, axis=1, keepdims=True)]
    if hidden is None:
        return log, last
    below = ops.matmul(back, ops.transpose(w[-2], (0, 2, 1))) * ops.cast(hidden > 0, "float32")
    below = below if scale is None else below * scale
    flat = ops.reshape(ops.transpose(below, (1, 0, 2)), (1, -1, shape.heads * shape.hidden))
    return log, [_product(ops.transpose(features)[None], flat), ops.sum(flat, axis=1, keepdims=True), *last]


def _scale(shape: Shape, numbers: Tensor, uniform: Tensor) -> Tensor:
    """Inverted dropout's factors (G, B, n), 0 or 1 / (1 - rate): one draw for all, each group at its rate."""
    rate = ops.reshape(numbers[NUMBERS.index("dropout")], (shape.parts[-1].groups, -1))[:, :1, None]
    return ops.cast(uniform[None] >= rate, "float32") / (1 - rate)


def _loss(shape: Shape, numbers: Tensor, scores: Tensor, labels: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Plain loss and accuracy (2, heads), and the gradient (G, B, L * C) of the weighted, smoothed loss."""
    groups, _, length, classes = scores.shape
    truth = ops.one_hot(labels, classes, dtype="float32")[None, :, None]
    right = ops.cast(ops.argmax(scores, axis=-1) == ops.cast(labels, "int32")[None, :, None], "float32")
    shifted = scores - ops.max(scores, axis=-1, keepdims=True)
    powers = ops.exp(shifted)
    total = ops.sum(powers, axis=-1, keepdims=True)
    losses = ops.log(total[..., 0]) - ops.sum(shifted * truth, axis=-1)
    smoothing = ops.reshape(numbers[NUMBERS.index("label_smoothing")], (groups, 1, length, 1))
    share = (weights / ops.sum(weights))[None, :, None, None]
    back = (powers / total - truth * (1 - smoothing) - smoothing / classes) * share
    counts = ops.cast(weights > 0, "float32")
    counts = (counts / ops.sum(counts))[None, :, None]
    log = ops.stack([ops.reshape(ops.sum(each * counts, axis=1), (-1,)) for each in (losses, right)])
    return log, ops.reshape(back, (groups, -1, length * classes))


def moved(
    shape: Shape,
    numbers: Tensor,
    w: Sequence[Tensor],
    slots: Sequence[Sequence[Tensor]],
    gradients: Sequence[Tensor],
    rates: Tensor,
) -> tuple[list[Tensor], list[list[Tensor]]]:
    """Weights and slots after a step; `rates` are (2, heads): plain, and corrected for Adam."""
    _, momentum, decay, l1, l2, clip, _ = (numbers[place] for place in range(len(NUMBERS)))
    if shape.penalized:
        gradients = [
            g + spread(part, l1) * ops.sign(value) + spread(part, 2 * l2) * value if part.is_kernel else g
            for part, value, g in zip(shape.parts, w, gradients, strict=True)
        ]
    if shape.clipped:
        squares = [_squares(shape, part, g) for part, g in zip(shape.parts, gradients, strict=True)]
        scale = ops.minimum(clip / ops.sqrt(sum(squares[1:], squares[0])), 1.0)
        gradients = [g * spread(part, scale) for part, g in zip(shape.parts, gradients, strict=True)]
    found_w, found_slots = [], []
    for part, value, own, g in zip(shape.parts, w, slots, gradients, strict=True):
        found = _by_rules(shape, numbers, part, (value, g, own), (rates, momentum, decay))
        found_w.append(found[0])
        found_slots.append(list(found[1]))
    return found_w, found_slots


def _squares(shape: Shape, part: Part, gradient: Tensor) -> Tensor:
    """The squared length of each head's gradient of one kernel or bias: (heads,)."""
    return ops.sum(ops.reshape(ops.sum(ops.square(gradient), axis=1), (shape.heads, part.per)), axis=1)


def _by_rules(
    shape: Shape,
    numbers: Tensor,
    part: Part,
    now: tuple[Tensor, Tensor, Sequence[Tensor]],
    vectors: tuple[Tensor, Tensor, Tensor],
) -> Moved:
    """Each head by its own rule: all rules that occur, then a choice."""
    rates, momentum, decay = vectors
    w, g, slots = now
    found: Moved | None = None
    for place, rule in enumerate(shape.rules):
        rate = spread(part, rates[1 if rule == "adam" else 0])
        if RULES[rule].by_layer:
            layer = spread(part, decay), spread(part, _squares(shape, part, g))
            new = MOVES[rule](w, g, slots, rate, spread(part, momentum), *layer)
        else:
            decayed = w - w * spread(part, decay * rates[0])
            new = MOVES[rule](decayed, g, slots, rate, spread(part, momentum))
        if found is None:
            found = new
            continue
        own = spread(part, numbers[len(NUMBERS) + place]) > 0
        chosen = tuple(ops.where(own, a, b) for a, b in zip(new[1], found[1], strict=True))
        found = ops.where(own, new[0], found[0]), chosen
    assert found is not None  # a bank has heads, and they have rules
    return found
